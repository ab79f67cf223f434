"""Tools called by speech, by this server or any other: `viva bench tools`.

Each request is put twice, typed and spoken, so that what listening costs can be told from what thinking does. How much
eight tools that the server knows already delay the first sound is measured on questions that no tool answers: with and
without them in turn, the same question to both. Knows no server and no page: what asks is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vivavoce.audio import Audio
from vivavoce.bench.exchange import Calling, Exchange
from vivavoce.bench.questions import Progress, new_wav
from vivavoce.bench.stats import Interval, ratio_of_medians
from vivavoce.bench.tool_requests import ToolRequest, Verdict, judge, offered_tools, tool_requests

Tools = Sequence[Mapping[str, Any]]
Call = Callable[[str | bytes, Tools], Calling]
Ask = Callable[[bytes, Tools], Exchange]


@dataclass(frozen=True, slots=True)
class Trial:
    """One request, as it was put and what came of it."""

    request: str
    tool: str | None
    spoken: bool
    heard: str | None
    calls: tuple[tuple[str, str], ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class FirstSounds:
    """Seconds to the first sound of the same questions, without tools and with them. called: questions that a tool was
    called for, which have no sound; they are in neither list."""

    without_s: tuple[float, ...]
    with_s: tuple[float, ...]
    called: int
    cached_tokens: tuple[int | None, ...]

    def ratio(self, seed: int) -> Interval | None:
        return ratio_of_medians(self.with_s, self.without_s, seed=seed) if len(self.with_s) > 1 else None


@dataclass(frozen=True, slots=True)
class ToolsReport:
    date: str
    machine: str
    cores: int
    model: str
    engines: Mapping[str, str]
    seed: int
    trials: tuple[Trial, ...]
    first_sounds: FirstSounds | None

    def verdicts(self, *, spoken: bool, wants_tool: bool) -> list[Verdict]:
        return [
            trial.verdict for trial in self.trials if trial.spoken == spoken and (trial.tool is not None) == wants_tool
        ]


def put_requests(call: Call, recordings: Sequence[Audio], seed: int, progress: Progress | None = None) -> list[Trial]:
    """Each of our requests typed, then spoken: `recordings` has them in their order. Raises what `call` raises."""
    trials: list[Trial] = []
    requests = tool_requests()
    tools = offered_tools()
    for number, (request, recording) in enumerate(zip(requests, recordings, strict=True)):
        for put in (request.text, new_wav(recording, seed + number)):
            trials.append(_trial(request, isinstance(put, bytes), call(put, tools)))
        if progress is not None:
            progress(number + 1, len(requests), request.tool or "no tool")
    return trials


def _trial(request: ToolRequest, spoken: bool, came: Calling) -> Trial:
    calls = tuple((made.name, made.arguments) for made in came.calls)
    return Trial(request.text, request.tool, spoken, came.heard, calls, judge(request, came.calls))


def compare_first_sounds(
    ask: Ask, questions: Sequence[Audio], seed: int, progress: Progress | None = None
) -> FirstSounds:
    """Each question with and without tools, in an order that changes. The first question warms both up, uncounted."""
    found: dict[bool, list[float]] = {False: [], True: []}
    cached: list[int | None] = []
    called = 0
    for number, question in enumerate(questions):
        pair: dict[bool, Exchange] = {}
        for turn, with_tools in enumerate((False, True) if number % 2 else (True, False)):
            recording = new_wav(question, seed + 2 * number + turn)
            pair[with_tools] = ask(recording, offered_tools() if with_tools else ())
        if progress is not None:
            progress(number + 1, len(questions), "with and without tools")
        if not number:
            continue
        sounds = {way: exchange.playback.first_sound_s for way, exchange in pair.items()}
        without_s, with_s = sounds[False], sounds[True]
        if without_s is None or with_s is None:
            called += 1
            continue
        found[False].append(without_s)
        found[True].append(with_s)
        cached.append(pair[True].cached_tokens)
    return FirstSounds(tuple(found[False]), tuple(found[True]), called, tuple(cached))
