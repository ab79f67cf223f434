"""`transcription`: word errors on recordings of people (a manifest) and on sentences of ours in several voices."""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from vivavoce.bench.scoring import metric_of, score_joined
from vivavoce.errors import InvalidValue, NotFound
from vivavoce.exam.endpoint import Reply
from vivavoce.exam.items import Item, Sound, pick
from vivavoce.exam.metrics import Middle, Ratio
from vivavoce.exam.tasks import SURROUNDINGS, Judgement, Sources, Task, Way, content

NAME = "transcription"

FACETS = ("accent", "gender", "age", "style")
"""What a manifest tells of a recording that figures are stated by."""


def pool(sources: Sources) -> list[Item]:
    recorded = recordings(sources.manifest) if sources.manifest else []
    return recorded + _sentences(sources)


def recordings(manifest: Path, task: str = NAME) -> list[Item]:
    """Every row with a text in one language. Raises `NotFound`, or `InvalidValue` for a row that can't be read."""
    if not manifest.is_file():
        raise NotFound(f"There is no manifest {manifest}.")
    items: list[Item] = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row: dict[str, Any] = json.loads(line)
            if row.get("text") and row.get("language") and "+" not in row["language"]:
                items.append(_recording(manifest.parent, row, task))
        except (KeyError, TypeError, ValueError, OSError) as fault:
            raise InvalidValue(f"{manifest.name}, line {number}, is no recording: {fault}") from fault
    return items


def _recording(folder: Path, row: dict[str, Any], task: str) -> Item:
    path = folder / str(row["path"])
    collection = str(row["id"]).split("/")[0]
    facets = {name: str(row[name]) for name in FACETS if row.get(name)}
    return Item(
        id=f"{task}/{row['id']}",
        task=task,
        group=str(row["language"]),
        language=str(row["language"]),
        ask="",
        key=str(row["text"]),
        origin="human" if row.get("kind", "human") == "human" else "synthetic",
        licence=str(row.get("licence") or "unknown"),
        checked_by=f"those who published {row.get('source_repo') or collection}",
        sound=Sound(file=str(path.resolve()), sha256=hashlib.sha256(path.read_bytes()).hexdigest()),
        facets={"collection": collection, "origin": "human", **facets},
    )


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
        Ratio("cer", "character errors (CER; Chinese, Japanese, Korean …)", "char_errors", "chars", better="lower"),
        Middle("seconds", "seconds per recording", better="lower"),
    ),
    way=transcribed,
    by=("origin", "collection", *FACETS, "voice", "surroundings"),
)
