"""`/v1/files`: the input and the output of batches, and recordings that their lines name. No flow: the ledger holds
them."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from vivavoce.errors import InvalidRequest, NotFound
from vivavoce.ledger.files import Files, KeptFile
from vivavoce.server.disconnect import CLIENT_CLOSED_REQUEST
from vivavoce.server.openapi import ERRORS, answered_by, form_of
from vivavoce.server.owners import owner_of
from vivavoce.server.paging import oldest_first, read_limit
from vivavoce.server.service import Service
from vivavoce.server.uploads import read_upload
from vivavoce.server.wire.files import DeletedFile, FileList, FileObject, FileUpload, file_object
from vivavoce.server.wire.listing import list_object

ROUTER = APIRouter()

BYTES_TYPE = "application/octet-stream"
BYTES: dict[str, Any] = {BYTES_TYPE: {"schema": {"type": "string", "format": "binary"}}}
MOST_LISTED = 10_000


@ROUTER.post("/v1/files", openapi_extra=form_of(FileUpload), responses=answered_by(FileObject))
async def upload_file(request: Request) -> Response:
    """Keep a file for its owner, until it expires."""
    service: Service = request.app.state.service
    files, limits, owner = service.ledger.files, service.limits, owner_of(request)
    await _check_room(files, owner, limits.all_files_bytes)
    file_id = files.new_id()
    writer = await asyncio.to_thread(files.writer, owner, file_id)
    try:
        upload, name = await read_upload(request, writer, limits.file_bytes)
        await _check_room(files, owner, limits.all_files_bytes - writer.size)
        await asyncio.to_thread(writer.finish)
    except ClientDisconnect:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        writer.discard()
    ttl_s = upload.expires_after.seconds if upload.expires_after is not None else limits.file_ttl_s
    kept = await asyncio.to_thread(files.keep, owner, file_id, name, upload.purpose, writer.size, ttl_s)
    return JSONResponse(file_object(kept))


@ROUTER.get("/v1/files", responses=answered_by(FileList))
async def list_files(
    request: Request,
    after: Annotated[str | None, Query(description="The id of the file that the page comes after.")] = None,
    limit: Annotated[str | None, Query(description="How many: 1 to 10,000, the default.")] = None,
    order: Annotated[str | None, Query(description="`asc`, or `desc`, the default: the newest first.")] = None,
    purpose: Annotated[str | None, Query(description="Those of this purpose only.")] = None,
) -> dict[str, Any]:
    service: Service = request.app.state.service
    page = await asyncio.to_thread(
        service.ledger.files.list,
        owner_of(request),
        after=after,
        limit=read_limit(limit, default=MOST_LISTED, most=MOST_LISTED),
        oldest_first=oldest_first(order),
        purpose=purpose,
    )
    return list_object([file_object(kept) for kept in page.found], more=page.more)


@ROUTER.get("/v1/files/{file_id}", responses=answered_by(FileObject))
async def get_file(file_id: str, request: Request) -> dict[str, Any]:
    return file_object(await _found(request.app.state.service, owner_of(request), file_id))


@ROUTER.get(
    "/v1/files/{file_id}/content",
    response_class=Response,
    responses={200: {"description": "The bytes of the file.", "content": BYTES}, **ERRORS},
)
async def get_file_content(file_id: str, request: Request) -> Response:
    service, owner = request.app.state.service, owner_of(request)
    kept = await _found(service, owner, file_id)
    pieces = service.ledger.files.read(owner, file_id)
    first = await asyncio.to_thread(next, pieces)  # what is damaged still gets a status
    headers = {"content-length": str(kept.bytes), "cache-control": "private, no-store"}
    return StreamingResponse(chain((first,), pieces), media_type=BYTES_TYPE, headers=headers)


@ROUTER.delete("/v1/files/{file_id}", responses=answered_by(DeletedFile))
async def delete_file(file_id: str, request: Request) -> dict[str, Any]:
    """Forget a file at once."""
    files: Files = request.app.state.service.ledger.files
    if not await asyncio.to_thread(files.forget, owner_of(request), file_id):
        raise _not_found(file_id)
    return {"id": file_id, "object": "file", "deleted": True}


async def _found(service: Service, owner: bytes, file_id: str) -> KeptFile:
    """Raises `NotFound`."""
    kept = await asyncio.to_thread(service.ledger.files.find, owner, file_id)
    if kept is None:
        raise _not_found(file_id)
    return kept


async def _check_room(files: Files, owner: bytes, most_bytes: int) -> None:
    if await asyncio.to_thread(files.held_bytes, owner) >= most_bytes:
        raise InvalidRequest(
            "Your files together hold all that one key may keep here (VIVA_MAX_FILES_BYTES). Delete some.",
            param="file",
            code="storage_full",
        )


def _not_found(file_id: str) -> NotFound:
    """The same words for unknown, expired and somebody else's: none of them is told apart."""
    return NotFound(
        f"No such File object: {file_id[:100]}. Files expire, and are found only with the key that made them.",
        param="id",
        code="file_not_found",
    )
