"""Batches of a server, by the official client: ordered, followed to their end, fetched. Knows no terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from openai import APIConnectionError, APIError, APIStatusError, InternalServerError, OpenAI
from openai.types import Batch

from vivavoce.errors import AuthenticationFailed, InvalidRequest, InvalidValue, NotFound, UpstreamFailed

ENDED = ("completed", "failed", "expired", "cancelled")
PATIENCE_S = 600.0
POLL_S = 1.0


@contextmanager
def told_plainly(client: OpenAI) -> Generator[None, None, None]:
    """Errors of the official client as ours, with the server's words."""
    try:
        yield
    except APIConnectionError as error:
        raise UpstreamFailed(
            f"No server answers at {client.base_url}. Is it running, and is --base-url right?"
        ) from error
    except APIStatusError as error:
        kinds = {401: AuthenticationFailed, 404: NotFound}
        kind = kinds.get(error.status_code, InvalidRequest if error.status_code < 500 else UpstreamFailed)
        raise kind(_words(error)) from error
    except APIError as error:
        raise UpstreamFailed(error.message) from error


def _words(error: APIStatusError) -> str:
    body: Any = error.body
    return str((isinstance(body, dict) and cast("dict[str, Any]", body).get("message")) or error.message)


def connected(base_url: str, api_key: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key=api_key or "none", timeout=PATIENCE_S)


def endpoint_of(file: Path) -> str:
    """What the first request of `file` asks for. Raises `InvalidValue` where there is none that can be read."""
    try:
        with file.open("rb") as lines:
            first = next((line for line in lines if line.strip()), b"")
        return str(json.loads(first)["url"])
    except OSError as error:
        raise InvalidValue(f"{file} cannot be read: {error.strerror}.", param="file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidValue(
            f"{file} does not begin with a request: one JSON object a line, with custom_id, method, url and body.",
            param="file",
        ) from error


def ordered(client: OpenAI, file: Path, endpoint: str) -> Batch:
    """Upload `file` and have its lines answered."""
    with told_plainly(client):
        uploaded = client.files.create(file=file, purpose="batch")
        return client.batches.create(
            input_file_id=uploaded.id,
            endpoint=cast("Any", endpoint),
            completion_window="24h",
            metadata={"file": file.name[:512]},
        )


def followed(client: OpenAI, batch_id: str) -> Iterator[Batch | None]:
    """The batch as it is, every `POLL_S` until it has ended; None while the server is away, for it may come back."""
    while True:
        try:
            batch = client.batches.retrieve(batch_id)
        except (APIConnectionError, InternalServerError):
            yield None
        except APIError:
            with told_plainly(client):
                raise
        else:
            yield batch
            if batch.status in ENDED:
                return
        time.sleep(POLL_S)


def fetched(client: OpenAI, file_id: str, out: Path) -> int:
    """Write a file of the server to `out`, whole or not at all. Returns how many lines it has."""
    part = out.with_name(f"{out.name}.part")
    lines = 0
    try:
        with (
            told_plainly(client),
            client.files.with_streaming_response.content(file_id) as content,
            part.open("wb") as sink,
        ):
            for piece in content.iter_bytes():
                sink.write(piece)
                lines += piece.count(b"\n")
        part.replace(out)
    except OSError as error:
        raise InvalidValue(f"{out} cannot be written: {error.strerror}.", param="out") from error
    finally:
        part.unlink(missing_ok=True)
    return lines
