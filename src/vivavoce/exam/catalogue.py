"""Every exam by name, in the order of `viva exam list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vivavoce.errors import NotFound
from vivavoce.exam.subjects import (
    coding,
    feeling,
    forms,
    noise,
    reasoning,
    safety,
    speakers,
    speech_out,
    speed,
    transcription,
)
from vivavoce.exam.tasks import Task

TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        transcription.TASK,
        reasoning.TASK,
        coding.TASK,
        feeling.TASK,
        *forms.TASKS,
        speech_out.TASK,
        speakers.TASK,
        noise.TASK,
        speed.TASK,
        safety.TASK,
    )
}


def chosen(names: Sequence[str]) -> list[Task]:
    """The tasks of these names, or all. Raises `NotFound` with the names that there are."""
    unknown = [name for name in names if name not in TASKS]
    if unknown:
        raise NotFound(f"There is no exam {unknown[0]!r}. There are: {', '.join(TASKS)}.")
    return [TASKS[name] for name in dict.fromkeys(names)] or list(TASKS.values())
