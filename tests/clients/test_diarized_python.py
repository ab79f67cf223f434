"""The unmodified official Python client is told who says what, with real weights: two of our voices, by turns."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Iterator

import httpx
import jiwer
import numpy as np
import pytest
from openai import OpenAI
from real_servers import RealServer
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.audio import Audio

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")]

HERS = ("When does the museum open in the morning?", "And is it open on Sundays, or should we come on another day?")
HIS = ("It opens at nine, and the garden opens at ten.", "On Sundays it stays closed, but the garden is open all day.")
normalise = EnglishTextNormalizer()


@pytest.fixture(scope="module")
def strict(real_server: RealServer) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"{real_server.url}/v1", api_key="none", max_retries=0, timeout=120, _strict_response_validation=True
    ) as client:
        yield client


def say(client: OpenAI, text: str, voice: str) -> np.ndarray:
    pcm = client.audio.speech.create(model="tts-1", voice=voice, input=text, response_format="pcm").read()
    return Audio.from_pcm16(pcm, 24_000).samples


def as_wav(*channels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((len(channels), 2, 24_000, 0, "NONE", ""))
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


@pytest.fixture(scope="module")
def talk(strict: OpenAI) -> list[np.ndarray]:
    """Question, answer, question, answer."""
    parts: list[np.ndarray] = []
    for question, answer in zip(HERS, HIS, strict=True):
        parts += [say(strict, question, "nova"), say(strict, answer, "onyx")]
    return parts


def said_by(segments: list[object], speaker: str) -> str:
    return normalise(" ".join(segment.text for segment in segments if segment.speaker == speaker))  # type: ignore[attr-defined]


@pytest.mark.proves("transcriptions: response_format", "transcriptions: stream")
def test_each_speaker_says_their_own_words(strict: OpenAI, talk: list[np.ndarray]) -> None:
    file = ("talk.wav", as_wav(np.concatenate(talk)))
    answer = strict.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize", file=file, response_format="diarized_json", chunking_strategy="auto"
    )
    assert {segment.speaker for segment in answer.segments} == {"A", "B"}
    for speaker, words in (("A", HERS), ("B", HIS)):
        errors = jiwer.wer(normalise(" ".join(words)), said_by(answer.segments, speaker))
        print(f"{speaker}: {errors:.1%} of words wrong")
        assert errors <= 0.15
    events = list(
        strict.audio.transcriptions.create(
            model="gpt-4o-transcribe-diarize", file=file, response_format="diarized_json", stream=True
        )
    )
    told = [event for event in events if event.type == "transcript.text.segment"]
    assert [(each.speaker, each.text) for each in told] == [(each.speaker, each.text) for each in answer.segments]


@pytest.mark.proves("transcriptions: known_speaker_names", "transcriptions: known_speaker_references")
def test_a_known_voice_is_named(strict: OpenAI, talk: list[np.ndarray]) -> None:
    clip = as_wav(say(strict, "The trains to the coast leave every hour from the old station.", "onyx"))
    answer = strict.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=("talk.wav", as_wav(np.concatenate(talk))),
        response_format="diarized_json",
        extra_body={
            "known_speaker_names": ["Guide"],
            "known_speaker_references": ["data:audio/wav;base64," + base64.b64encode(clip).decode()],
        },
    )
    assert {segment.speaker for segment in answer.segments} == {"Guide", "A"}
    assert jiwer.wer(normalise(" ".join(HIS)), said_by(answer.segments, "Guide")) <= 0.15


def test_channels_are_speakers(real_server: RealServer, talk: list[np.ndarray]) -> None:
    whole = np.zeros(sum(map(len, talk)), np.float32)
    left, right = whole.copy(), whole.copy()
    at = 0
    for number, part in enumerate(talk):
        (left, right)[number % 2][at : at + len(part)] = part
        at += len(part)
    form = {"model": "whisper-1", "response_format": "diarized_json", "channels": "speakers"}
    answer = httpx.post(
        f"{real_server.url}/v1/audio/transcriptions",
        data=form | {"known_speaker_names[]": ["Guest", "Guide"]},
        files={"file": ("call.wav", as_wav(left, right))},
        timeout=120,
    )
    speakers = list(dict.fromkeys(each["speaker"] for each in answer.json()["segments"]))
    assert speakers == ["Guest", "Guide"]


def test_the_thinker_is_told_who_said_what(strict: OpenAI, talk: list[np.ndarray]) -> None:
    recording = base64.b64encode(as_wav(np.concatenate(talk))).decode()
    answer = strict.chat.completions.create(
        model="gpt-4o-mini-audio-preview",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"data": recording, "format": "wav"}},
                    {"type": "text", "text": "How many people speak? Answer with a number."},
                ],
            }
        ],
        max_completion_tokens=30,
    )
    (heard,) = answer.choices[0].message.heard  # type: ignore[attr-defined]
    assert {turn["speaker"] for turn in heard["speakers"]} == {"A", "B"}
    print(answer.choices[0].message.content)
