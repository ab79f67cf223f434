"""Piper with real weights: what it says is what was written, and it can be stopped; its alphabet is espeak-ng's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import jiwer
import pytest
import soxr
from faster_whisper import WhisperModel
from test_kokoro import SENTENCES
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ
from vivavoce.engines.registry import build_speaker, weights
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import EngineFailed, InvalidValue, ModelNotInstalled
from vivavoce.speak.g2p.languages import pronouncer
from vivavoce.speak.piper import PiperSpeaker
from vivavoce.speak.piper_symbols import piper_phonemes
from vivavoce.speak.spoken_form import spoken_form
from vivavoce.speak.voices import resolve_voice, voice_table

JOE = "piper-joe"


@pytest.fixture(scope="module")
def piper(models_dir: Path) -> Iterator[PiperSpeaker]:
    speaker = PiperSpeaker(models_dir / JOE)
    yield speaker
    asyncio.run(speaker.close())


@pytest.mark.parametrize(
    ("word", "ipa"),
    [
        ("button", "bˈʌʔn\u0329"),
        ("water", "wˈɔːɾɚ"),
        ("bird", "bˈɜːd"),
        ("hurry", "hˈɜːɹi"),
        ("start", "stˈɑːɹt"),
        ("power", "pˈaʊɚ"),
        ("judge", "dʒˈʌdʒ"),
        ("church", "tʃˈɜːtʃ"),
        ("fleece", "flˈiːs"),
        ("goose", "ɡˈuːs"),
        ("hello", "həlˈoʊ"),
        ("choice", "tʃˈɔɪs"),
        ("about", "ɐbˈaʊt"),
        ("million", "mˈɪljən"),
    ],
)
def test_our_phonemes_are_written_as_espeak_writes_them(word: str, ipa: str) -> None:
    assert piper_phonemes(pronouncer("en-US").phonemes(word)) == ipa


def test_marks_become_those_that_piper_knows() -> None:
    assert piper_phonemes("wˈʌn — tˈu (θɹˈi)… fˈɔɹ?") == "wˈʌn , tˈuː ,θɹˈiː,. fˈɔːɹ?"


@pytest.mark.real
def test_the_voice_knows_every_symbol_that_we_write(models_dir: Path) -> None:
    known = json.loads((models_dir / JOE / "config.json").read_text())["phoneme_id_map"]
    written = set("".join(piper_phonemes(pronouncer("en-US").phonemes(sentence)) for sentence in SENTENCES))
    assert written <= set(known)


@pytest.mark.real
async def test_whisper_hears_what_piper_says(piper: PiperSpeaker, models_dir: Path) -> None:
    whisper = WhisperModel(str(models_dir / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=2)
    normalize = EnglishTextNormalizer()
    said: list[str] = []
    heard: list[str] = []
    for sentence in SENTENCES:
        audio = await piper.speak(spoken_form(sentence), JOE)
        at_listen_rate = soxr.resample(audio.samples, SPEAK_RATE_HZ, LISTEN_RATE_HZ)
        segments, _ = whisper.transcribe(at_listen_rate, language="en", beam_size=1, temperature=0.0)
        said.append(normalize(sentence))
        heard.append(normalize(" ".join(segment.text for segment in segments)))
    errors = jiwer.wer(said, heard)
    print(f"{len(said)} sentences, {sum(len(one.split()) for one in said)} words: WER {errors:.1%}")
    # No two runs are the same: the network adds noise of its own, which is worth a few words.
    assert errors <= 0.07, [pair for pair in zip(said, heard, strict=True) if pair[0] != pair[1]]


@pytest.mark.real
@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.3, 2.0, 4.0])
async def test_it_is_as_long_as_the_speed_says(piper: PiperSpeaker, speed: float) -> None:
    texts = ("It was colder than the year before.", "so please come on another day,")
    plain_s = sum([(await piper.speak(text, "piper-joe")).duration_s for text in texts])
    asked_s = sum([(await piper.speak(text, "piper-joe", speed)).duration_s for text in texts])
    assert asked_s * speed == pytest.approx(plain_s, rel=0.1)


async def test_a_cancelled_clause_stops_inside_its_native_call(models_dir: Path) -> None:
    piper = PiperSpeaker(models_dir / JOE)
    await piper.speak("Warm.", JOE)
    task = asyncio.create_task(piper.speak("A sentence that goes on and on, and never seems to end. " * 40, JOE))
    await asyncio.sleep(0.2)
    task.cancel()
    started_s = time.perf_counter()
    with pytest.raises(asyncio.CancelledError):
        await task
    await piper.close()  # waits for the worker: only quick if the native call has really ended
    assert time.perf_counter() - started_s < 2.0


@pytest.mark.real
async def test_text_longer_than_one_call_is_spoken_whole(piper: PiperSpeaker) -> None:
    audio = await piper.speak("One two three four five six seven eight nine ten. " * 11, JOE, 1.2)
    assert audio.duration_s > 22


@pytest.mark.real
@pytest.mark.parametrize("text", ["你好", "😀 👍", "...", "   "])
async def test_what_it_cannot_read_is_empty(piper: PiperSpeaker, text: str) -> None:
    assert len((await piper.speak(text, JOE)).samples) == 0


@pytest.mark.real
async def test_by_itself_it_answers_to_every_openai_name(models_dir: Path) -> None:
    spec = EngineSpec("scripted:hm", "scripted:Four.", f"piper:{JOE}", str(models_dir), offline=True, device="cpu")
    assert weights(spec, ("speak",)) == [JOE]
    speaker = build_speaker(spec)
    assert {resolve_voice(name, speaker.voices) for name in voice_table().openai} == {JOE}
    await speaker.close()


def test_where_it_is_missing_the_cure_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=f"viva models pull {JOE}.*piper:{JOE}"):
        resolve_voice(JOE, {"af_heart": voice_table().voices["af_heart"]})
    with pytest.raises(ModelNotInstalled, match="viva models pull"):
        PiperSpeaker(tmp_path / JOE)
    with pytest.raises(InvalidValue, match=r"voices\.md"):
        PiperSpeaker(tmp_path / "piper-jane")


@pytest.mark.parametrize("config", ["", "[]", '{"phoneme_id_map": {}}'])
def test_a_damaged_description_is_an_engine_failure(tmp_path: Path, config: str) -> None:
    folder = tmp_path / JOE
    folder.mkdir()
    (folder / "config.json").write_text(config)
    with pytest.raises(EngineFailed, match="damaged"):
        PiperSpeaker(folder)
