"""How soon the questions of a run were answered: spoken ones, by first sound and by the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.exam.runs import Try
from vivavoce.probe.summary import Delay


@dataclass(frozen=True, slots=True)
class Delays:
    """From the request to the first sound and to the end of the whole answer: of answers that were streamed, or where
    none was, the latter of all spoken questions."""

    first_sound: Delay
    whole: Delay


def delays(tries: Sequence[Try]) -> Delays:
    spoken = [made for made in tries if made.mode == "spoken"]
    streamed = [made for made in spoken if made.first_sound_s is not None]
    return Delays(
        first_sound=Delay.of([made.first_sound_s for made in streamed if made.first_sound_s is not None]),
        whole=Delay.of([made.seconds for made in streamed or spoken if made.seconds is not None]),
    )
