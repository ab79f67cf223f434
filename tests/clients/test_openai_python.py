"""The unmodified official Python client against `viva serve` with real weights: every direction, streamed and not."""

from __future__ import annotations

import base64
import io
import itertools
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Literal

import httpx
import jiwer
import numpy as np
import pytest
from openai import APIError, AsyncOpenAI, BadRequestError, OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from pydantic import BaseModel, Field
from real_servers import RealServer
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode

pytestmark = pytest.mark.real

MODEL = "gpt-4o-mini-audio-preview"
BOTH = ["text", "audio"]
PCM = {"voice": "alloy", "format": "pcm16"}
WAV = {"voice": "alloy", "format": "wav"}
REPO = Path(__file__).resolve().parents[2]


def part(data: bytes, label: str = "mp3") -> dict[str, object]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": label}}


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "content": list(parts)}


def transcribe(server: RealServer, sound: bytes) -> str:
    """What our own ears make of it: the `heard` of a question whose answer is cut after one word."""
    heard = server.client.chat.completions.create(model=MODEL, messages=[user(part(sound, "wav"))], max_tokens=1)
    return heard.choices[0].message.heard[0]["transcript"]


def word_errors(reference: str, heard: str) -> float:
    normalise = EnglishTextNormalizer()
    return jiwer.wer(normalise(reference), normalise(heard))


def test_speech_to_text(real_server: RealServer, question: Path) -> None:
    done = real_server.client.chat.completions.create(
        model=MODEL, modalities=["text"], messages=[user(part(question.read_bytes()))], temperature=0
    )
    message = done.choices[0].message
    assert "Paris" in message.content
    assert "capital of france" in message.heard[0]["transcript"].lower()
    assert message.heard[0]["language"] == "en"
    words = message.heard[0]["words"]
    assert [word["word"].strip(" ?").lower() for word in words][-1] == "france"
    assert all(before["end"] <= after["end"] for before, after in itertools.pairwise(words))
    assert done.usage.prompt_tokens_details.audio_tokens == int(message.heard[0]["duration"] * 10 + 1e-6)


def test_text_to_speech(real_server: RealServer) -> None:
    done = real_server.client.chat.completions.create(
        model=MODEL,
        modalities=BOTH,
        audio=WAV,
        messages=[{"role": "user", "content": "Say in one sentence why the sea is salty."}],
        temperature=0,
    )
    message = done.choices[0].message
    sound = base64.b64decode(message.audio.data)
    with wave.open(io.BytesIO(sound)) as file:
        seconds = file.getnframes() / file.getframerate()
    assert done.usage.completion_tokens_details.audio_tokens == int(seconds * 20 + 1e-6)
    assert done.usage.prompt_tokens_details.audio_tokens == 0
    assert word_errors(message.audio.transcript, transcribe(real_server, sound)) <= 0.15


@pytest.mark.proves("openai (Python)", "stream")
def test_speech_to_speech_streamed_and_rebuilt(real_server: RealServer, question: Path) -> None:
    state = ChatCompletionStreamState()
    sound, order = b"", []
    for chunk in real_server.client.chat.completions.create(
        model=MODEL,
        modalities=BOTH,
        audio=PCM,
        messages=[user(part(question.read_bytes()))],
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    ):
        state.handle_chunk(chunk)
        for choice in chunk.choices:
            if choice.delta.audio and choice.delta.audio.data:
                sound += base64.b64decode(choice.delta.audio.data, validate=True)
                order.append("sound")
            elif choice.delta.audio and choice.delta.audio.transcript:
                order.append("words")
    done = state.get_final_completion()
    message = done.choices[0].message
    assert "Paris" in message.audio.transcript
    assert message.heard[0]["language"] == "en"
    assert done.choices[0].finish_reason == "stop"
    assert done.usage.completion_tokens_details.audio_tokens == len(sound) // 2 * 20 // 24_000
    assert order.index("sound") > 0
    wav = encode(Audio.from_pcm16(sound, 24_000), "wav")
    assert "paris" in transcribe(real_server, wav).lower()


@pytest.mark.proves("assistant audio.id")
def test_two_turns_the_second_by_id(real_server: RealServer, question: Path) -> None:
    first = real_server.client.chat.completions.create(
        model=MODEL, modalities=BOTH, audio=PCM, messages=[user(part(question.read_bytes()))], temperature=0
    )
    second = real_server.client.chat.completions.create(
        model=MODEL,
        messages=[
            user(part(question.read_bytes())),
            {"role": "assistant", "audio": {"id": first.choices[0].message.audio.id}},
            {"role": "user", "content": "Repeat only the name of the city in your last answer."},
        ],
        temperature=0,
    )
    assert "Paris" in second.choices[0].message.content


@pytest.mark.proves("openai (Python)")
async def test_the_async_client(real_server: RealServer, question: Path) -> None:
    async with AsyncOpenAI(base_url=f"{real_server.url}/v1", api_key="none") as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=[user(part(question.read_bytes()))], temperature=0, stream=True
        )
        answer = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert "Paris" in answer


@pytest.mark.proves("openai (Python)")
def test_responses_pass_strict_validation(real_server: RealServer) -> None:
    strict = OpenAI(base_url=f"{real_server.url}/v1", api_key="none", _strict_response_validation=True)
    done = strict.chat.completions.create(
        model=MODEL, modalities=BOTH, audio=WAV, messages=[{"role": "user", "content": "Say yes."}]
    )
    assert done.choices[0].message.audio.transcript
    assert [model.id for model in strict.models.list()]
    strict.close()


@pytest.mark.proves("usage")
def test_the_same_speech_costs_the_same_in_every_codec(real_server: RealServer, question: Path) -> None:
    sound = decode(question.read_bytes(), rate_hz=48_000)
    stereo = io.BytesIO()
    with wave.open(stereo, "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(np.repeat(np.frombuffer(sound.to_pcm16(), "<i2"), 2).tobytes())
    costs = [
        real_server.client.chat.completions.create(
            model=MODEL, messages=[user(part(data, "wav"))], max_tokens=1
        ).usage.prompt_tokens_details.audio_tokens
        for data in (stereo.getvalue(), question.read_bytes(), encode(sound, "flac"), encode(sound, "opus"))
    ]
    assert max(costs) - min(costs) <= 1
    assert min(costs) > 10


@pytest.mark.parametrize("seconds", [1, 4])
def test_silence_is_not_answered_as_words(real_server: RealServer, seconds: int) -> None:
    silence = encode(Audio.silence(seconds, 24_000), "wav")
    done = real_server.client.chat.completions.create(model=MODEL, messages=[user(part(silence, "wav"))], temperature=0)
    assert done.choices[0].message.heard[0]["transcript"] == ""
    assert done.choices[0].message.heard[0]["words"] == []
    assert done.choices[0].message.heard[0]["language"] is None
    assert done.choices[0].message.content


def test_hours_of_silence_in_a_small_file_are_refused_quickly(real_server: RealServer) -> None:
    from vivavoce.codec.encode import StreamEncoder

    encoder = StreamEncoder("flac")
    minute = Audio.silence(60, 24_000)
    hours = b"".join(encoder.feed(minute) for _ in range(120)) + encoder.finish()
    assert len(hours) < 2_000_000
    started_s = time.perf_counter()
    with pytest.raises(APIError) as caught:
        real_server.client.chat.completions.create(model=MODEL, messages=[user(part(hours, "flac"))])
    assert caught.value.code == "audio_too_long"
    assert time.perf_counter() - started_s < 30


@pytest.mark.proves("stop", "seed", "max_completion_tokens")
def test_stop_seed_and_caps_do_what_they_say(real_server: RealServer) -> None:
    def ask(**fields: object) -> object:
        messages = [{"role": "user", "content": "Count from one to ten in digits, separated by commas."}]
        return real_server.client.chat.completions.create(model=MODEL, messages=messages, **fields)

    stopped = ask(temperature=0, stop=["5"])
    assert "4" in stopped.choices[0].message.content
    assert "5" not in stopped.choices[0].message.content
    assert stopped.choices[0].finish_reason == "stop"
    cut = ask(temperature=0, max_completion_tokens=5)
    assert (cut.choices[0].finish_reason, cut.usage.completion_tokens) == ("length", 5)
    assert ask(seed=7).choices[0].message.content == ask(seed=7).choices[0].message.content
    spoken = ask(modalities=BOTH, audio=PCM, max_completion_tokens=120)
    assert spoken.usage.completion_tokens <= 120


@pytest.mark.shared
def test_a_real_recording(real_server: RealServer, shared_speech: Path) -> None:
    import json

    rows = [json.loads(line) for line in (shared_speech / "manifest.jsonl").read_text().splitlines()]
    clip = next(row for row in rows if row["path"].startswith("ljspeech_en") and row.get("text"))
    done = real_server.client.chat.completions.create(
        model=MODEL, messages=[user(part((shared_speech / clip["path"]).read_bytes(), "flac"))], max_tokens=1
    )
    heard = done.choices[0].message.heard[0]
    assert word_errors(clip["text"], heard["transcript"]) < 0.25
    assert done.usage.prompt_tokens_details.audio_tokens == int(clip["duration_s"] * 10 + 1e-3)


def test_a_killed_engine_gives_a_clean_error_and_the_next_answer(tiny_server: RealServer) -> None:
    messages = [{"role": "user", "content": "Tell me a very long story."}]
    stream = tiny_server.client.chat.completions.create(model=MODEL, messages=messages, stream=True, max_tokens=800)
    next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
    before = tiny_server.engine_pid
    os.kill(before, signal.SIGKILL)
    with pytest.raises(APIError) as caught:
        list(stream)
    assert caught.value.code == "engine_lost"
    started_s = time.perf_counter()
    done = tiny_server.client.chat.completions.create(model=MODEL, messages=messages, max_tokens=3)
    assert done.usage.completion_tokens == 3
    assert tiny_server.engine_pid != before
    print(f"answered again {time.perf_counter() - started_s:.1f} s after SIGKILL")
    assert tiny_server.log.read_text().count("Traceback") == 0


def test_hanging_up_frees_the_only_slot(tiny_server: RealServer) -> None:
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell me a very long story."}],
        "max_tokens": 2000,
        "temperature": 1,
        "stop": ["\x00"],
        "stream": True,
    }
    with httpx.stream("POST", f"{tiny_server.url}/v1/chat/completions", json=body, timeout=30) as response:
        next(line for line in response.iter_lines() if '"content":"' in line and '"content":""' not in line)
    started_s = time.perf_counter()
    short = [{"role": "user", "content": "Hi"}]
    tiny_server.client.chat.completions.create(model=MODEL, messages=short, max_tokens=1)
    took_s = time.perf_counter() - started_s
    print(f"the only slot answered again {took_s:.2f} s after the hang-up")
    assert took_s < 3


def test_logs_hold_no_speech(tiny_server: RealServer) -> None:
    secret = "zanzibar marmalade"
    tiny_server.client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": f"Remember {secret}."}], max_tokens=2
    )
    with pytest.raises(APIError):
        tiny_server.client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": f"{secret} " * 9000}], max_tokens=2
        )
    log = tiny_server.log.read_text()
    assert "POST /v1/chat/completions" in log
    assert "zanzibar" not in log


def test_the_demo_runs(tmp_path: Path, question: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(REPO / "examples" / "demo.py"), str(question)],
        cwd=tmp_path,
        env=os.environ | {"VIVA_PROFILE": "tiny", "VIVA_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "capital of France" in done.stdout
    assert "first sound" in done.stdout
    with wave.open(str(tmp_path / "answer.wav")) as file:
        assert file.getnframes() > 2_400


class Stop(BaseModel):
    town: str
    minutes: int = Field(ge=0, le=60)


class Journey(BaseModel):
    """Nested, listed, optional, and one of several: what structured outputs are used for."""

    title: str = Field(max_length=30)
    means: Literal["train", "boat"]
    stops: list[Stop] = Field(min_length=1, max_length=2)
    remark: str | None = Field(max_length=20)


@pytest.mark.proves("response_format")
def test_answers_are_parsed_into_models(tiny_server: RealServer) -> None:
    messages = [{"role": "user", "content": "A journey from Rome to Naples, as JSON."}]
    asked = {"model": MODEL, "messages": messages, "response_format": Journey, "temperature": 0, "max_tokens": 300}
    done = tiny_server.client.chat.completions.parse(**asked)
    assert isinstance(done.choices[0].message.parsed, Journey)
    with tiny_server.client.chat.completions.stream(**asked) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Journey)


@pytest.mark.proves("n", "logprobs")
def test_choices_differ_and_tell_how_sure_they_were(tiny_server: RealServer) -> None:
    done = tiny_server.client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Tell me a story."}],
        n=3,
        seed=1,
        temperature=1.5,
        max_tokens=12,
        logprobs=True,
        top_logprobs=2,
    )
    texts = [choice.message.content for choice in done.choices]
    assert len(set(texts)) == 3
    assert [choice.finish_reason for choice in done.choices] == ["length"] * 3
    assert done.usage.completion_tokens == 36
    for choice in done.choices:
        assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
        assert all(len(token.top_logprobs) == 2 for token in choice.logprobs.content)


@pytest.mark.proves("logit_bias")
def test_token_ids_are_those_that_a_bias_takes(tiny_server: RealServer) -> None:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "temperature": 0, "max_tokens": 3}
    tokens = httpx.post(f"{tiny_server.url}/tokenize", json={"content": " yes"}).json()["tokens"]
    done = tiny_server.client.chat.completions.create(**asked, logit_bias={str(token): 100 for token in tokens})
    assert done.choices[0].message.content == " yes yes yes"
    with pytest.raises(BadRequestError) as caught:
        tiny_server.client.chat.completions.create(**asked, logit_bias={"999999999": 1})
    assert caught.value.param == "logit_bias"
