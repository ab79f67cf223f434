"""What the page of one model shows: what it is, how it did in each exam, what it costs, whether it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from vivavoce.board.boards import Row
from vivavoce.board.facts import Facts
from vivavoce.board.judged import Judged
from vivavoce.board.observatory import Snapshot
from vivavoce.board.strengths import Claim, claims
from vivavoce.board.subjects import Subject
from vivavoce.board.telling import UNKNOWN, day, plural, tokens
from vivavoce.exam.board import Change, Verdict
from vivavoce.probe.summary import Delay

NOT_KNOWN = "not known to us"
NOT_YET = "not yet"
UNDESCRIBED = Facts("", "", "")


@dataclass(frozen=True, slots=True)
class Result:
    """A model in one exam: its row on the board, and how many models stand on it."""

    task: str
    row: Row
    models: int
    change: Change


@dataclass(frozen=True, slots=True)
class Window:
    """A verdict of one run in one exam."""

    run: Judged
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Pace:
    """A delay in one run."""

    what: str
    run: Judged
    delay: Delay


@dataclass(frozen=True, slots=True)
class ModelView:
    """`known`: (label, value) pairs of what it is; unanswered: why questions got no answer -> how many, of `asked`."""

    subject: Subject
    about: str
    known: Sequence[tuple[str, str]]
    sources: Sequence[str]
    results: Sequence[Result]
    strengths: Sequence[Claim]
    weaknesses: Sequence[Claim]
    rivals: bool
    windows: Sequence[Window]
    paces: Sequence[Pace]
    asked: int
    unanswered: Sequence[tuple[str, int]]

    @property
    def unanswered_count(self) -> int:
        return sum(count for _, count in self.unanswered)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a list of models shows of one: nothing that takes long to work out."""

    subject: Subject
    results: Sequence[Result]
    paces: Sequence[Pace]


def model_card(subject: Subject, snapshot: Snapshot) -> ModelCard:
    return ModelCard(subject, _results(subject, snapshot, _windows(subject, snapshot)), _paces(subject))


def model_view(subject: Subject, snapshot: Snapshot, today: date) -> ModelView:
    told = claims(subject, snapshot.boards.examined)
    windows = _windows(subject, snapshot)
    return ModelView(
        subject=subject,
        about=about(subject),
        known=known(subject, today),
        sources=subject.facts.sources if subject.facts is not None else (),
        results=_results(subject, snapshot, windows),
        strengths=[claim for claim in told if claim.side == "strength"],
        weaknesses=[claim for claim in told if claim.side == "weakness"],
        rivals=any(each.slug != subject.slug and not each.preview for each in snapshot.boards.examined),
        windows=list(reversed(windows)),
        paces=_paces(subject),
        asked=sum(len(run.record.tries) for run in subject.runs),
        unanswered=_unanswered(subject),
    )


def about(subject: Subject) -> str:
    """A paragraph; an honest sentence on who is not in our facts."""
    if subject.facts is not None:
        return subject.facts.about
    if subject.near:
        return (
            "A server in the private network of whoever examined it. These pages know nothing of it but what the exams "
            "found and what their files say: what it runs is not told by the name that it answered to."
        )
    examined = "what the exams found" if subject.runs else "its prices"
    return f"Nobody has described this model here yet: these pages know {examined}, and no more."


def known(subject: Subject, today: date) -> list[tuple[str, str]]:
    facts, last = subject.facts or UNDESCRIBED, subject.runs[-1] if subject.runs else None
    rows = [
        ("Made by", facts.maker or subject.maker or NOT_KNOWN),
        ("Runs", facts.where or _where(subject)),
        ("Licence", facts.licence or NOT_KNOWN),
        ("Context", tokens(facts.context_tokens, NOT_KNOWN)),
        ("Longest answer", tokens(facts.output_tokens, NOT_KNOWN)),
        ("Longest audio", facts.longest_audio or NOT_KNOWN),
    ]
    if facts.released is not None:
        rows.append(("Released", day(facts.released)))
    if facts.shut_down is not None:
        rows.append(("Switched off" if facts.shut_down <= today else "To be switched off", day(facts.shut_down)))
    return [
        *rows,
        ("Examined", plural(len(subject.runs), "run") if subject.runs else NOT_YET),
        ("Last tested", day(last.started) if last is not None else NOT_YET),
        ("Last reviewed", day(facts.reviewed) if facts.reviewed is not None else NOT_YET),
    ]


def _where(subject: Subject) -> str:
    if subject.near:
        return "on a machine or in a network of its owner"
    if subject.runs:
        return f"at {subject.runs[-1].host}"
    return f"priced by {subject.vendor.capitalize()}, so on its servers" if subject.vendor else UNKNOWN


def _results(subject: Subject, snapshot: Snapshot, windows: Sequence[Window]) -> list[Result]:
    changes: dict[tuple[str, str], Change] = {
        (window.run.run.id, window.verdict.task): window.verdict.change for window in windows
    }
    found: list[Result] = []
    for task in snapshot.boards.tasks:
        board = snapshot.boards.board(task)
        row = board.of(subject)
        if row is not None:
            found.append(Result(task, row, len(board.rows), changes.get((row.run.run.id, task), "baseline")))
    return found


def _windows(subject: Subject, snapshot: Snapshot) -> list[Window]:
    runs = {run.run.id: run for run in subject.runs}
    return [Window(runs[each.run.id], each) for each in snapshot.verdicts if each.run.id in runs]


def _paces(subject: Subject) -> list[Pace]:
    """Of one run, so that they belong together: the latest one that was streamed, or else the latest with an answer."""
    latest = list(reversed(subject.runs))
    run = next((each for each in latest if each.delays.first_sound.n), None)
    run = run or next((each for each in latest if each.delays.whole.n), None)
    if run is None:
        return []
    both = [Pace("first sound", run, run.delays.first_sound), Pace("whole answer", run, run.delays.whole)]
    return [pace for pace in both if pace.delay.n]


def _unanswered(subject: Subject) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for run in subject.runs:
        for why, count in run.unanswered.items():
            sums[why] = sums.get(why, 0) + count
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
