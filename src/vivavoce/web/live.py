"""The live test: speak to a model in the browser. What the page is told is here; all the rest is its scripts'."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from vivavoce.errors import InvalidValue
from vivavoce.prices.book import PriceBook
from vivavoce.web.page import Asked, Page
from vivavoce.web.sources import Sources

ORIGINAL = "gpt-4o-mini-audio-preview"
"""Whose price is shown for names that have none."""

VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable", "nova"),
    *("onyx", "sage", "shimmer", "verse", "marin", "cedar"),
)
"""The names that every such endpoint knows; one that lists its own is asked for them."""


def live_pages(sources: Sources) -> Sequence[Page]:
    def data(asked: Asked) -> Mapping[str, Any]:
        endpoint = asked.query.get("endpoint", "").strip()
        return {
            "endpoint": endpoint,
            "elsewhere": _origin(endpoint) if endpoint else "",
            "prices": json.dumps(rates_today(sources.book), separators=(",", ":")),
            "original": ORIGINAL,
            "voices": VOICES,
        }

    def connects(asked: Asked) -> tuple[str, ...]:
        endpoint = asked.query.get("endpoint", "").strip()
        return (_origin(endpoint),) if endpoint else ()

    return [Page("live", "/live", "live.html", data, nav="Live test", needs_server=True, connects=connects)]


def _origin(url: str) -> str:
    """Scheme, host and port of an endpoint, fit for a content-security policy. Raises `InvalidValue`."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except (ValueError, UnicodeError):
        host, port, parts = "", None, urlsplit("")
    is_host = re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host)
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not is_host:
        raise InvalidValue(
            "An endpoint is a base URL such as https://api.example.com/v1: http or https, and the name of a host or "
            "its IPv4 address.",
            param="endpoint",
        )
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def rates_today(book: PriceBook) -> dict[str, dict[str, str]]:
    """Model -> unit -> US dollars per million, in force today, as decimal text."""
    today = datetime.now(UTC).date()
    models = dict.fromkeys(row.model for row in book.rows)
    return {
        model: {unit: str(row.usd_per_million) for unit, row in rates.items()}
        for model in models
        if (rates := book.rates(model, today))
    }
