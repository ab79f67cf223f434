"""Which web pages may call this server from a browser: those of this machine, unless more are named.

Without keys, a server that answered every page would let any site that somebody visits use it. Knows no route.
"""

from __future__ import annotations

from typing import Any

LOCAL = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
"""Pages served by this machine itself, at any port."""

EXPOSED = (
    "x-request-id",
    "openai-processing-ms",
    "openai-version",
    "server-timing",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
)
"""Headers that scripts of such a page may read."""


def cors_policy(origins: str) -> dict[str, Any]:
    """Arguments of Starlette's CORS middleware. origins: "local", "*", or several joined by commas."""
    named = [origin.strip().rstrip("/") for origin in origins.split(",") if origin.strip()]
    return {
        "allow_origins": [origin for origin in named if origin != "local"],
        "allow_origin_regex": LOCAL if "local" in named else None,
        "allow_methods": ("GET", "POST", "DELETE"),
        "allow_headers": ("*",),
        "expose_headers": EXPOSED,
        "max_age": 86_400,
    }
