"""An upload on its way in: a form whose file is sealed and written while it comes, never whole in memory, never in the
clear on the disk. Knows no route."""

from __future__ import annotations

import asyncio

from fastapi import Request

from vivavoce.errors import PayloadTooLarge
from vivavoce.ledger.blobs import BlobWriter
from vivavoce.server.bodies import validated
from vivavoce.server.forms import TEXT_BYTES, FormReader, Part, boundary_of, fields_of
from vivavoce.server.wire.files import FileUpload

FILE = "file"
NAME_LENGTH = 255
GATHER_BYTES = 1 << 18
"""Of a form before a thread is asked to look at it."""


async def read_upload(request: Request, writer: BlobWriter, most_bytes: int) -> tuple[FileUpload, str]:
    """The fields of the form, and the name of its file, whose bytes are in `writer` then.

    Raises `InvalidRequest` and its kinds, `PayloadTooLarge`, `StorageFailed`, and starlette's `ClientDisconnect`.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes + TEXT_BYTES:
        raise _too_large(most_bytes)
    reader = _UploadReader(boundary_of(request), writer, most_bytes)
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= GATHER_BYTES:
            await asyncio.to_thread(reader.feed, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(reader.feed, bytes(waiting))
    parts = reader.whole()
    name = next((part.filename for part in parts if part.name == FILE and part.filename), FILE)
    return validated(fields_of(parts, FileUpload), FileUpload), _plain_name(name)


def _plain_name(name: str) -> str:
    """Without folders, and without what could pass for something else on a terminal."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:NAME_LENGTH] or FILE


def _too_large(most_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"A file may have {most_bytes} bytes here. Split it, or raise VIVA_MAX_FILE_BYTES on the server.", param=FILE
    )


class _UploadReader(FormReader):
    """Hands the bytes of the file on."""

    def __init__(self, boundary: bytes, writer: BlobWriter, most_bytes: int) -> None:
        super().__init__(boundary)
        self._writer = writer
        self._most_bytes = most_bytes

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._parts[-1].name != FILE:
            super().data(data, start, end)
            return
        if self._writer.size + end - start > self._most_bytes:
            raise _too_large(self._most_bytes)
        self._writer.feed(memoryview(data)[start:end])

    def to_be_short(self, part: Part) -> bool:
        return True
