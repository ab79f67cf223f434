"""`transcription`: word errors on recordings of people (a manifest) and on sentences of ours in several voices."""

from __future__ import annotations

import tomllib
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from vivavoce.bench.scoring import metric_of, score_joined
from vivavoce.exam.endpoint import Reply
from vivavoce.exam.items import Item, Sound, pick
from vivavoce.exam.metrics import Middle, Ratio
from vivavoce.exam.recordings import Row, collection_of, licence_of, origin_of, publisher_of, recorded, sound_of
from vivavoce.exam.tasks import SURROUNDINGS, Judgement, Sources, Task, Way, content

NAME = "transcription"

FACETS = ("accent", "gender", "age", "style")
"""What a manifest tells of a recording that figures are stated by."""


def pool(sources: Sources) -> list[Item]:
    return recorded(sources.manifest, recording) + _sentences(sources)


def recording(folder: Path, row: Row) -> Item | None:
    """A row with a text in one language."""
    if not row.get("text") or not row.get("language") or "+" in row["language"]:
        return None
    facets = {name: _years(row[name]) if name == "age" else str(row[name]) for name in FACETS if row.get(name)}
    return Item(
        id=f"{NAME}/{row['id']}",
        task=NAME,
        group=str(row["language"]),
        language=str(row["language"]),
        ask="",
        key=str(row["text"]),
        origin=origin_of(row),
        licence=licence_of(row),
        checked_by=f"those who published {publisher_of(row)}",
        sound=sound_of(folder, row),
        facets={"collection": collection_of(row), "origin": origin_of(row), **facets},
    )


def _years(age: Any) -> str:
    """A group of speakers, by decade: `20 to 29`; what is no number stands as it is."""
    return f"{age // 10 * 10} to {age // 10 * 10 + 9}" if isinstance(age, int) else str(age)


def _sentences(sources: Sources) -> list[Item]:
    """The sentences of `viva bench languages`, in the languages that a voice of ours speaks."""
    card = content(NAME)["card"]
    table = tomllib.loads(files("vivavoce.bench").joinpath("sentences.toml").read_text(encoding="utf-8"))
    items: list[Item] = []
    for language, texts in table.items():
        for number, text in enumerate(texts):
            name = f"{NAME}/sentences/{language}-{number}"
            voice = sources.voice(language, name)
            if not voice:
                continue
            surroundings = pick(SURROUNDINGS, name, "surroundings")
            items.append(
                Item(
                    id=name,
                    task=NAME,
                    group=language,
                    language=language,
                    ask="",
                    key=text,
                    origin="synthetic",
                    licence=card["licence"],
                    checked_by=card["checked_by"],
                    sound=Sound(text=text, voice=voice, surroundings=surroundings, seed=number),
                    facets={
                        "collection": "sentences",
                        "origin": "synthetic",
                        "voice": voice,
                        "surroundings": surroundings,
                    },
                )
            )
    return items


def score(item: Item, reply: Reply) -> Judgement:
    """word_errors of words, or char_errors of chars in languages that do not space their words."""
    [counted] = score_joined([item.key], reply.text, item.language)
    if not counted.units:
        return Judgement(None, unscored="the reference holds no word")
    names = ("word_errors", "words") if metric_of(item.language) == "WER" else ("char_errors", "chars")
    return Judgement({names[0]: float(counted.errors), names[1]: float(counted.units)})


def transcribed(_: Item) -> Way:
    return "transcribe"


WER = partial(Ratio, above="word_errors", below="words", better="lower")

TASK = Task(
    name=NAME,
    pool=pool,
    modes=("spoken",),
    score=score,
    headline=WER("wer", "word errors (WER)"),
    metrics=(
        WER("wer_people", "word errors, recordings of people", origin="human"),
        WER("wer_made", "word errors, synthetic voices", origin="synthetic"),
        Ratio("cer", "character errors (CER; Chinese, Japanese, Korean …)", "char_errors", "chars", better="lower"),
        Middle("seconds", "seconds per recording", better="lower"),
    ),
    way=transcribed,
    by=("origin", "collection", *FACETS, "voice", "surroundings"),
)
