"""`docs/exams/methodology.md`, made from the tasks themselves: what each asks, how it is judged, what it does not show.

python -m vivavoce.exam.page > docs/exams/methodology.md
"""

from __future__ import annotations

import sys
from collections import Counter

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.papers import ESPEAK_VOICES
from vivavoce.exam.tasks import Sources, Task


def methodology_page() -> str:
    parts = [
        "# What each exam asks, and how it is judged",
        "",
        "Made from the exams themselves (`make docs`). How to run them, and what the statistics are:",
        "[exams](../exams.md).",
    ]
    for task in TASKS.values():
        parts += ["", *_section(task)]
    return "\n".join(parts) + "\n"


def _section(task: Task) -> list[str]:
    pool = task.pool(Sources(voices=ESPEAK_VOICES))
    kinds = Counter(item.group for item in pool)
    counted = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    better = {"higher": "higher is better", "lower": "lower is better", None: "neither way"}
    lines = [f"## `{task.name}`", "", task.card.asks, "", f"**Judged.** {task.card.judged}", ""]
    lines += [f"**Not shown.** {task.card.limits}", ""]
    items = f"{len(pool)} ({counted})" if pool else "those of a manifest of recordings alone"
    lines.append(f"**Items**, with espeak-ng's voices: {items}. Put {' and '.join(task.modes)}.")
    lines += ["", f"**Keys**: {task.card.checked_by}. **Licence**: {task.card.licence}.", ""]
    lines += ["| figure | unit | |", "|---|---|---|"]
    for number, metric in enumerate((task.headline, *task.metrics)):
        ranked = ", ranks the board" if number == 0 else ""
        lines.append(f"| {metric.title} | {metric.unit} | {better[metric.better]}{ranked} |")
    return lines


if __name__ == "__main__":
    sys.stdout.write(methodology_page())
