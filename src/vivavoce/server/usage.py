"""`GET /v1/usage`: what was used, by day, key and model. A key sees its own, an admin's key that of all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request

from vivavoce.errors import InvalidValue
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import BY, By
from vivavoce.server.callers import current
from vivavoce.server.openapi import answered_by
from vivavoce.server.service import Service
from vivavoce.server.wire.usage import UsageList

ROUTER = APIRouter()


@ROUTER.get("/v1/usage", responses=answered_by(UsageList))
async def get_usage(
    request: Request,
    since: Annotated[str | None, Query(description="First day, YYYY-MM-DD in UTC; the first of this month.")] = None,
    until: Annotated[str | None, Query(description="Last day, YYYY-MM-DD in UTC; today.")] = None,
    by: Annotated[str, Query(description="What to tell apart: day, key and model, joined by commas.")] = ",".join(BY),
) -> dict[str, Any]:
    """Sums of what was used, the oldest day first."""
    service: Service = request.app.state.service
    today = datetime.now(UTC).date()
    first, last = _day(since, "since") or today.replace(day=1), _day(until, "until") or today
    apart = _apart(by)
    key = current().key
    only = None if key is None or key.admin else key.id
    await service.accounts.flush()
    return {
        "object": "list",
        "since": first.isoformat(),
        "until": last.isoformat(),
        "data": await asyncio.to_thread(_sums, service.ledger, first, last, apart, only),
    }


def _sums(ledger: Ledger, since: date, until: date, by: Sequence[By], key_id: str | None) -> list[dict[str, Any]]:
    names = {key.id: key.name for key in ledger.keys.list()}
    return [each.told(names) for each in ledger.usage.sums(since=since, until=until, by=by, key_id=key_id)]


def _day(text: str | None, param: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(f"Invalid '{param}': a day is written YYYY-MM-DD.", param=param) from None


def _apart(by: str) -> Sequence[By]:
    names = [name.strip() for name in by.split(",") if name.strip()]
    if unknown := [name for name in names if name not in BY]:
        raise InvalidValue(
            f"Invalid value: '{unknown[0]}'. Supported values are: {', '.join(BY)}, joined by commas.", param="by"
        )
    return cast("list[By]", names)
