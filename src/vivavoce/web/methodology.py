"""How all of this was measured, made from the definitions of the exams and from the numbers that the code uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vivavoce.bench.stats import LEAST_FOR_P95
from vivavoce.board.method import methods, voices
from vivavoce.board.strengths import bars
from vivavoce.board.telling import TELLING
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import LEAST_FOR_BOUNDS, LEAST_TYPED, RESAMPLES
from vivavoce.languages import name_of
from vivavoce.web.page import Asked, Page


def methodology_page() -> Page:
    def data(_: Asked) -> Mapping[str, Any]:
        espeak, speech = voices()
        return {
            **TELLING,
            "methods": methods(),
            "espeak": espeak,
            "speech": speech,
            "bars": bars(),
            "tasks": TASKS,
            "language": name_of,
            "least_for_bounds": LEAST_FOR_BOUNDS,
            "least_for_p95": LEAST_FOR_P95,
            "least_typed": round(100 * LEAST_TYPED),
            "resamples": RESAMPLES,
            "better": {"higher": "higher is better", "lower": "lower is better", None: "neither way"},
        }

    return Page("methodology", "/methodology", "methodology.html", data, nav="Methodology")
