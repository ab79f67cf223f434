"""Prices in words: by the million tokens or characters, and by the hour where sound is billed by its length."""

from __future__ import annotations

from decimal import Decimal

_SECONDS = Decimal(3600) / 1_000_000

LABELS = {
    "input_text_tokens": "text in",
    "input_audio_tokens": "audio in",
    "input_cached_tokens": "cached text in",
    "output_text_tokens": "text out",
    "output_audio_tokens": "audio out",
    "input_characters": "text in",
    "input_seconds": "audio in",
}
"""Unit of `book.UNITS` -> what it is."""


def per(unit: str) -> str:
    """What a price of `unit` is told for."""
    return {"input_seconds": "hour", "input_characters": "million characters"}.get(unit, "million tokens")


def shown(unit: str, usd_per_million: Decimal) -> Decimal:
    """US dollars for one of `per(unit)`, to a millionth of a dollar, without zeros at its end."""
    usd = usd_per_million * _SECONDS if unit == "input_seconds" else usd_per_million
    return usd.quantize(Decimal("1e-6")).normalize()


def told(unit: str, usd_per_million: Decimal) -> str:
    """`$10 per million tokens`, `$0.24 per hour`."""
    return f"${dollars(shown(unit, usd_per_million))} per {per(unit)}"


def dollars(usd: Decimal) -> str:
    """At least two digits after the point where there are any: 10, 2.50, 0.015."""
    whole = usd == usd.to_integral_value()
    text = f"{usd.normalize():f}"
    return text if whole or len(text.partition(".")[2]) != 1 else f"{text}0"


def usd_told(usd: Decimal) -> str:
    """Three digits that say something: $1.15, $0.0102, $0.000277; of amounts from $100 on all before the point."""
    return f"${usd:,.{max(0, 2 - usd.adjusted())}f}" if usd else "$0"
