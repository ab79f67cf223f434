"""How much may come in: bytes of a body, seconds of its recordings; and what is done with very little of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted_app import MakeServer, ScriptedServer, audio_part, spoken, wav_bytes
from test_bad_input import asking, hearing, post

from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode
from vivavoce.server.service import Limits


def test_ten_milliseconds_are_answered(server: ScriptedServer) -> None:
    answer = post(server, hearing(wav_bytes(0.01)))
    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens_details"]["audio_tokens"] == 0


def test_a_cut_mp3_is_answered_with_what_is_there(server: ScriptedServer) -> None:
    mp3 = encode(decode(wav_bytes(4), rate_hz=24_000), "mp3")
    answer = post(server, hearing(mp3[: len(mp3) // 2]))
    assert answer.status_code == 200
    assert 15 <= answer.json()["usage"]["prompt_tokens_details"]["audio_tokens"] <= 21


@pytest.mark.slow
def test_a_body_over_the_limit_is_413(server: ScriptedServer) -> None:
    answer = post(server, hearing("A" * 26_300_000))
    assert answer.status_code == 413
    error = answer.json()["error"]
    assert error["code"] == "payload_too_large"
    assert "Maximum content size limit (26214400) exceeded" in error["message"]


def test_a_body_over_the_limit_without_a_length_is_413(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(body_bytes=1000))

    def endless() -> Any:
        for _ in range(50):
            yield b" " * 100

    answer = server.http.post("/v1/chat/completions", content=endless())
    assert answer.status_code == 413


@pytest.mark.slow
def test_a_body_of_25_mb_is_read_and_answered(server: ScriptedServer) -> None:
    recording = wav_bytes(600, 16_000)
    body = hearing(recording)
    body["user"] = "x" * (26_214_300 - len(json.dumps(body)))
    answer = post(server, body)
    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens_details"]["audio_tokens"] == 6000


def test_recordings_are_limited_together(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(audio_s=5))
    assert post(server, hearing(wav_bytes(4.9))).status_code == 200
    for parts in ([wav_bytes(6)], [wav_bytes(3), wav_bytes(3)], [wav_bytes(5), wav_bytes(1)]):
        answer = post(server, asking(messages=spoken(*(audio_part(part) for part in parts))))
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "audio_too_long"
        assert error["param"] == f"messages[0].content[{len(parts) - 1}].input_audio.data"
