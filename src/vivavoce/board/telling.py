"""Figures, money, times and days as people read them. What is not known is a dash or a word, never a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from vivavoce.exam.metrics import Figure

NONE = "–"
MINUS = "−"
UNKNOWN = "unknown"

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)


def usd(amount: Decimal | None, missing: str = UNKNOWN) -> str:
    """To the cent from a dollar on, and to two digits that count below: $0.0013 is not nothing."""
    if amount is None:
        return missing
    if amount == 0:
        return "$0"
    if abs(amount) >= 1:
        return f"${amount:,.2f}"
    digits = 1 - amount.adjusted()
    rounded = amount.quantize(Decimal(1).scaleb(-max(2, digits)), rounding=ROUND_HALF_UP)
    return f"${rounded:f}"


def seconds(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def day(when: date | datetime | None) -> str:
    """`7 May 2026`."""
    return UNKNOWN if when is None else f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def month(name: str) -> str:
    """`2026-11` as `November 2026`; whatever else it is, as it is."""
    year, _, number = name.partition("-")
    if year.isdigit() and number.isdigit() and 1 <= int(number) <= 12:
        return f"{MONTHS[int(number) - 1]} {year}"
    return name


def estimate(figure: Figure) -> str:
    if figure.estimate is None:
        return NONE
    told = f"{figure.estimate:.1f} %" if figure.unit == "%" else f"{figure.estimate:.2f} {figure.unit}"
    return told.replace("-", MINUS)


def interval(figure: Figure) -> str:
    """`64.1 to 77.9`, or empty of too few items."""
    if figure.low is None or figure.high is None:
        return ""
    digits = 1 if figure.unit == "%" else 2
    return f"{figure.low:.{digits}f} to {figure.high:.{digits}f}".replace("-", MINUS)


def rounded(figure: Figure) -> tuple[float | None, float | None, float | None]:
    """Estimate, low and high as figures are told: more digits than intervals bear would be noise in a drawing too."""
    digits = 1 if figure.unit == "%" else 2

    def told(value: float | None) -> float | None:
        return None if value is None else round(value, digits)

    return told(figure.estimate), told(figure.low), told(figure.high)


def n(figure: Figure) -> str:
    unscored = f", {figure.unscored} unscored" if figure.unscored else ""
    return f"n = {figure.n}{unscored}"


def share(part: int, whole: int) -> str:
    return NONE if not whole else f"{100 * part / whole:.1f} %"


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def tokens(count: int | None, missing: str = UNKNOWN) -> str:
    return missing if count is None else f"{count:,} tokens"


TELLING: Mapping[str, Callable[..., Any]] = {
    function.__name__: function for function in (usd, seconds, day, month, estimate, interval, n, share, plural, tokens)
}
"""For templates, by name."""
