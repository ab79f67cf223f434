"""`speech-to-code`: a function is described, typed or spoken, and what is written is run against hidden tests."""

from __future__ import annotations

import json
import math
from typing import Any, cast

from vivavoce.exam import sandbox
from vivavoce.exam.answers import read_code
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Sound
from vivavoce.exam.metrics import Drop, Ratio
from vivavoce.exam.tasks import Judgement, Sources, Task, content

NAME = "speech-to-code"

SYSTEM = (
    "Write the Python function that is asked for, named `solve`, with the standard library only. "
    "Answer with one code block and nothing else."
)


def pool(sources: Sources) -> list[Item]:
    table = content(NAME)
    card = table["card"]
    items: list[Item] = []
    for row in table["items"]:
        name = f"{NAME}/{row['id']}"
        voice = sources.voice("en", name)
        items.append(
            Item(
                id=name,
                task=NAME,
                group=row["level"],
                language="en",
                ask=row["ask"],
                key=[_case(line) for line in row["cases"]],
                origin="synthetic",
                licence=card["licence"],
                checked_by=card["checked_by"],
                sound=Sound(text=row["ask"], voice=voice) if voice else None,
                facets={"voice": voice} if voice else {},
            )
        )
    return items


def _case(line: str) -> dict[str, Any]:
    """`[arguments] -> value`, both JSON."""
    arguments, _, value = line.partition(" -> ")
    return {"arguments": json.loads(arguments), "value": json.loads(value)}


def request(item: Item) -> Request:
    return Request(system=SYSTEM, max_tokens=700)


def score(item: Item, reply: Reply) -> Judgement:
    """right: every hidden test passes; passed of tests. Unscored where programs cannot be locked in."""
    if not sandbox.available():
        return Judgement(
            None, unscored="programs of a model are run on Linux (x86_64) only, where they can be locked in"
        )
    cases: list[dict[str, Any]] = item.key
    outcome = sandbox.call(read_code(reply.text), "solve", [case["arguments"] for case in cases])
    results = list(outcome.results)
    passed = [
        "value" in found and same(found["value"], case["value"]) for found, case in zip(results, cases, strict=False)
    ]
    right = len(passed) == len(cases) and all(passed)
    first = next(
        (found.get("error", "another value") for found, fine in zip(results, passed, strict=True) if not fine), ""
    )
    return Judgement(
        {"right": float(right), "passed": float(sum(passed)), "tests": float(len(cases))},
        note="" if right else outcome.fault or str(first),
    )


LARGEST = 10**300
"""Greater than every key, and still a fraction."""


def same(given: object, wanted: object) -> bool:
    """JSON values alike; fractions to nine digits, and true is not 1."""
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    if isinstance(given, int | float) and isinstance(wanted, int | float):
        near = abs(given) < LARGEST and math.isclose(given, wanted, rel_tol=1e-9, abs_tol=1e-9)
        return near or given == wanted
    if isinstance(given, list) and isinstance(wanted, list):
        ours, theirs = cast("list[object]", given), cast("list[object]", wanted)
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    if isinstance(given, dict) and isinstance(wanted, dict):
        left, right = cast("dict[str, object]", given), cast("dict[str, object]", wanted)
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return given == wanted


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("typed", "spoken"),
    score=score,
    headline=Ratio("pass_spoken", "pass@1 when spoken", "right", better="higher", mode="spoken"),
    metrics=(
        Ratio("pass_typed", "pass@1 when typed", "right", better="higher", mode="typed"),
        Ratio("tests", "hidden tests passed when spoken", "passed", "tests", better="higher", mode="spoken"),
        Drop("drop", "lost by listening", "right"),
        Drop("drop_crud", "lost by listening, records (CRUD) alone", "right", group="crud"),
    ),
    request=request,
    also=("pass_typed",),
    by=("voice",),
)
