"""`noise`: how transcription and solving hold up as the noise rises, from 20 dB over it to 5 dB under it."""

from __future__ import annotations

from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Sound, pick
from vivavoce.exam.metrics import Ratio
from vivavoce.exam.puzzles import puzzles
from vivavoce.exam.subjects import reasoning, transcription
from vivavoce.exam.tasks import Judgement, Sources, Task, Way, content

NAME = "noise"

SNRS_DB = ("20", "10", "5", "0", "-5")
EVERY = 3
"""Of our puzzles, one in so many."""


def pool(sources: Sources) -> list[Item]:
    """Each puzzle at one ratio, once to be transcribed and once to be solved, by the very same sound."""
    card = content(NAME)["card"]
    items: list[Item] = []
    for number, puzzle in enumerate(puzzles()):
        name = f"{puzzle.kind}-{number:03d}"
        voice = sources.voice("en", NAME, name)
        if number % EVERY or not voice:
            continue
        snr = pick(SNRS_DB, NAME, name)
        sound = Sound(text=puzzle.text, voice=voice, seed=number, snr_db=float(snr))
        for part in ("heard", "solved"):
            key = {"part": part, "text": puzzle.text, **reasoning.key_of(puzzle)}
            items.append(
                Item(
                    id=f"{NAME}/{part}/{name}",
                    task=NAME,
                    group=f"{part} {int(snr):+d} dB",
                    language="en",
                    ask="",
                    key=key,
                    origin="synthetic",
                    licence=card["licence"],
                    checked_by=card["checked_by"],
                    sound=sound,
                    facets={"voice": voice, "snr_db": snr, "part": part},
                )
            )
    return items


def way(item: Item) -> Way:
    return "transcribe" if item.key["part"] == "heard" else "ask"


def request(item: Item) -> Request:
    return Request(system=reasoning.SYSTEM)


def score(item: Item, reply: Reply) -> Judgement:
    if item.key["part"] == "solved":
        return reasoning.score(item, reply)
    said = Item(item.id, NAME, item.group, "en", "", item.key["text"], item.origin, item.licence, item.checked_by)
    return transcription.score(said, reply)


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("spoken",),
    score=score,
    headline=Ratio("wer", "word errors in noise", "word_errors", "words", better="lower"),
    metrics=(Ratio("solved", "solved in noise", "right", better="higher"),),
    request=request,
    way=way,
    by=("voice", "snr_db"),
)
