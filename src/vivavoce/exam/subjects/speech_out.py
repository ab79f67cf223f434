"""`speech-out`: is what was spoken what was written, at a good pace, unclipped, without gaps, in the right language?"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from vivavoce.audio import Audio
from vivavoce.bench.scoring import metric_of, score_joined
from vivavoce.codec.decode import decode
from vivavoce.errors import UnsupportedFormat
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item
from vivavoce.exam.metrics import Middle, Ratio
from vivavoce.exam.tasks import Judgement, Sources, Task, content

NAME = "speech-out"

CLIPPED_AT = 0.999
CLIPPED_SHARE = 1e-4
"""Of all samples at full scale, above which a reply counts as clipped: about two in a second."""

FRAME_S = 0.02
SILENT_BELOW_DB = 45.0
"""Below the loudest frame; what is quieter for long is silence."""

LONG_PAUSE_S = 1.5


def pool(sources: Sources) -> list[Item]:
    table = content(NAME)
    card = table["card"]
    return [
        Item(
            id=f"{NAME}/{language}-{number}",
            task=NAME,
            group=language,
            language=language,
            ask=text,
            key=language,
            origin="synthetic",
            licence=card["licence"],
            checked_by=card["checked_by"],
        )
        for language, texts in table["questions"].items()
        for number, text in enumerate(texts)
    ]


def request(item: Item) -> Request:
    return Request(system=content(NAME)["system"][item.language], sound=True, max_tokens=900)


def score(item: Item, reply: Reply) -> Judgement:
    """spoken: there is sound. The rest only where there is: word_errors of words against its own transcript, pace_wpm,
    clipped, silent_s (longest silence inside), lead_s (before the first word), gap (a silence over 1.5 s), language.
    """
    if not reply.text.strip():
        return Judgement(None, unscored="nothing was answered")
    if not reply.audio:
        return Judgement({"spoken": 0.0})
    try:
        audio = decode(reply.audio, rate_hz=24_000)
    except UnsupportedFormat as fault:
        return Judgement({"spoken": 0.0}, note=str(fault))
    lead_s, longest_s = silences(audio)
    voiced_s = max(0.1, audio.duration_s - lead_s)
    values = {
        "spoken": 1.0,
        "language": float(language_of(reply.text, tuple(content(NAME)["questions"])) == item.language),
        "clipped": float(np.mean(np.abs(audio.samples) >= CLIPPED_AT) > CLIPPED_SHARE),
        "lead_s": lead_s,
        "silent_s": longest_s,
        "gap": float(longest_s > LONG_PAUSE_S),
    }
    if metric_of(item.language) == "WER":
        values["pace_wpm"] = 60.0 * len(re.findall(r"\w+", reply.text)) / voiced_s
    if reply.reheard is not None:
        [counted] = score_joined([reply.text], reply.reheard, item.language)
        if counted.units:
            values |= {"word_errors": float(counted.errors), "words": float(counted.units)}
    return Judgement(values)


def silences(audio: Audio) -> tuple[float, float]:
    """Seconds before the first sound, and of the longest silence after it and before the last."""
    size = round(FRAME_S * audio.rate_hz)
    count = len(audio.samples) // size
    if not count:
        return 0.0, 0.0
    power = np.mean(np.square(audio.samples[: count * size].reshape(count, size), dtype=np.float64), axis=1)
    loud = np.flatnonzero(power > power.max() / 10 ** (SILENT_BELOW_DB / 10))
    if not len(loud) or not power.max():
        return audio.duration_s, 0.0
    longest = int(np.diff(loud).max(initial=1)) - 1
    return float(loud[0]) * FRAME_S, longest * FRAME_S


def language_of(text: str, among: tuple[str, ...]) -> str:
    """The likeliest of some languages (ISO 639-1)."""
    return str(_identifier(among).classify(text)[0])


@cache
def _identifier(among: tuple[str, ...]) -> Any:
    from py3langid.langid import (  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        MODEL_FILE,
        LanguageIdentifier,
    )

    untyped: Any = LanguageIdentifier
    identifier = untyped.from_model_file(MODEL_FILE)
    identifier.set_languages(list(among))
    return identifier


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("typed",),
    score=score,
    headline=Ratio("wer_out", "word errors of what is spoken", "word_errors", "words", better="lower"),
    metrics=(
        Ratio("spoken", "answered with sound", "spoken", better="higher"),
        Ratio("language", "in the language of the question", "language", better="higher"),
        Ratio("clipped", "clipped", "clipped", better="lower"),
        Ratio("gap", "with a silence over 1.5 s", "gap", better="lower"),
        Middle("pace", "words per minute", "pace_wpm", "words/min"),
        Middle("lead", "silence before the first word", "lead_s", better="lower"),
    ),
    request=request,
    rehears=True,
)
