"""`speakers`: who spoke when, in recordings of several people; judged by the diarisation error rate (DER).

DER as in NIST's evaluations (2000 ff.): seconds missed, made up and given to the wrong speaker over seconds spoken,
under the mapping of names that suits the answer best; overlapping speech counts for each speaker, and no collar is
forgiven.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vivavoce.exam.endpoint import Reply, Turn
from vivavoce.exam.items import Item
from vivavoce.exam.metrics import Middle, Ratio
from vivavoce.exam.recordings import Row, collection_of, licence_of, origin_of, publisher_of, recorded, sound_of
from vivavoce.exam.tasks import Judgement, Sources, Task, Way

NAME = "speakers"

STEP_S = 0.01
Spans = npt.NDArray[np.bool_]


def pool(sources: Sources) -> list[Item]:
    """Recordings with an RTTM file fit for DER; none without a manifest. Raises `NotFound` or `InvalidValue`."""
    return recorded(sources.manifest, _item)


def _item(folder: Path, row: Row) -> Item | None:
    if not row.get("rttm") or not row.get("use_for_der", True):
        return None
    turns = rttm((folder / str(row["rttm"])).read_text(encoding="utf-8"))
    return Item(
        id=f"{NAME}/{row['id']}",
        task=NAME,
        group=f"{len({name for _, _, name in turns})} speakers",
        language=str(row.get("language") or "und"),
        ask="",
        key={"turns": [list(turn) for turn in turns], "seconds": float(row["duration_s"])},
        origin=origin_of(row),
        licence=licence_of(row),
        checked_by=f"those who published {publisher_of(row)}",
        sound=sound_of(folder, row),
        facets={"collection": collection_of(row)},
    )


def rttm(text: str) -> list[Turn]:
    """The turns of an RTTM file: (start, end, speaker), in seconds. Raises `ValueError` or `IndexError`."""
    turns: list[Turn] = []
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            turns.append((float(fields[3]), float(fields[3]) + float(fields[4]), fields[7]))
    return turns


def way(_: Item) -> Way:
    return "diarize"


def score(item: Item, reply: Reply) -> Judgement:
    """error_s of spoken_s; counted: as many speakers as there are."""
    turns: list[Turn] = [(float(start), float(end), str(name)) for start, end, name in item.key["turns"]]
    error_s, spoken_s = diarisation_errors(turns, reply.turns, item.key["seconds"])
    if not spoken_s:
        return Judgement(None, unscored="nobody speaks in the reference")
    told, true = {name for _, _, name in reply.turns}, {name for _, _, name in turns}
    return Judgement({"error_s": error_s, "spoken_s": spoken_s, "counted": float(len(told) == len(true))})


def diarisation_errors(reference: Sequence[Turn], found: Sequence[Turn], seconds: float) -> tuple[float, float]:
    """Seconds of error, and seconds spoken in the reference (each speaker's own, where several speak at once)."""
    truth, guess = _spans(reference, seconds), _spans(found, seconds)
    together = truth.astype(np.int64) @ guess.T.astype(np.int64)
    most = np.maximum(truth.sum(axis=0), guess.sum(axis=0)).sum()
    return float(most - _best_mapping(together)) * STEP_S, float(truth.sum()) * STEP_S


def _spans(turns: Sequence[Turn], seconds: float) -> Spans:
    """Shape (speakers, steps): who speaks at each step."""
    names = list(dict.fromkeys(name for _, _, name in turns))
    spans = np.zeros((len(names), round(seconds / STEP_S)), np.bool_)
    for start_s, end_s, name in turns:
        spans[names.index(name), max(0, round(start_s / STEP_S)) : max(0, round(end_s / STEP_S))] = True
    return spans


def _best_mapping(together: npt.NDArray[np.int64]) -> int:
    """The most steps that agree when each true speaker is given at most one name, and each name to one speaker.

    Of n speakers, each needs to be tried with the n names alone that suit it best: the others take n - 1 at most.
    """
    count = together.shape[0]
    likely = [[int(name) for name in row[:count]] for row in np.argsort(-together, axis=1, kind="stable")]

    @cache
    def best(speaker: int, taken: frozenset[int]) -> int:
        if speaker == count:
            return 0
        found = best(speaker + 1, taken)
        for name in likely[speaker]:
            if name not in taken:
                found = max(found, int(together[speaker, name]) + best(speaker + 1, taken | {name}))
        return found

    return best(0, frozenset[int]())


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("spoken",),
    score=score,
    headline=Ratio("der", "diarisation errors (DER)", "error_s", "spoken_s", better="lower"),
    metrics=(
        Ratio("counted", "recordings with the right number of speakers", "counted", better="higher"),
        Middle("seconds", "seconds per recording", better="lower"),
    ),
    way=way,
    by=("collection",),
)
