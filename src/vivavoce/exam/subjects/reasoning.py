"""`spoken-reasoning`: puzzles, typed and spoken, and what is lost by listening. Also how their answers are judged."""

from __future__ import annotations

from vivavoce.exam.answers import final_number, final_option
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Sound, pick
from vivavoce.exam.metrics import Drop, Middle, Ratio
from vivavoce.exam.puzzles import Puzzle, puzzles
from vivavoce.exam.tasks import SURROUNDINGS, Judgement, Sources, Task, content

NAME = "spoken-reasoning"

SYSTEM = (
    "Solve the puzzle. Think step by step, in a few short sentences. Then end with a line that begins with "
    "'Answer:' and holds nothing but the number, the name or the word that is asked for."
)


def pool(sources: Sources) -> list[Item]:
    card = content(NAME)["card"]
    items: list[Item] = []
    for number, puzzle in enumerate(puzzles()):
        name = f"{NAME}/{puzzle.kind}/{number:03d}"
        voice = sources.voice("en", name)
        surroundings = pick(SURROUNDINGS, name, "surroundings")
        sound = Sound(text=puzzle.text, voice=voice, surroundings=surroundings, seed=number) if voice else None
        items.append(
            Item(
                id=name,
                task=NAME,
                group=puzzle.kind,
                language="en",
                ask=puzzle.text,
                key=key_of(puzzle),
                origin="synthetic",
                licence=card["licence"],
                checked_by=card["checked_by"],
                sound=sound,
                facets={"voice": voice, "surroundings": surroundings} if voice else {},
            )
        )
    return items


def key_of(puzzle: Puzzle) -> dict[str, object]:
    return {"right": puzzle.key, "options": list(puzzle.options)}


def request(item: Item) -> Request:
    return Request(system=SYSTEM)


def score(item: Item, reply: Reply) -> Judgement:
    """right: 1 or 0. What does not answer at all is wrong."""
    options: list[str] = item.key["options"]
    found = final_option(reply.text, options) if options else final_number(reply.text)
    right = found is not None and found == item.key["right"]
    return Judgement({"right": float(right)}, note="" if found is None else f"read as {found}")


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("typed", "spoken"),
    score=score,
    headline=Ratio("solved_spoken", "solved when spoken", "right", better="higher", mode="spoken"),
    metrics=(
        Ratio("solved_typed", "solved when typed", "right", better="higher", mode="typed"),
        Drop("drop", "lost by listening", "right"),
        Middle("seconds", "seconds per answer", mode="spoken", better="lower"),
    ),
    request=request,
    also=("solved_typed",),
    by=("voice", "surroundings"),
)
