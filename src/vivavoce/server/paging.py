"""What a request for a list asks for: how many, and in which order. Knows no list."""

from __future__ import annotations

from vivavoce.errors import InvalidValue


def read_limit(text: str | None, *, default: int, most: int) -> int:
    """Raises `InvalidValue`."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most and len(text) < 10):
        raise InvalidValue(f"Invalid 'limit': it must be a whole number from 1 to {most}.", param="limit")
    return int(text)


def oldest_first(order: str | None) -> bool:
    """Of `asc` or `desc`, the default. Raises `InvalidValue`."""
    if order not in (None, "asc", "desc"):
        raise InvalidValue(f"Invalid value: '{order[:60]}'. Supported values are: 'asc' and 'desc'.", param="order")
    return order == "asc"
