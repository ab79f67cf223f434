"""How well a change of language is heard: `viva bench switching`.

  mixed   recordings of people in different languages, one after another with hardly a pause, heard three ways: as the
          server hears them, with one language for each window, and each part alone, which is the best there can be
  plain   recordings in one language, heard the first two ways, by turns: what it costs them in words and in time
  brief   the first second or two of somebody's speech: which language it is taken for
Parts are such that words are spaced, so that errors are word errors throughout. Knows no HTTP and no engine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.bench.clips import Clip
from vivavoce.bench.languages import sentences, spoken_sentence
from vivavoce.bench.scoring import CHARACTER_LANGUAGES, score
from vivavoce.codec.decode import decode
from vivavoce.listen.base import Heard, Listener, ListenOptions
from vivavoce.resampling import resample
from vivavoce.speak.base import Speaker
from vivavoce.speak.saying import Saying
from vivavoce.turn import hear_all

GAPS_S = (0.1, 0.3)
"""Shortest and longest gap between two parts."""
PARTS = (2, 4)
"""Fewest and most parts of a mixed recording."""
PART_S = (1.2, 7.0)
"""Shortest and longest recording that becomes a part."""
BRIEF_S = (1.0, 2.0, 4.0)
"""How much speech is heard of a brief utterance."""
LOUDNESS = 0.05
"""Root mean square that parts are brought to: a jump in loudness would give a change away."""
_STEP_S = 0.01
_MOST_OF_A_LANGUAGE = 10
"""A language with more recordings than this is no likelier to be a part."""
_NEUTRAL = "und"
"""Normalises words alike in every language: no English numbers and contractions."""


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody says in a mixed recording; times in seconds. samples: 16 kHz, silence around it cut off."""

    language: str
    text: str
    start_s: float
    end_s: float
    samples: Samples


@dataclass(frozen=True, slots=True)
class Mixed:
    parts: tuple[Part, ...]
    audio: Audio


@dataclass(frozen=True, slots=True)
class Way:
    """One way to hear a recording: its word errors, and the seconds of speech whose language it found."""

    errors: int
    right_s: float
    seconds: float
    transcript: str


@dataclass(frozen=True, slots=True)
class MixedTrial:
    """A mixed recording: `speech_s` of speech, `words` words. spans: languages found, in order."""

    languages: tuple[str, ...]
    found: tuple[str, ...]
    speech_s: float
    words: int
    switching: Way
    single: Way
    alone: Way


@dataclass(frozen=True, slots=True)
class PlainTrial:
    """A recording in one language of `words` words. spans: how many were found."""

    language: str
    spans: int
    words: int
    switching: Way
    single: Way


@dataclass(frozen=True, slots=True)
class BriefTrial:
    """found: None where nothing was heard."""

    language: str
    length_s: float
    found: str | None


def spaced(clips: Sequence[Clip]) -> list[Clip]:
    """Recordings that can be parts."""
    return [
        clip
        for clip in clips
        if code_of(clip) not in CHARACTER_LANGUAGES and PART_S[0] <= clip.duration_s <= PART_S[1] and len(clip.text) > 1
    ]


def code_of(clip: Clip) -> str:
    """en for en-GB."""
    return clip.language.partition("-")[0]


def mixed(clips: Sequence[Clip], count: int, *, seed: int = 0) -> list[Mixed]:
    """`count` recordings, each of two to four clips whose languages differ from one to the next.

    Languages come by how many clips they have, up to ten; a clip comes again only when its language has no other left.
    Raises `ValueError` for clips of fewer than two languages.
    """
    chance = random.Random(seed)
    by_language: dict[str, list[Clip]] = {}
    for clip in sorted(clips, key=lambda each: each.id):
        by_language.setdefault(code_of(clip), []).append(clip)
    if len(by_language) < 2:
        raise ValueError("a change of language needs two languages")
    decks: dict[str, list[Clip]] = {code: [] for code in by_language}
    made: list[Mixed] = []
    for _ in range(count):
        taken: list[Clip] = []
        for _ in range(chance.randint(*PARTS)):
            codes = [code for code in by_language if not taken or code != code_of(taken[-1])]
            weights = [min(_MOST_OF_A_LANGUAGE, len(by_language[code])) for code in codes]
            [code] = chance.choices(codes, weights)
            if not decks[code]:
                decks[code] = chance.sample(by_language[code], len(by_language[code]))
            taken.append(decks[code].pop())
        made.append(joined([(code_of(clip), clip.text, sound_of(clip)) for clip in taken], chance))
    return made


def sound_of(clip: Clip) -> Samples:
    return trimmed(resample(decode(clip.path.read_bytes()), LISTEN_RATE_HZ).samples)


def trimmed(samples: Samples, floor: float = 0.03) -> Samples:
    """Without the silence around it, at `LOUDNESS`."""
    loud = np.flatnonzero(np.abs(samples) > floor * np.abs(samples).max())
    speech = samples[loud[0] : loud[-1] + 1]
    return (speech * (LOUDNESS / np.sqrt(np.mean(speech**2)))).astype(np.float32)


def joined(said: Sequence[tuple[str, str, Samples]], chance: random.Random) -> Mixed:
    """(language, text, sound) one after another. A gap holds noise as faint as the quietest of what comes before it."""
    parts: list[Part] = []
    pieces: list[Samples] = []
    at = 0
    for language, text, samples in said:
        if parts:
            gap = _hiss(round(chance.uniform(*GAPS_S) * LISTEN_RATE_HZ), parts[-1].samples, chance)
            pieces.append(gap)
            at += len(gap)
        end = at + len(samples)
        parts.append(Part(language, text, at / LISTEN_RATE_HZ, end / LISTEN_RATE_HZ, samples))
        pieces.append(samples)
        at = end
    return Mixed(tuple(parts), Audio(np.concatenate(pieces), LISTEN_RATE_HZ))


def _hiss(length: int, before: Samples, chance: random.Random) -> Samples:
    frame = round(0.02 * LISTEN_RATE_HZ)
    frames = before[: len(before) // frame * frame].reshape(-1, frame)
    level = float(np.quantile(np.sqrt((frames**2).mean(axis=1)), 0.05))
    noise = np.random.default_rng(chance.getrandbits(32)).standard_normal(length)
    return (noise * level).astype(np.float32)


async def own_voices(speaker: Speaker, languages: Sequence[str], count: int, *, seed: int = 0) -> list[Mixed]:
    """Our own sentences, each by a voice of its language, two of them in one breath."""
    chance = random.Random(seed)
    saying = Saying.with_voice("alloy", speaker.voices)
    made: list[Mixed] = []
    for _ in range(count):
        said: list[tuple[str, str, Samples]] = []
        for language in chance.sample(list(languages), 2):
            text = chance.choice(sentences()[language])
            audio = await spoken_sentence(text, language, saying, speaker)
            said.append((language, text, trimmed(resample(audio, LISTEN_RATE_HZ).samples)))
        made.append(joined(said, chance))
    return made


async def hear_mixed(recording: Mixed, switching: Listener, single: Listener) -> MixedTrial:
    """switching: hears changes of language; single: does not."""
    said = " ".join(part.text for part in recording.parts)
    ours, our_way = await _heard(recording.parts, said, recording.audio, switching)
    _, before = await _heard(recording.parts, said, recording.audio, single)
    alone = Way(0, 0.0, 0.0, "")
    for part in recording.parts:
        whole = Part(part.language, part.text, 0.0, part.end_s - part.start_s, part.samples)
        _, way = await _heard([whole], part.text, Audio(part.samples, LISTEN_RATE_HZ), single)
        alone = Way(
            alone.errors + way.errors,
            alone.right_s + way.right_s,
            alone.seconds + way.seconds,
            f"{alone.transcript} {way.transcript}".strip(),
        )
    return MixedTrial(
        tuple(part.language for part in recording.parts),
        tuple(span.language for span in ours.languages),
        sum(part.end_s - part.start_s for part in recording.parts),
        score(said, said, _NEUTRAL).units,
        our_way,
        before,
        alone,
    )


async def hear_plain(clip: Clip, switching: Listener, single: Listener, *, turn: int) -> PlainTrial:
    """turn: an odd one is heard by `single` first, so that neither always comes to a warm cache."""
    audio = decode(clip.path.read_bytes())
    part = Part(code_of(clip), clip.text, 0.0, audio.duration_s, np.zeros(0, np.float32))
    ways: dict[bool, tuple[Heard, Way]] = {}
    for ours in (False, True) if turn % 2 else (True, False):
        ways[ours] = await _heard([part], clip.text, audio, switching if ours else single)
    words = score(clip.text, clip.text, _NEUTRAL).units
    return PlainTrial(code_of(clip), len(ways[True][0].languages), words, ways[True][1], ways[False][1])


async def hear_brief(clip: Clip, length_s: float, listener: Listener) -> BriefTrial | None:
    """The first `length_s` of the speech in a recording; None where there is less of it."""
    samples = sound_of(clip)
    length = round(length_s * LISTEN_RATE_HZ)
    if len(samples) < length:
        return None
    heard = await hear_all(listener, Audio(samples[:length], LISTEN_RATE_HZ), ListenOptions(word_times=False))
    return BriefTrial(code_of(clip), length_s, heard.language)


def right_s(parts: Sequence[Part], heard: Heard) -> float:
    """Seconds of the parts whose language is that of the segment there, or of the nearest one where there is none."""
    spoken = [segment for segment in heard.segments if segment.language]
    total = 0.0
    for part in parts:
        moments = np.arange(part.start_s, part.end_s, _STEP_S)
        if not spoken:
            continue
        far = np.stack([np.maximum(np.maximum(s.start_s - moments, moments - s.end_s), 0.0) for s in spoken])
        languages = np.array([segment.language == part.language for segment in spoken])
        total += float(languages[far.argmin(axis=0)].mean()) * (part.end_s - part.start_s)
    return total


async def _heard(parts: Sequence[Part], said: str, audio: Audio, listener: Listener) -> tuple[Heard, Way]:
    began_s = time.perf_counter()
    heard = await hear_all(listener, audio)
    seconds = time.perf_counter() - began_s
    return heard, Way(score(said, heard.transcript, _NEUTRAL).errors, right_s(parts, heard), seconds, heard.transcript)
