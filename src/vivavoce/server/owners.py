"""Whose request this is. Replies and what was heard belong to the key that a request came with.

Where no key is asked for, whoever sends the same one is the same owner, and all who send none are one.
"""

from __future__ import annotations

from fastapi import Request

from vivavoce.server.callers import current


def owner_of(_: Request) -> bytes:
    """The ledger's name for the sender of this request, which does not give the key away."""
    return current().owner
