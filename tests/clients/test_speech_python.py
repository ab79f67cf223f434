"""The unmodified official Python client speaks texts through real weights."""

from __future__ import annotations

import base64
import time

import jiwer
import pytest
from openai import OpenAI
from real_servers import RealServer
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.codec.decode import decode

pytestmark = pytest.mark.real

TEXT = "The museum opens at nine in the morning. On Sundays it stays closed, so please come on another day."


def heard(server: RealServer, sound: bytes) -> str:
    data = {"data": base64.b64encode(sound).decode(), "format": "wav"}
    question = [{"role": "user", "content": [{"type": "input_audio", "input_audio": data}]}]
    done = server.client.chat.completions.create(model="gpt-audio-mini", messages=question, max_tokens=1)
    return done.choices[0].message.heard[0]["transcript"]


@pytest.mark.proves("openai (Python)", "POST /v1/audio/speech")
@pytest.mark.parametrize("fmt", ["mp3", "opus", "aac", "flac", "wav"])
def test_what_is_spoken_is_what_was_written(real_server: RealServer, fmt: str) -> None:
    strict = OpenAI(base_url=f"{real_server.url}/v1", api_key="none", _strict_response_validation=True)
    sound = strict.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=fmt).read()
    strict.close()
    normalise = EnglishTextNormalizer()
    assert jiwer.wer(normalise(TEXT), normalise(heard(real_server, sound))) <= 0.1


@pytest.mark.proves("speech: stream_format")
def test_the_first_bytes_come_early(real_server: RealServer) -> None:
    text = f"{TEXT} " * 4
    started_s = time.perf_counter()
    speech = real_server.client.audio.speech.with_streaming_response
    with speech.create(model="gpt-4o-mini-tts", voice="nova", input=text, response_format="pcm") as answer:
        pieces = answer.iter_bytes()
        size = len(next(pieces))
        first_s = time.perf_counter() - started_s
        size += sum(map(len, pieces))
    whole_s = time.perf_counter() - started_s
    print(f"first bytes after {first_s:.2f} s, all {size / 48_000:.1f} s of sound after {whole_s:.2f} s")
    assert first_s < whole_s / 3


@pytest.mark.proves("speech: speed")
def test_speed_is_heard(real_server: RealServer) -> None:
    def seconds(speed: float) -> float:
        speech = real_server.client.audio.speech
        return decode(speech.create(model="tts-1", voice="alloy", input=TEXT, speed=speed).read()).duration_s

    plain = seconds(1.0)
    for speed in (0.25, 0.5, 2.0, 4.0):
        assert seconds(speed) == pytest.approx(plain / speed, rel=0.1)
