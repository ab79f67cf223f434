"""The unmodified official Python client, under strict validation, transcribes and translates with real weights."""

from __future__ import annotations

import io
import re
import time
import wave
from collections.abc import Iterator

import jiwer
import numpy as np
import pytest
from openai import BadRequestError, OpenAI
from real_servers import RealServer
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.audio import Audio
from vivavoce.codec.encode import encode

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")]

TEXT = "The museum opens at nine in the morning. On Sundays it stays closed, so please come on another day."
normalise = EnglishTextNormalizer()


@pytest.fixture(scope="module")
def strict(real_server: RealServer) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"{real_server.url}/v1", api_key="none", max_retries=0, timeout=120, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture(scope="module")
def spoken(strict: OpenAI) -> Audio:
    pcm = strict.audio.speech.create(model="tts-1", voice="nova", input=TEXT, response_format="pcm").read()
    return Audio.from_pcm16(pcm, 24_000)


def as_wav(audio: Audio) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, audio.rate_hz, 0, "NONE", ""))
        file.writeframes(audio.to_pcm16())
    return buffer.getvalue()


@pytest.mark.proves("openai (Python)", "POST /v1/audio/transcriptions", "transcriptions: file")
@pytest.mark.parametrize("fmt", ["mp3", "opus", "aac", "flac", "wav"])
def test_what_was_spoken_is_written_down(strict: OpenAI, spoken: Audio, fmt: str) -> None:
    answer = strict.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=(f"a.{fmt}", encode(spoken, fmt)))
    assert jiwer.wer(normalise(TEXT), normalise(answer.text)) <= 0.1
    assert answer.usage.type == "tokens"
    assert answer.usage.input_token_details.audio_tokens == pytest.approx(10 * spoken.duration_s, abs=2)


@pytest.mark.proves("transcriptions: response_format", "transcriptions: timestamp_granularities")
def test_every_format_is_read_by_the_client(strict: OpenAI, spoken: Audio) -> None:
    file = ("a.wav", as_wav(spoken))
    create = strict.audio.transcriptions.create
    verbose = create(
        model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert verbose.language == "english"
    assert [word.word for word in verbose.words] == verbose.text.split()
    assert "".join(segment.text for segment in verbose.segments).strip() == verbose.text
    assert verbose.duration == pytest.approx(spoken.duration_s, abs=0.01)
    assert verbose.usage.seconds == int(np.ceil(spoken.duration_s))
    assert create(model="whisper-1", file=file, response_format="text") == verbose.text + "\n"
    srt = create(model="whisper-1", file=file, response_format="srt")
    vtt = create(model="whisper-1", file=file, response_format="vtt")
    assert len(re.findall(r" --> ", srt)) == len(re.findall(r" --> ", vtt)) == len(verbose.segments)
    assert vtt.startswith("WEBVTT\n\n")


@pytest.mark.proves("transcriptions: include")
def test_logprobs_spell_what_is_written(strict: OpenAI, spoken: Audio) -> None:
    file = ("a.wav", as_wav(spoken))
    answer = strict.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, include=["logprobs"])
    assert bytes(int(byte) for row in answer.logprobs for byte in row.bytes).decode() == answer.text
    assert all(row.logprob <= 0 for row in answer.logprobs)
    assert np.mean([row.logprob for row in answer.logprobs]) > -0.5


@pytest.mark.proves("transcriptions: stream")
def test_the_first_words_come_before_the_last_are_heard(strict: OpenAI, spoken: Audio) -> None:
    long = Audio(np.tile(np.pad(spoken.samples, (0, 12_000)), 12), spoken.rate_hz)
    assert long.duration_s > 60
    started_s = time.perf_counter()
    moments_s: list[float] = []
    deltas = ""
    for event in strict.audio.transcriptions.create(
        model="gpt-transcribe", file=("a.mp3", encode(long, "mp3")), stream=True, language="en"
    ):
        moments_s.append(time.perf_counter() - started_s)
        if event.type == "transcript.text.delta":
            deltas += event.delta
        else:
            assert event.type == "transcript.text.done"
            assert event.text == deltas
            assert [language.code for language in event.languages] == ["en"]
    said = f"{long.duration_s:.0f} s: first words after {moments_s[0]:.2f} s, last after {moments_s[-1]:.2f} s"
    print(f"{said}, {len(moments_s) - 1} deltas")
    assert moments_s[0] < 0.5 * moments_s[-1]
    assert jiwer.wer(normalise(" ".join([TEXT] * 12)), normalise(deltas)) <= 0.15


@pytest.mark.proves("POST /v1/audio/translations", "translations: response_format")
def test_spanish_comes_back_in_english(strict: OpenAI) -> None:
    said = "Me gusta mucho el café. Mañana vamos a la playa con mis amigos."
    spanish = strict.audio.speech.create(model="tts-1", voice="nova", input=said, response_format="wav").read()
    answer = strict.audio.translations.create(model="whisper-1", file=("a.wav", spanish))
    found = [word for word in ("coffee", "tomorrow", "beach", "friends") if word in answer.text.lower()]
    assert len(found) >= 3, answer.text
    verbose = strict.audio.translations.create(
        model="whisper-1", file=("a.wav", spanish), response_format="verbose_json"
    )
    assert (verbose.language, verbose.text) == ("english", answer.text)
    assert "".join(segment.text for segment in verbose.segments).strip() == verbose.text
    for fmt in ("text", "srt", "vtt"):
        written = strict.audio.translations.create(model="whisper-1", file=("a.wav", spanish), response_format=fmt)
        assert answer.text.split()[0] in written


def test_silence_is_no_words_in_any_format(strict: OpenAI) -> None:
    file = ("a.wav", as_wav(Audio.silence(3.0, 16_000)))
    assert strict.audio.transcriptions.create(model="gpt-4o-transcribe", file=file).text == ""
    verbose = strict.audio.transcriptions.create(model="whisper-1", file=file, response_format="verbose_json")
    assert (verbose.text, verbose.segments, verbose.language) == ("", [], "unknown")
    assert strict.audio.translations.create(model="whisper-1", file=file).text == ""


def test_errors_are_the_clients_own(strict: OpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        strict.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"no sound"), language="en")
    assert (caught.value.param, caught.value.code) == ("file", "unsupported_format")
