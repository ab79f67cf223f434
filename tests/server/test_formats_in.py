"""Recordings as clients send them: base64 of any kind, `data:` URIs, wrong labels, raw samples."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable

import numpy as np
import pytest
from codec_signals import channels, likeness, voice, wav, write
from openai import BadRequestError
from scripted_app import MakeServer, ScriptedServer, audio_part, spoken

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.resampling import resample

MODEL = "gpt-4o-mini-audio-preview"
SPEECH = voice(2.345)
WEBM = write(channels(SPEECH, 1), 24_000, "webm", "libopus")
MP3 = write(channels(SPEECH, 1), 24_000, "mp3", "libmp3lame")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpadded(data: bytes) -> str:
    assert len(data) % 3
    return _b64(data).rstrip("=")


def _in_lines(data: bytes) -> str:
    text = _b64(data)
    return "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76)) + "\n"


ODD = WEBM + bytes(-len(WEBM) % 3 + 1)
"""A length that base64 must pad."""

WRITTEN: dict[str, Callable[[], str]] = {
    "base64": lambda: _b64(WEBM),
    "in lines": lambda: _in_lines(WEBM),
    "without padding": lambda: _unpadded(ODD),
    "url-safe": lambda: base64.urlsafe_b64encode(WEBM).decode(),
    "data URI": lambda: f"data:audio/webm;base64,{_b64(WEBM)}",
    "data URI with a codec": lambda: f"data:audio/webm;codecs=opus;base64,{_b64(WEBM)}",
    "data URI of the wrong type": lambda: f"data:audio/wav;base64,{_b64(WEBM)}",
    "data URI without a type": lambda: f"data:;base64,{_b64(WEBM)}",
    "data URI in capitals": lambda: f"DATA:AUDIO/WEBM;BASE64,{_b64(WEBM)}",
    "data URI after a space, in lines": lambda: f" data:audio/webm;base64,\n{_in_lines(WEBM)}",
    "data URI with escapes": lambda: f"data:audio/webm;base64,{urllib.parse.quote(_b64(WEBM), safe='')}",
    "data URI without base64": lambda: f"data:audio/webm,{urllib.parse.quote(WEBM)}",
    "data URI, url-safe": lambda: f"data:audio/webm;base64,{base64.urlsafe_b64encode(WEBM).decode()}",
}


def _heard(server: ScriptedServer, data: bytes | str, label: str) -> Audio:
    """What reached the listener."""
    done = server.client.chat.completions.create(model=MODEL, messages=spoken(audio_part(data, label)))
    assert done.choices[0].message.content
    return server.engines.listener.heard[-1]  # type: ignore[attr-defined]


@pytest.mark.proves("input: data URI")
@pytest.mark.parametrize("how", WRITTEN)
def test_bytes_written_as_text_in_any_way(how: str, server: ScriptedServer) -> None:
    heard = _heard(server, WRITTEN[how](), "wav")
    assert heard.duration_s == pytest.approx(SPEECH.duration_s, abs=1e-3)
    assert likeness(heard, resample(SPEECH, LISTEN_RATE_HZ)) > 0.99


@pytest.mark.parametrize(
    "text", ["data:audio/wav;base64", "data:audio/wav;base64,%zz!", "A", "AAAAA", "AA===", "é", "AA.A"]
)
def test_what_is_no_base64_is_refused(text: str, server: ScriptedServer) -> None:
    with pytest.raises(BadRequestError, match="not valid base64") as caught:
        _heard(server, text, "wav")
    assert caught.value.param == "messages[0].content[0].input_audio.data"


@pytest.mark.parametrize("text", ["", "   ", "data:audio/wav;base64,", "data:,"])
def test_no_bytes_at_all_are_told(text: str, server: ScriptedServer) -> None:
    with pytest.raises(BadRequestError, match="empty") as caught:
        _heard(server, text, "wav")
    assert caught.value.code == "unsupported_format"


@pytest.mark.proves("input: wav")
@pytest.mark.parametrize("label", ["wav", "pcm16", "flac", "nonsense"])
def test_a_container_wins_over_any_label(label: str, server: ScriptedServer) -> None:
    for data in (MP3, WEBM, wav(SPEECH.to_pcm16(), rate_hz=24_000)):
        assert _heard(server, data, label).duration_s == pytest.approx(SPEECH.duration_s, abs=1e-3)


@pytest.mark.proves("input: pcm16")
@pytest.mark.parametrize("label", ["pcm16", "pcm", "PCM16"])
def test_raw_samples_are_known_by_their_label_only(label: str, server: ScriptedServer) -> None:
    heard = _heard(server, SPEECH.to_pcm16(), label)
    assert heard.duration_s == pytest.approx(SPEECH.duration_s, abs=1e-4)
    assert likeness(heard, resample(SPEECH, LISTEN_RATE_HZ)) > 0.999
    with pytest.raises(BadRequestError, match="labelled 'pcm16'"):
        _heard(server, SPEECH.to_pcm16(), "wav")


def test_raw_samples_are_limited_and_counted_as_others(make_server: MakeServer) -> None:
    from vivavoce.server.service import Limits

    server = make_server(limits=Limits(audio_s=1.0))
    second = np.zeros(24_000, "<i2").tobytes()
    done = server.client.chat.completions.create(model=MODEL, messages=spoken(audio_part(second, "pcm16")))
    assert done.usage.prompt_tokens_details.audio_tokens == 10
    with pytest.raises(BadRequestError, match="longer than the limit"):
        _heard(server, second + second, "pcm16")


def test_one_sample_is_taken(server: ScriptedServer) -> None:
    for data, label in ((wav(b"\x00\x10"), "wav"), (b"\x00\x10" * 2, "pcm16")):
        assert len(_heard(server, data, label).samples) == 1
