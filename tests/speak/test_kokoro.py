"""Kokoro with real weights: what it says is what was written, in every voice, without clicks, and it can be stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soxr
from faster_whisper import WhisperModel
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ, Audio
from vivavoce.errors import EngineFailed, InvalidValue, ModelNotInstalled
from vivavoce.speak.clauses import ClauseSplitter
from vivavoce.speak.kokoro import KokoroSpeaker
from vivavoce.speak.spoken_form import spoken_form
from vivavoce.speak.voices import resolve_voice, voice_table

SENTENCES = (
    "What time does the last train to Birmingham leave on Sunday?",
    "The meeting starts at quarter past nine in the large conference room.",
    "Twenty-three thousand people signed the petition.",
    "Margaret Thompson and Daniel Rodriguez moved to Philadelphia last November.",
    "The database index speeds up queries, but it slows down every change.",
    "No, thank you.",
    'She said, "I have never seen anything like it," and closed the window.',
    "You will need two eggs, a cup of flour, some butter, and a pinch of salt.",
    "Photosynthesis turns sunlight, water and carbon dioxide into sugar and oxygen.",
    "Why would anyone want to read the whole report before they record the interview?",
    "The temperature will drop below minus five degrees tonight, so cover the plants.",
    "Please restart the server, clear the browser history, and try the request again.",
    "Although the committee approved the budget, several members objected to the increase in travel expenses, and the "
    "chairman promised to present a detailed account before the end of the month.",
    "He lives in Edinburgh, but his parents live near Lake Geneva.",
    "A neural network learns patterns from thousands of labelled examples.",
    "First, unplug the machine; second, remove the cover; third, check the fuse.",
    "The doctor advised him to take one tablet twice a day after meals.",
    "Is it true that honey never spoils?",
    "Our flight to Amsterdam was delayed by three and a half hours because of heavy fog.",
    "The European Central Bank raised interest rates by a quarter of a percentage point.",
)

SHORT_WORDS = {"en": "Hello.", "es": "Hola.", "fr": "Bonjour.", "hi": "नमस्ते.", "it": "Ciao.", "ja": "こんにちは。"}
SHORT_WORDS |= {"pt": "Olá.", "zh": "你好。"}


def real_speaker(models_dir: Path) -> KokoroSpeaker:
    return KokoroSpeaker(models_dir / "kokoro-82m" / "model.onnx", models_dir / "kokoro-voices")


@pytest.fixture(scope="module")
def kokoro(models_dir: Path) -> Iterator[KokoroSpeaker]:
    speaker = real_speaker(models_dir)
    yield speaker
    asyncio.run(speaker.close())


@pytest.mark.real
async def test_whisper_hears_what_the_default_voice_says(kokoro: KokoroSpeaker, models_dir: Path) -> None:
    whisper = WhisperModel(str(models_dir / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=2)
    normalize = EnglishTextNormalizer()
    voice = resolve_voice(voice_table().default, kokoro.voices)
    said: list[str] = []
    heard: list[str] = []
    for sentence in SENTENCES:
        audio = await kokoro.speak(spoken_form(sentence), voice)
        at_listen_rate = soxr.resample(audio.samples, SPEAK_RATE_HZ, LISTEN_RATE_HZ)
        segments, _ = whisper.transcribe(at_listen_rate, language="en", beam_size=1, temperature=0.0)
        said.append(normalize(sentence))
        heard.append(normalize(" ".join(segment.text for segment in segments)))
    errors = jiwer.wer(said, heard)
    print(f"{len(said)} sentences, {sum(len(one.split()) for one in said)} words: WER {errors:.1%}")
    assert errors <= 0.05, [pair for pair in zip(said, heard, strict=True) if pair[0] != pair[1]]


@pytest.mark.real
@pytest.mark.parametrize(
    "voice", sorted(name for name, voice in voice_table().voices.items() if voice.engine == "kokoro")
)
async def test_every_voice_speaks(kokoro: KokoroSpeaker, voice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    language = kokoro.voices[voice].language
    if language in ("fr", "hi", "pt-BR"):
        # Their words come through espeak-ng, which need not be installed; the voice itself is tested without it.
        monkeypatch.setattr("vivavoce.speak.kokoro.pronouncer", lambda _: _Fixed("bˈom"))
    audio = await kokoro.speak(SHORT_WORDS[language[:2]], voice)
    assert 0.15 < audio.duration_s < 2.5
    assert 0.05 < float(np.abs(audio.samples).max()) < 1.0
    assert float(np.sqrt(np.mean(audio.samples**2))) > 0.01


class _Fixed:
    def __init__(self, said: str) -> None:
        self._said = said

    def phonemes(self, text: str) -> str:
        return self._said


@pytest.mark.real
async def test_a_cancelled_clause_stops_inside_its_native_call(models_dir: Path) -> None:
    kokoro = real_speaker(models_dir)
    await kokoro.speak("Warm.", "af_heart")
    long_text = "A long sentence that goes on and on, and never seems to come to an end, until it does. " * 3
    task = asyncio.create_task(kokoro.speak(long_text, "af_heart"))
    await asyncio.sleep(0.3)
    task.cancel()
    started_s = time.perf_counter()
    with pytest.raises(asyncio.CancelledError):
        await task
    await kokoro.close()  # waits for the worker: only quick if the native call has really ended
    assert time.perf_counter() - started_s < 2.0


@pytest.mark.real
async def test_an_answer_in_clauses_joins_without_clicks_at_even_loudness(kokoro: KokoroSpeaker) -> None:
    answer = "The first thing to know is this. Then, after a while, comes the second. That is all there is to it."
    splitter = ClauseSplitter()
    clauses = splitter.feed(answer) + splitter.flush()
    spoken = [await kokoro.speak(clause.text, "af_heart") for clause in clauses]
    assert len(spoken) >= 3
    for audio in spoken:
        assert float(np.abs(audio.samples[[0, -1]]).max()) < 1e-4
        assert abs(float(audio.samples.mean())) < 2e-3
    levels_db = [20 * np.log10(np.sqrt(np.mean(audio.samples**2))) for audio in spoken]
    assert max(levels_db) - min(levels_db) < 6
    joined = Audio.join(spoken, SPEAK_RATE_HZ)
    assert float(np.abs(joined.samples).max()) < 1.0


@pytest.mark.real
async def test_text_longer_than_one_call_is_spoken_whole(kokoro: KokoroSpeaker) -> None:
    audio = await kokoro.speak("One two three four five six seven eight nine ten. " * 11, "af_heart", 1.2)
    assert audio.duration_s > 22


@pytest.mark.real
@pytest.mark.parametrize("text", ["你好", "😀 👍", "...", "   "])
async def test_what_an_english_voice_cannot_read_is_empty(kokoro: KokoroSpeaker, text: str) -> None:
    assert len((await kokoro.speak(text, "af_heart")).samples) == 0


@pytest.mark.real
@pytest.mark.parametrize("speed", [0.2, 4.5])
async def test_a_speed_out_of_range_is_refused(kokoro: KokoroSpeaker, speed: float) -> None:
    with pytest.raises(InvalidValue, match="speed"):
        await kokoro.speak("Hello.", "af_heart", speed)


def test_missing_files_are_said_with_their_cure(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="viva models pull"):
        KokoroSpeaker(tmp_path / "model.onnx", tmp_path)


def test_a_damaged_model_is_an_engine_failure(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(EngineFailed, match="loaded"):
        KokoroSpeaker(tmp_path / "model.onnx", tmp_path)


@pytest.mark.real
async def test_a_damaged_voice_is_an_engine_failure(models_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "af_heart.bin").write_bytes(b"1234")
    speaker = KokoroSpeaker(models_dir / "kokoro-82m" / "model.onnx", tmp_path)
    assert list(speaker.voices) == ["af_heart"]
    with pytest.raises(EngineFailed, match="damaged"):
        await speaker.speak("Hello.", "af_heart")
    await speaker.close()
