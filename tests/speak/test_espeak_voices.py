"""espeak-ng as a speaker: every language sounds, no text commands the program, and it can be stopped."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.errors import EngineFailed, InvalidValue, MissingDependency
from vivavoce.speak.espeak import EspeakSpeaker, plain_words
from vivavoce.speak.espeak_voices import espeak_voices
from vivavoce.speak.saying import Saying
from vivavoce.speak.voices import voice_table

LATIN = frozenset({"LATIN"})
HELLO = {
    **{"ARABIC": "سلام", "ARMENIAN": "բարեւ", "BENGALI": "নমস্কার", "CJK": "你好", "CYRILLIC": "привет мир"},
    **{"DEVANAGARI": "नमस्ते", "ETHIOPIC": "ሰላም", "GEORGIAN": "გამარჯობა", "GREEK": "γεια σου", "GUJARATI": "નમસ્તે"},
    **{"GURMUKHI": "ਸਤਿ ਸ੍ਰੀ", "HANGUL": "안녕하세요", "HEBREW": "שלום", "KANNADA": "ನಮಸ್ಕಾರ", "LATIN": "mamma mia"},
    **{"MALAYALAM": "നമസ്കാരം", "MYANMAR": "မင်္ဂလာပါ", "ORIYA": "ନମସ୍କାର", "SINHALA": "ආයුබෝවන්", "TAMIL": "வணக்கம்"},
    **{"TELUGU": "నమస్కారం", "THAI": "สวัสดี"},
}

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.fixture
async def espeak() -> AsyncIterator[EspeakSpeaker]:
    speaker = EspeakSpeaker()
    yield speaker
    await speaker.close()


def fake_program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program in place of espeak-ng that lists German and then does what `script` says."""
    program = folder / "espeak-ng"
    listing = 'case "$1" in --voices*) echo head; echo "5 de --/M German gmw/de"; exit 0;; esac'
    program.write_text(f"#!/bin/sh\n{listing}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@needs_espeak
async def test_every_voice_speaks_its_own_script(espeak: EspeakSpeaker) -> None:
    async def level(voice: str) -> float:
        one = espeak_voices()[voice]
        audio = await espeak.speak(HELLO[next(iter(one.scripts - LATIN), "LATIN")], voice)
        assert 0.2 < audio.duration_s < 4.0, voice
        return 20 * float(np.log10(np.sqrt(np.mean(audio.samples**2))))

    levels = await asyncio.gather(*(level(voice) for voice in espeak.voices))
    assert len(levels) > 150
    assert np.median(levels) == pytest.approx(-20, abs=2)
    assert min(levels) > -26 and max(levels) < -14


@needs_espeak
@pytest.mark.parametrize(
    ("name", "text", "likely", "voice"),
    [
        ("alloy", "Guten Tag, ich kann Ihnen gern weiterhelfen.", "de", "espeak-de-female"),
        ("ash", "Dzień dobry, w czym mogę pomóc?", "pl", "espeak-pl"),
        ("ash", "God dag, jeg hjelper deg gjerne i dag.", "no", "espeak-no"),
        ("alloy", "Buenos días, ¿en qué puedo ayudarle?", "es", "ef_dora"),
        ("espeak-de", "Good morning, how can I help you today?", "en", "am_adam"),
    ],
)
def test_an_answer_is_spoken_in_its_language(name: str, text: str, likely: str, voice: str) -> None:
    kokoro = {one.id: one for one in voice_table().voices.values() if one.engine == "kokoro"}
    voices = {**kokoro, **EspeakSpeaker().voices}
    assert Saying.with_voice(name, voices).suited_to(text, likely).voice == voice


@needs_espeak
async def test_a_man_and_a_woman_sound_different(espeak: EspeakSpeaker) -> None:
    man = await espeak.speak("Guten Tag.", "espeak-de")
    woman = await espeak.speak("Guten Tag.", "espeak-de-female")
    assert (espeak.voices["espeak-de"].gender, espeak.voices["espeak-de-female"].gender) == ("male", "female")
    assert not np.array_equal(man.samples, woman.samples)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--help", "--help"),  # harmless: text is never an argument
        ("Guten [[h@l'oU]] Tag", "Guten h@l'oU Tag"),
        ('<prosody rate="9">Hallo</prosody>', "prosody rate= 9 Hallo /prosody"),
        ("eins\x00\x01200s zwei\x1b[0m", "eins 200s zwei 0m"),
        ("&lt;b&gt;", "&lt;b&gt;"),
        ("\u202eHallo\u202c \ufeffWelt", "Hallo Welt"),
        ("你好 مرحبا привет 😀", ""),
        ("Hallo 你好", "Hallo"),
        ("٣٤ und ５", "34 und 5"),
        ("… ?! -", ""),
        ("", ""),
        ("\ud800 x", "x"),
    ],
)
def test_only_words_and_marks_reach_the_program(text: str, words: str) -> None:
    assert plain_words(text, LATIN) == words


@needs_espeak
@pytest.mark.parametrize("text", ["[[", "[[h@'loU]]", "<break time='9s'/>", "\x01+90s", "--version", "-v fr", "\x00"])
async def test_markup_is_no_command(espeak: EspeakSpeaker, text: str) -> None:
    plain = await espeak.speak("Hallo.", "espeak-de")
    marked = await espeak.speak(f"{text} Hallo.", "espeak-de")
    assert plain.duration_s <= marked.duration_s < 6.0
    again = await espeak.speak("Hallo.", "espeak-de")
    assert np.array_equal(plain.samples, again.samples)


@needs_espeak
@pytest.mark.parametrize("text", ["你好", "😀", "...", "   ", ""])
async def test_what_it_cannot_read_is_empty(espeak: EspeakSpeaker, text: str) -> None:
    assert len((await espeak.speak(text, "espeak-de")).samples) == 0


@needs_espeak
async def test_a_very_long_clause_is_spoken_whole(espeak: EspeakSpeaker) -> None:
    once = await espeak.speak("eins zwei drei vier fünf", "espeak-de", 2.0)
    many = await espeak.speak("eins zwei drei vier fünf " * 100, "espeak-de", 2.0)
    assert many.duration_s == pytest.approx(100 * once.duration_s, rel=0.3)


@needs_espeak
@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 2.0, 4.0])
async def test_the_whole_range_of_speeds(espeak: EspeakSpeaker, speed: float) -> None:
    text = "Der Zug nach Hamburg fährt heute von einem anderen Gleis ab"
    plain = await espeak.speak(text, "espeak-de")
    other = await espeak.speak(text, "espeak-de", speed)
    assert other.duration_s * speed == pytest.approx(plain.duration_s, rel=0.12)


@needs_espeak
@pytest.mark.parametrize(("voice", "speed", "says"), [("espeak-de", 0.2, "speed"), ("espeak-xx", 1.0, "espeak-de")])
async def test_what_is_asked_for_wrongly_is_refused(espeak: EspeakSpeaker, voice: str, speed: float, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        await espeak.speak("Hallo.", voice, speed)


def test_without_the_program_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="apt install espeak-ng"):
        EspeakSpeaker()


async def test_a_cancelled_clause_kills_its_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_program(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    speaker = EspeakSpeaker(calls=1)
    speaking = [asyncio.create_task(speaker.speak("Hallo.", "espeak-de")) for _ in range(3)]
    await asyncio.to_thread(_wait_for, tmp_path / "pid")
    began_s = time.perf_counter()
    for task in speaking:
        task.cancel()
    assert all(isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*speaking, return_exceptions=True))
    await speaker.close()
    assert time.perf_counter() - began_s < 20
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists() or not Path("/proc").exists()


def _wait_for(file: Path) -> None:
    while not file.is_file():
        time.sleep(0.01)


@pytest.mark.parametrize(("script", "says"), [("exit 3", "exit status 3"), ("exec sleep 60", "Timeout")])
async def test_a_program_that_fails_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, says: str
) -> None:
    fake_program(tmp_path, monkeypatch, script)
    monkeypatch.setattr("vivavoce.speak.espeak._TIMEOUT_S", 0.3)
    speaker = EspeakSpeaker()
    with pytest.raises(EngineFailed, match=says):
        await speaker.speak("Hallo.", "espeak-de")
    await speaker.close()


async def test_output_that_is_no_sound_is_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_program(tmp_path, monkeypatch, "cat > /dev/null; echo no wav")
    speaker = EspeakSpeaker()
    assert list(speaker.voices) == ["espeak-de"]  # this program has no female variant
    audio = await speaker.speak("Hallo.", "espeak-de")
    assert isinstance(audio, Audio) and (len(audio.samples), audio.rate_hz) == (0, SPEAK_RATE_HZ)
    await speaker.close()
