"""Whose request this is. Replies and what was heard belong to the key that a request came with.

Keys are not checked yet: whoever sends the same key is the same owner, and all who send none are one.
"""

from __future__ import annotations

from fastapi import Request

from vivavoce.server.service import Service


def owner_of(request: Request) -> bytes:
    """The ledger's name for the sender of `request`, which does not give the key away."""
    service: Service = request.app.state.service
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return service.ledger.owner(token.strip() if scheme.lower() == "bearer" else "")
