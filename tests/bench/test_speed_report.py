"""What a speed report says of known times: figures, targets, its file, its page and its drawing."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vivavoce.bench.questions import LENGTHS_S
from vivavoce.bench.speed import Added, Condition, SpeedReport, Trial
from vivavoce.bench.speed_figures import Spread, rows, targets, times_sooner, waterfalls
from vivavoce.bench.speed_page import read_report, speed_page, speed_tables, write_report
from vivavoce.bench.speed_svg import speed_svg
from vivavoce.errors import InvalidValue

REPO = Path(__file__).resolve().parents[2]


def trial(
    number: int = 0, length_s: int = 2, first_sound_s: float = 1.0, condition: Condition | None = None, dry_s: float = 0
) -> Trial:
    condition = condition or Condition("served", "cached", "alloy")
    return Trial(
        question=f"{length_s}-{number}",
        length_s=length_s,
        duration_s=float(length_s),
        way=condition.way,
        prompt=condition.prompt,
        voice=condition.voice,
        heard_s=0.4 * first_sound_s,
        first_text_s=0.7 * first_sound_s,
        first_sound_s=first_sound_s,
        end_s=2 * first_sound_s,
        sound_s=5.0,
        dry=int(dry_s > 0),
        dry_s=dry_s,
        cached_tokens=60,
    )


def report(*trials: Trial, added: tuple[Added, ...] = (), voices: tuple[str, ...] = ("alloy", "fast")) -> SpeedReport:
    return SpeedReport("2026-01-02", "a machine", 2, "viva-voce", {"listen": "whisper:x"}, voices, 0, trials, (), added)


PLAIN = Condition("plain", "cached", "alloy")
FAST = Condition("served", "cached", "fast")
FULL = report(
    *[trial(n, length_s, 0.9 + n / 100 + length_s / 50) for length_s in LENGTHS_S for n in range(60)],
    *[trial(n, length_s, 5.0 + n / 10, PLAIN) for length_s in LENGTHS_S for n in range(20)],
    *[trial(n, 2, 0.6 + n / 100, FAST) for n in range(20)],
    *[trial(n, 2, 1.5, Condition("served", "new", "alloy"), dry_s=0.2) for n in range(6)],
    added=(Added(2, 200, 3.0, 6.5, 4.0), Added(30, 200, 5.0, 12.0, 9.0)),
)


def test_a_p95_is_never_stated_of_few() -> None:
    assert Spread.of([1.0] * 59) == Spread(59, 1.0, None, 1.0)
    assert Spread.of([1.0] * 60) == Spread(60, 1.0, 1.0, 1.0)
    assert Spread.of([]) is None
    page = speed_page(report(*[trial(n, 2, 1 + n / 10) for n in range(5)]))
    assert "| 2 s | cached prompt | 5 | 0.84 | 1.20 | (most 1.40) | 2.40 | (most 2.80) | 0 of 5 |" in page
    assert "| first sound, p95, question of 2 to 5 s | – | 5 | 2.2 s | 1.5 s | not measured |" in page


def test_rows_ratios_and_stages_come_from_the_trials() -> None:
    first, fresh, fast, plain = [row for row in rows(FULL) if row.length_s == 2]
    assert (first.condition.prompt, fresh.condition.prompt, fast.condition.voice) == ("cached", "new", "fast")
    assert plain.condition.way == "plain"
    assert (fresh.dry, fresh.longest_dry_s) == (6, 0.2)
    sooner = times_sooner(FULL, [2])
    assert sooner is not None
    assert sooner.clips == 20, "the questions that both were asked"
    assert sooner.estimate == pytest.approx(5.95 / 1.035)
    assert sooner.low < sooner.estimate < sooner.high
    assert times_sooner(report(trial(), trial(condition=PLAIN)), [2]) is None
    fall = next(fall for fall in waterfalls(FULL) if fall.condition == PLAIN)
    assert [stage.name for stage in fall.stages] == ["hearing", "first words", "first sound", "the rest"]
    assert [stage.start_s for stage in fall.stages[1:]] == [stage.end_s for stage in fall.stages[:-1]]
    untold = report(*[Trial(**{**_fields(trial()), "heard_s": None})])
    assert [stage.name for stage in waterfalls(untold)[0].stages] == ["first words", "first sound", "the rest"]


def _fields(made: Trial) -> dict[str, object]:
    return {name: getattr(made, name) for name in Trial.__dataclass_fields__}


def test_targets_tell_goal_floor_missed_and_not_measured() -> None:
    verdicts = {target.name: target.verdict for target in targets(FULL)}
    assert verdicts["first sound, p50, question of 2 to 5 s"] == "floor"
    assert verdicts["first sound, p95, question of 2 to 5 s"] == "floor"
    assert verdicts["first sound, p95, question of 30 s"] == "goal"
    assert verdicts["first sound, times sooner than plain, question of 2 to 5 s"] == "goal"
    assert verdicts["answers that ran dry while they were played"] == "missed"
    assert verdicts["what the server adds, p95"] == "missed"
    assert {target.verdict for target in targets(report())} == {"not measured"}
    page = speed_page(FULL)
    assert "| what the server adds, p95 | 12 ms | 200 | 10 ms | 10 ms | missed, 2 ms to the floor |" in page
    assert re.search(r"first sound, p50, question of 2 to 5 s . 1\.2\d s .*floor reached, 0\.2\d s to the goal", page)


def test_a_report_survives_its_file_and_makes_a_page(tmp_path: Path) -> None:
    write_report(FULL, tmp_path / "speed.json")
    assert read_report(tmp_path / "speed.json") == FULL
    write_report(report(), tmp_path / "empty.json")
    assert read_report(tmp_path / "empty.json") == report()
    (tmp_path / "other.json").write_text('{"trials": 1}')
    with pytest.raises(InvalidValue, match=r"other\.json is no report"):
        read_report(tmp_path / "other.json")
    page = speed_page(FULL)
    assert "| 30 s | 200 | 5.0 ms | 12.0 ms |" in page
    assert re.search(r"Question of 2 s: .* 5\.7 \(95 % interval", page)
    assert len(speed_tables(FULL).renderables) > 2
    assert "Not measured yet" in speed_page(None)


def test_the_drawing_is_well_formed_and_has_every_curve() -> None:
    drawing = ElementTree.fromstring(speed_svg(FULL))
    curves = [part for part in drawing.iter() if (part.get("class") or "").startswith("curve")]
    assert len(curves) == len(rows(FULL))
    assert ElementTree.fromstring(speed_svg(report())).tag.endswith("svg")
    texts = " ".join(part.text or "" for part in drawing.iter())
    assert "plain" in texts
    assert "question of 30 s" in texts


def test_the_committed_page_is_made_of_the_committed_figures() -> None:
    source = REPO / "docs/speed.json"
    made = read_report(source) if source.is_file() else None
    assert (REPO / "docs/speed.md").read_text(encoding="utf-8") == speed_page(made)
    if made is not None:
        assert (REPO / "docs/speed.svg").read_text(encoding="utf-8") == speed_svg(made)
