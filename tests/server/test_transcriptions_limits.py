"""The listening routes where something gives: failures, hanging up, limits, room; counted, and off the disk."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from scripted_app import MakeServer, eventually, wav_bytes
from test_transcriptions import (
    SAID,
    SECONDS,
    TEXT,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    events,
    post,
)

from vivavoce.audio import Audio
from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import EngineFailed
from vivavoce.listen.base import ListenOptions
from vivavoce.server.service import Limits
from vivavoce.telemetry.figures import Reading, Stretch
from vivavoce.testing import ScriptedListener


class FailingListener(ScriptedListener):
    """Fails after `good` segments."""

    def __init__(self, said: Sequence[str], good: int) -> None:
        super().__init__(said)
        self.good = good

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> Any:
        count = 0
        async for segment in super().listen(audio, options):
            if count == self.good:
                raise EngineFailed("The ear is broken.")
            count += 1
            yield segment


def test_failures_have_a_status_before_the_first_word_and_an_event_after_it(make_server: MakeServer) -> None:
    server = make_server(listener=FailingListener(SAID, 0))
    for more in ({}, {"stream": "true"}):
        answer = post(server, **more)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "engine_failed")
    server.engines.listener.good = 1
    delta, failed = events(post(server, stream="true"))
    assert delta["delta"] == SAID[0]
    assert failed["error"]["code"] == "engine_failed"
    assert post(server).status_code == 500


@pytest.mark.parametrize("stream", ["true", "false"])
def test_hanging_up_frees_the_work(make_server: MakeServer, stream: str) -> None:
    admission = Admission(AdmissionLimits(turns=1, waiting=0))
    listener = ScriptedListener([f"Part {n}." for n in range(200)], delay_s=0.05)
    server = make_server(listener=listener, admission=admission)
    form = {"model": "gpt-4o-transcribe", "stream": stream}
    try:
        with httpx.stream(
            "POST", f"{server.url}{TRANSCRIPTIONS}", data=form, files={"file": wav_bytes()}, timeout=1.0
        ) as answer:
            lines = answer.iter_lines()  # closes the connection when it goes
            next(lines)
            assert post(server).status_code == 429
    except httpx.ReadTimeout:
        assert stream == "false"
    deadline_s = time.monotonic() + 5
    while admission.state()["turns"]:
        assert time.monotonic() < deadline_s, "it listens on for nobody"
        time.sleep(0.02)
    told = Stretch(Reading(0.0), Reading.of(server.http.get("/metrics").text, 1.0))
    assert told.total("viva_cancelled_total") >= 1


def test_it_is_counted(make_server: MakeServer) -> None:
    server = make_server(listener=ScriptedListener(SAID))
    post(server, model="gpt-4o-transcribe")

    def counted() -> Stretch | None:
        """Once it has ended, a moment after its last byte."""
        told = Stretch(Reading(0.0), Reading.of(server.http.get("/metrics").text, 1.0))
        ended = told.total("viva_requests_total", route=TRANSCRIPTIONS, status="200", code="none") == 1
        return told if ended else None

    told = eventually(counted)
    assert told.total("viva_turns_total", model="gpt-4o-transcribe", spoken="no", streamed="no") == 1
    assert told.total("viva_stage_seconds_count", stage="listen") == 1
    assert told.total("viva_audio_seconds_total", direction="in") == pytest.approx(SECONDS)
    assert told.total("viva_tokens_total", direction="in", kind="audio") == 42
    assert told.total("viva_tokens_total", direction="out", kind="text") == len(TEXT.split())


def test_room_is_told_in_the_headers(make_server: MakeServer) -> None:
    server = make_server(admission=Admission(AdmissionLimits(turns=2, waiting=3)))
    for more in ({}, {"stream": "true"}):
        assert post(server, **more).headers["x-ratelimit-limit-requests"] == "5"


def test_a_file_over_the_limits_is_refused(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(body_bytes=200_000, audio_s=3.0))
    for route in (TRANSCRIPTIONS, TRANSLATIONS):
        too_long = post(server, route)
        assert (too_long.status_code, too_long.json()["error"]["param"]) == (400, "file")
        assert too_long.json()["error"]["code"] == "audio_too_long"
        assert post(server, route, wav_bytes(10.0)).status_code == 413


def test_no_recording_touches_the_disk(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs in this process: whatever it would spool, it would open by these."""
    server = make_server()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    for name in ("SpooledTemporaryFile", "NamedTemporaryFile", "TemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    assert post(server, data=wav_bytes(120.0)).status_code == 200
