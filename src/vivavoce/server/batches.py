"""`/v1/batches`: many requests in one file, answered when nobody waits. Takes, tells and cancels them; who runs them is
in `server.batch_runner`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from vivavoce.errors import InvalidRequest, InvalidValue, NotFound
from vivavoce.ledger.batches import Batch, Batches, Order
from vivavoce.server.bodies import read_model
from vivavoce.server.callers import current
from vivavoce.server.openapi import answered_by, body_of
from vivavoce.server.owners import owner_of
from vivavoce.server.paging import read_limit
from vivavoce.server.service import Service
from vivavoce.server.wire.batches import BatchList, BatchObject, BatchRequest, batch_object
from vivavoce.server.wire.listing import list_object

ROUTER = APIRouter()

WINDOW_S = 24 * 3600
MOST_UNENDED = 100
"""Batches of one owner that have not ended."""

LISTED, MOST_LISTED = 20, 100


@ROUTER.post("/v1/batches", openapi_extra=body_of(BatchRequest), responses=answered_by(BatchObject))
async def create_batch(request: Request) -> dict[str, Any]:
    service: Service = request.app.state.service
    body = await read_model(request, BatchRequest, service.limits.body_bytes)
    owner, caller = owner_of(request), current()
    await asyncio.to_thread(_check_input, service, owner, body.input_file_id)
    order = Order(
        body.endpoint,
        body.input_file_id,
        body.completion_window,
        body.metadata,
        body.output_expires_after and body.output_expires_after.seconds,
    )
    batch = await asyncio.to_thread(
        service.ledger.batches.create,
        owner,
        order,
        key_id=caller.key and caller.key.id,
        window_s=WINDOW_S,
        ttl_s=service.limits.file_ttl_s,
    )
    service.batch_made.set()
    return batch_object(batch)


@ROUTER.get("/v1/batches", responses=answered_by(BatchList))
async def list_batches(
    request: Request,
    after: Annotated[str | None, Query(description="The id of the batch that the page comes after.")] = None,
    limit: Annotated[str | None, Query(description="How many: 1 to 100; 20.")] = None,
) -> dict[str, Any]:
    """The newest first."""
    batches: Batches = request.app.state.service.ledger.batches
    most = read_limit(limit, default=LISTED, most=MOST_LISTED)
    page = await asyncio.to_thread(batches.list, owner_of(request), after=after, limit=most)
    return list_object([batch_object(batch) for batch in page.found], more=page.more)


@ROUTER.get("/v1/batches/{batch_id}", responses=answered_by(BatchObject))
async def get_batch(batch_id: str, request: Request) -> dict[str, Any]:
    return batch_object(await _found(request, batch_id))


@ROUTER.post("/v1/batches/{batch_id}/cancel", responses=answered_by(BatchObject))
async def cancel_batch(batch_id: str, request: Request) -> dict[str, Any]:
    """Stop a batch; what was answered until then is in its output."""
    batches: Batches = request.app.state.service.ledger.batches
    await asyncio.to_thread(batches.cancel, owner_of(request), batch_id)
    batch = await _found(request, batch_id)
    if batch.status not in ("cancelling", "cancelled"):
        raise InvalidRequest(
            f"Cannot cancel a batch with status '{batch.status}'.", param="batch_id", code="batch_has_ended"
        )
    return batch_object(batch)


def _check_input(service: Service, owner: bytes, file_id: str) -> None:
    kept = service.ledger.files.find(owner, file_id)
    if kept is None:
        raise InvalidValue(
            f"Invalid 'input_file_id': there is no file '{file_id[:100]}' of yours. Upload it to /v1/files first.",
            param="input_file_id",
            code="file_not_found",
        )
    if kept.purpose != "batch":
        raise InvalidValue(
            f"Invalid 'input_file_id': the purpose of that file is '{kept.purpose}'; it must be 'batch'.",
            param="input_file_id",
        )
    if service.ledger.batches.unended(owner) >= MOST_UNENDED:
        raise InvalidRequest(
            f"You have {MOST_UNENDED} batches that have not ended. Wait for one, or cancel one.",
            code="too_many_batches",
        )


async def _found(request: Request, batch_id: str) -> Batch:
    batches: Batches = request.app.state.service.ledger.batches
    batch = await asyncio.to_thread(batches.find, owner_of(request), batch_id)
    if batch is None:
        raise NotFound(
            f"No batch found with id '{batch_id[:100]}'. Batches are found only with the key that made them.",
            param="id",
            code="batch_not_found",
        )
    return batch
