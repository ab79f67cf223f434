"""Numbers as English words, one function per way of reading them.

Knows what numbers are called, not where in a text they stand. Words come from num2words; the commas that it puts
between thousands are taken out, since a voice would pause at them.
"""

from __future__ import annotations

from num2words import num2words  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

_LONGEST_NUMBER = 15
"""Longer ones are identifiers: nobody says a sextillion."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def cardinal(value: int) -> str:
    return str(num2words(value)).replace(",", "")


def ordinal(value: int) -> str:
    return str(num2words(value, to="ordinal")).replace(",", "")


def digits(text: str) -> str:
    """Digit by digit; everything that is no digit is silent."""
    return " ".join(_DIGITS[int(c)] for c in text if c in "0123456789")


def number(text: str) -> str:
    """`1,234.5`, `007`, `.5`: a number as written, without a sign."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if not whole:
        spoken = "zero" if not point else ""
    elif len(whole) > _LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        spoken = digits(whole)
    else:
        spoken = cardinal(int(whole))
    return f"{spoken} point {digits(fraction)}".strip() if fraction else spoken


def year(value: int) -> str:
    """1999 is "nineteen ninety-nine", 1905 "nineteen oh five", 2005 "two thousand and five"."""
    century, rest = divmod(value, 100)
    if not 1000 <= value <= 2999 or (value % 1000 < 10):
        return cardinal(value)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def decade(value: int) -> str:
    """1990 (or 90) is "nineteen nineties" (or "nineties")."""
    century, rest = divmod(value, 100)
    if rest == 0:
        return f"{cardinal(value) if value % 1000 == 0 else year(value)}s"
    tens = cardinal(rest)
    plural = tens[:-1] + "ies" if tens.endswith("y") else tens + "s"
    return f"{cardinal(century)} {plural}" if century else plural


_PARTS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def fraction(above: int, below: int) -> str:
    """3/4 is "three quarters"; with a large number below, "three over sixteen"."""
    if not 2 <= below <= 10:
        return f"{cardinal(above)} over {cardinal(below)}"
    one, many = _PARTS.get(below, (ordinal(below), ordinal(below) + "s"))
    return f"{cardinal(above)} {one if above == 1 else many}"


def clock(hour: int, minute: int) -> str:
    """14:30 is "fourteen thirty", 9:05 "nine oh five", 3:00 "three o'clock", 14:00 "fourteen hundred"."""
    if minute == 0:
        if hour == 0:
            return "midnight"
        return f"{cardinal(hour)} o'clock" if hour <= 12 else f"{cardinal(hour)} hundred"
    head = "zero" if hour == 0 else cardinal(hour)
    return f"{head} {'oh ' if minute < 10 else ''}{cardinal(minute)}"


def date(day: int, month: int, in_year: int | None = None) -> str:
    """ "May first, twenty twenty-four"."""
    spoken = f"{MONTHS[month - 1]} {ordinal(day)}"
    return spoken if in_year is None else f"{spoken}, {year(in_year)}"
