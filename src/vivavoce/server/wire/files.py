"""Files as `/v1/files` takes and tells them. Shapes only; knows no route."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vivavoce.ledger.files import KeptFile
from vivavoce.server.wire.listing import ListAnswer


class ExpiresAfter(BaseModel):
    """From an hour to 30 days after the file was made."""

    model_config = ConfigDict(extra="forbid")

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3600, le=2_592_000)]


class FileUpload(BaseModel):
    """The form of an upload; `file` is written on its way in, and empty here. `batch`: the lines of a batch;
    `user_data`: a recording that such lines name."""

    model_config = ConfigDict(extra="forbid")

    file: bytes
    purpose: Literal["batch", "user_data"]
    expires_after: ExpiresAfter | None = None


class FileObject(BaseModel):
    """Times in Unix seconds. Purpose `batch_output`: made by a batch."""

    model_config = ConfigDict(extra="forbid")

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: Literal["batch", "batch_output", "user_data"]
    status: Literal["processed"]
    status_details: None


class FileList(ListAnswer):
    data: list[FileObject]


class DeletedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    object: Literal["file"]
    deleted: Literal[True]


def file_object(kept: KeptFile) -> dict[str, Any]:
    return {
        "id": kept.id,
        "object": "file",
        "bytes": kept.bytes,
        "created_at": kept.created_at,
        "expires_at": kept.expires_at,
        "filename": kept.filename,
        "purpose": kept.purpose,
        "status": "processed",
        "status_details": None,
    }
