"""Real Whisper on recordings made for what is asked here: times that are known, names that nobody would guess."""

from __future__ import annotations

import statistics
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from own_voices import one_recording, said

from vivavoce.audio import Audio
from vivavoce.bench.scoring import normalise
from vivavoce.listen.base import Chunking, ListenOptions
from vivavoce.listen.whisper import WhisperListener
from vivavoce.turn import hear_all

pytestmark = pytest.mark.real

SENTENCES = (
    "The museum opens at nine in the morning.",
    "Please come on another day.",
    "We had lunch near the river and talked for hours.",
    "Five trains leave for the coast every day.",
    "She bought bread, cheese and a bottle of milk.",
    "Turn left behind the church.",
)
NAMES = ("Thorvaldsen", "Kowalczyk", "Xochitl", "Zylkowski", "Okonkwo", "Anneke", "Lisinopril", "Quisling")
NAMED = (
    "Please forward the invoice to Thorvaldsen and ask Kowalczyk to sign it.",
    "I met Xochitl in the office yesterday, together with Zylkowski.",
    "The meeting with Okonkwo was moved to Friday, because Anneke is ill.",
    "She takes Lisinopril every morning, and so does Quisling.",
)


@pytest_asyncio.fixture
async def listener(models_dir: Path) -> AsyncIterator[WhisperListener]:
    made = WhisperListener(models_dir / "whisper-base")
    yield made
    await made.close()


@pytest.mark.proves("transcriptions: timestamp_granularities")
@pytest.mark.parametrize("pause_s", [0.4, 0.8, 1.6])
async def test_words_begin_and_end_where_they_were_put(
    listener: WhisperListener, models_dir: Path, pause_s: float
) -> None:
    parts = [part for voice in ("af_heart", "am_adam") for part in await said(models_dir, SENTENCES, voice)]
    audio, starts_s, ends_s = one_recording(parts, pause_s)
    heard = await hear_all(listener, audio, ListenOptions(language="en"))
    words = [normalise(word.text, "en") for word in heard.words]
    asked = [normalise(text, "en").split() for text in SENTENCES * 2]
    assert words == [word for text in asked for word in text], "all is understood, so words can be told by their place"
    firsts = [sum(map(len, asked[:n])) for n in range(len(asked))]
    lasts = [first + len(text) - 1 for first, text in zip(firsts, asked, strict=True)]
    begin_s = [abs(heard.words[n].start_s - true_s) for n, true_s in zip(firsts, starts_s, strict=True)]
    end_s = [abs(heard.words[n].end_s - true_s) for n, true_s in zip(lasts, ends_s, strict=True)]
    for what, misses_s in (("starts", begin_s), ("ends", end_s)):
        median_ms, worst_ms = 1000 * statistics.median(misses_s), 1000 * max(misses_s)
        sys.stdout.write(f"pauses of {pause_s} s, word {what}: median {median_ms:.0f} ms, worst {worst_ms:.0f} ms\n")
        assert median_ms <= 100


@pytest.mark.proves("transcriptions: keywords")
async def test_keywords_make_names_heard(listener: WhisperListener, models_dir: Path) -> None:
    found = {"without": 0, "with": 0}
    for voice in ("af_heart", "bf_emma"):
        for part, text in zip(await said(models_dir, NAMED, voice), NAMED, strict=True):
            for how, keywords in (("without", ()), ("with", NAMES)):
                options = ListenOptions(language="en", keywords=keywords)
                heard = await hear_all(listener, Audio(part, 16_000), options)
                found[how] += sum(name in text and name in heard.transcript for name in NAMES)
    sys.stdout.write(f"names heard, of {2 * len(NAMES)}: {found}\n")
    assert found["without"] <= 0.5 * len(NAMES)
    assert found["with"] >= 1.5 * len(NAMES)


async def test_keywords_are_not_heard_where_nobody_says_them(listener: WhisperListener, models_dir: Path) -> None:
    for part, text in zip(await said(models_dir, SENTENCES, "af_heart"), SENTENCES, strict=True):
        heard = await hear_all(listener, Audio(part, 16_000), ListenOptions(language="en", keywords=NAMES))
        assert normalise(heard.transcript, "en") == normalise(text, "en")
    silence = await hear_all(listener, Audio.silence(5.0, 16_000), ListenOptions(keywords=NAMES))
    assert silence.transcript == ""


@pytest.mark.proves("transcriptions: languages")
async def test_only_languages_that_can_be_are_heard(listener: WhisperListener, models_dir: Path) -> None:
    [part] = await said(models_dir, ["Buenos días, me gusta mucho el café con leche."], "ef_dora")
    sound = Audio(part, 16_000)
    assert (await hear_all(listener, sound, ListenOptions(languages=("en", "es", "de")))).language == "es"
    assert (await hear_all(listener, sound, ListenOptions(languages=("de", "pl")))).language in ("de", "pl")
    assert (await hear_all(listener, sound, ListenOptions(languages=("it",)))).language == "it"


@pytest.mark.proves("transcriptions: chunking_strategy")
async def test_chunks_end_at_the_silence_asked_for(listener: WhisperListener, models_dir: Path) -> None:
    parts = await said(models_dir, SENTENCES[:3], "af_heart")
    audio, starts_s, _ = one_recording(parts, 0.9)

    async def segments(**chunking: float) -> list[float]:
        heard = await hear_all(listener, audio, ListenOptions(language="en", chunking=Chunking(**chunking)))
        return [segment.start_s for segment in heard.segments]

    assert len(await segments(silence_s=2.0)) < len(parts)
    assert await segments(silence_s=0.5) == pytest.approx(starts_s, abs=0.15)
    assert await segments(threshold=1.0) == []


@pytest.mark.proves("transcriptions: temperature")
async def test_chance_is_taken_only_where_asked_for(listener: WhisperListener, models_dir: Path) -> None:
    [part] = await said(models_dir, [NAMED[0]], "af_heart")
    options = ListenOptions(language="en", temperature=1.0)
    drawn = [await hear_all(listener, Audio(part, 16_000), options) for _ in range(6)]
    assert len({heard.transcript for heard in drawn}) > 1
    assert {segment.temperature for heard in drawn for segment in heard.segments} <= {0.0, 1.0}
    plain = [await hear_all(listener, Audio(part, 16_000), ListenOptions(language="en")) for _ in range(3)]
    assert len({heard.transcript for heard in plain}) == 1


async def test_logprobs_spell_the_text_and_tell_how_sure_it_is(listener: WhisperListener, models_dir: Path) -> None:
    [part] = await said(models_dir, [SENTENCES[0]], "af_heart")
    heard = await hear_all(listener, Audio(part, 16_000), ListenOptions(token_logprobs=True, word_times=False))
    [segment] = heard.segments
    assert len(segment.token_logprobs) == len(segment.tokens)
    assert bytes(byte for token in segment.token_logprobs for byte in token.utf8).decode().strip() == segment.text
    mean = statistics.mean(token.logprob for token in segment.token_logprobs)
    assert mean == pytest.approx(segment.mean_log_probability, abs=0.2)
    assert segment.words == ()


@pytest.mark.proves("message.heard: languages")
async def test_a_change_of_language_is_heard_where_it_happens(listener: WhisperListener, models_dir: Path) -> None:
    """English, Spanish, English with a fifth of a second between; as one English recording the Spanish is lost."""
    [first, last] = await said(models_dir, (SENTENCES[0], SENTENCES[3]), "af_heart")
    [middle] = await said(models_dir, ("El autobús sale dentro de poco de la estación central.",), "ef_dora")
    audio, starts_s, ends_s = one_recording([first, middle, last], 0.2)
    heard = await hear_all(listener, audio)
    assert [span.language for span in heard.languages] == ["en", "es", "en"]
    for span, start_s, end_s in zip(heard.languages, starts_s, ends_s, strict=True):
        assert span.start_s == pytest.approx(start_s, abs=0.4)
        assert span.end_s == pytest.approx(end_s, abs=0.4)
    assert normalise("El autobús sale", "es") in normalise(heard.languages[1].text, "es")
    told = await hear_all(listener, audio, ListenOptions(language="en"))
    assert [span.language for span in told.languages] == ["en"]
    among = await hear_all(listener, audio, ListenOptions(languages=("en", "it")))
    assert {span.language for span in among.languages} <= {"en", "it"}
