"""Usage: a row per request, exact sums by day, key and model, forgotten after its time."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from ledger_folder import Clock

from vivavoce.errors import StorageFailed
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import By, UsageRow
from vivavoce.usage import Usage

NUMBERS = itertools.count()


def row(day: str, key_id: str | None = None, model: str = "gpt-audio", **more: object) -> UsageRow:
    at = int(datetime.fromisoformat(day).replace(hour=23, tzinfo=UTC).timestamp())
    fields = {"usage": Usage(1, 20, 1, 300, 4000), "price_usd": Decimal("0.0000005"), "total_ms": 5} | more
    return UsageRow(f"req_{next(NUMBERS)}", at, key_id, "/v1/chat/completions", model, 200, None, **fields)


ROWS = [
    row("2026-10-31", "key_a"),
    row("2026-11-01", "key_a", heard_ms=1500, machine_ms=2000, cost_usd=Decimal("0.01")),
    row("2026-11-01", "key_a"),
    row("2026-11-01", "key_b", price_usd=None),
    row("2026-11-30", "key_a", "tts-1", input_characters=7, spoken_ms=200),
    row("2026-12-01", None),
]


def ledger_with_rows(folder: Path) -> Ledger:
    ledger = Ledger(folder)
    ledger.usage.add(ROWS)
    return ledger


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            ("day", "key", "model"),
            [
                ("2026-10-31", "key_a", "gpt-audio", 1),
                ("2026-11-01", "key_a", "gpt-audio", 2),
                ("2026-11-01", "key_b", "gpt-audio", 1),
                ("2026-11-30", "key_a", "tts-1", 1),
                ("2026-12-01", None, "gpt-audio", 1),
            ],
        ),
        (
            ("day",),
            [
                ("2026-10-31", None, None, 1),
                ("2026-11-01", None, None, 3),
                ("2026-11-30", None, None, 1),
                ("2026-12-01", None, None, 1),
            ],
        ),
        (("model",), [(None, None, "gpt-audio", 5), (None, None, "tts-1", 1)]),
        ((), [(None, None, None, 6)]),
    ],
)
def test_sums_are_told_apart_as_asked(tmp_path: Path, by: tuple[By, ...], expected: list[tuple[object, ...]]) -> None:
    ledger = ledger_with_rows(tmp_path)
    sums = ledger.usage.sums(by=by)
    assert [(each.day, each.key_id, each.model, each.requests) for each in sums] == expected
    ledger.close()


def test_what_is_not_known_is_not_taken_for_nothing(tmp_path: Path) -> None:
    ledger = ledger_with_rows(tmp_path)
    (all_of_it,) = ledger.usage.sums(by=())
    assert all_of_it.usage == Usage(6, 120, 6, 1800, 24_000)
    assert (all_of_it.price_usd, all_of_it.unpriced) == (Decimal("0.0000025"), 1)
    assert (all_of_it.cost_usd, all_of_it.uncosted) == (Decimal("0.01"), 5)
    assert (all_of_it.heard_s, all_of_it.spoken_s, all_of_it.machine_s) == (1.5, 0.2, 2.0)
    assert all_of_it.input_characters == 7
    (unpriced,) = ledger.usage.sums(by=(), key_id="key_b")
    assert (unpriced.price_usd, unpriced.unpriced, unpriced.told({"key_b": "bert"})["price_usd"]) == (None, 1, None)
    ledger.close()


def test_money_is_exact(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.usage.add([row("2026-11-01", price_usd=Decimal("0.1")) for _ in range(1000)])
    (total,) = ledger.usage.sums(by=())
    assert total.price_usd == 100
    ledger.close()


@pytest.mark.parametrize(
    ("month", "spent"),
    [
        (date(2026, 10, 5), (4321, Decimal("0.0000005"))),
        (date(2026, 11, 30), (3 * 4321, Decimal("0.0000015"))),
        (date(2026, 12, 1), (0, Decimal(0))),
        (date(2027, 2, 28), (0, Decimal(0))),
    ],
)
def test_a_month_is_that_of_the_calendar(tmp_path: Path, month: date, spent: tuple[int, Decimal]) -> None:
    ledger = ledger_with_rows(tmp_path)
    assert ledger.usage.spent("key_a", month) == spent
    ledger.close()


def test_all_rows_or_none(tmp_path: Path) -> None:
    ledger = ledger_with_rows(tmp_path)
    with pytest.raises(StorageFailed):
        ledger.usage.add([row("2026-11-02"), ROWS[0]])
    assert sum(each.requests for each in ledger.usage.sums()) == len(ROWS)
    ledger.close()


def test_days_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    clock.now_s = datetime(2026, 12, 2, tzinfo=UTC).timestamp()
    ledger = Ledger(tmp_path, usage_days=31, clock=clock)
    ledger.usage.add(ROWS)
    ledger.collect_garbage()
    assert [each.day for each in ledger.usage.sums(by=("day",))] == ["2026-11-01", "2026-11-30", "2026-12-01"]
    ledger.close()
