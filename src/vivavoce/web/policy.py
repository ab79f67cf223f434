"""What a browser lets our pages do: nothing that they do not need. Header names and values, no server.

A page speaks to its own server alone, and to the origins that it was asked to be made for (see `Page.connects`), so
that a key which somebody types into it cannot go anywhere else, whatever runs in it.
"""

from __future__ import annotations

from collections.abc import Sequence


def content_policy(connects: Sequence[str] = ()) -> str:
    """The content-security policy of a page. connects: more origins its scripts may speak to."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "connect-src": " ".join(("'self'", *connects)),
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",  # no text ever becomes markup
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
}
"""Of every answer of ours, pages and files."""
