"""How soon the questions of a run were answered: spoken ones, by first sound and by the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import Tried
from vivavoce.probe.summary import Delay


@dataclass(frozen=True, slots=True)
class Delays:
    """From the request to the first sound and to the end of the whole answer: of answers that were streamed, or where
    none was, the latter of all that were asked. Transcripts are no answers."""

    first_sound: Delay
    whole: Delay


def delays(tries: Sequence[Tried]) -> Delays:
    asked = [made for item, made in tries if made.mode == "spoken" and TASKS[made.task].way(item) == "ask"]
    streamed = [made for made in asked if made.first_sound_s is not None]
    return Delays(
        first_sound=Delay.of([made.first_sound_s for made in streamed if made.first_sound_s is not None]),
        whole=Delay.of([made.seconds for made in streamed or asked if made.seconds is not None]),
    )
