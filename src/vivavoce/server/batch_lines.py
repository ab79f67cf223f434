"""What the lines of a batch mean: found in its input, read, checked, and answered by what answers their route.

Knows neither the ledger's batches nor who runs them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import Response

from vivavoce.errors import InvalidRequest, InvalidValue, MissingParameter, ModelNotFound
from vivavoce.ledger.batches import Issue
from vivavoce.server import chat, transcriptions
from vivavoce.server.bodies import read_object, validated
from vivavoce.server.inline_audio import read_inline
from vivavoce.server.models import ALIASES, HEARING_NAMES, check_model
from vivavoce.server.service import Service
from vivavoce.server.wire.chat_request import ChatRequest
from vivavoce.server.wire.transcription_request import TranscriptionRequest

CHAT = "/v1/chat/completions"
NAMES = {CHAT: ALIASES, "/v1/audio/transcriptions": HEARING_NAMES}
"""Endpoint -> the models that answer there."""

MOST_LINES = 50_000
MOST_ISSUES = 100
"""That are told of one input; who mends those finds the next."""

LONGEST_ID = 512


@dataclass(frozen=True, slots=True)
class Line:
    custom_id: str
    body: dict[str, Any]


@dataclass(slots=True)
class Checked:
    """An input that was read to its end. `models`: the names in it; without `issues`, `total` lines can be answered."""

    total: int = 0
    models: set[str] = field(default_factory=set[str])
    issues: list[Issue] = field(default_factory=list[Issue])


class _LineError(Exception):
    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def numbered(pieces: Iterable[bytes], most_bytes: int = sys.maxsize) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1; of one that is longer than `most_bytes`, a bit
    more than that."""
    number, rest = 1, b""
    too_long = False
    for piece in pieces:
        *whole, last = piece.split(b"\n")
        for end in whole:
            if line := rest if too_long else _bare(rest + end):
                yield number, line
            number, rest, too_long = number + 1, b"", False
        if not too_long:
            rest += last
            too_long = len(rest) > most_bytes
    if line := rest if too_long else _bare(rest):
        yield number, line


def _bare(line: bytes) -> bytes:
    """Without the space around it, and without the mark that some editors put at the beginning of a file."""
    return line.removeprefix(BOM_UTF8).strip()


def read_line(data: bytes) -> Line:
    """A line that was found to be good."""
    line: dict[str, Any] = read_object(data)
    return Line(line["custom_id"], line["body"])


def check(pieces: Iterable[bytes], endpoint: str, most_bytes: int) -> Checked:
    """Read an input. Blocking."""
    checked, known = Checked(), set[str]()
    for number, data in numbered(pieces, most_bytes):
        checked.total += 1
        if checked.total > MOST_LINES:
            message = f"The batch has more requests than the limit of {MOST_LINES}. Split it into several."
            checked.issues = [Issue("too_many_tasks", message)]
            break
        try:
            checked.models.add(_check_line(data, endpoint, most_bytes, known))
        except _LineError as error:
            checked.issues.append(Issue(error.code, str(error), error.param, number))
            if len(checked.issues) == MOST_ISSUES:
                break
    if not checked.total:
        checked.issues = [Issue("empty_file", "The input file has no requests.")]
    return checked


def _check_line(data: bytes, endpoint: str, most_bytes: int, known: set[str]) -> str:
    """The model of a line. Raises `_LineError`."""
    if len(data) > most_bytes:
        raise _LineError("line_too_long", f"This line is longer than {most_bytes} bytes (VIVA_MAX_BODY_BYTES).")
    try:
        line = read_object(data)
    except InvalidRequest:
        raise _LineError("invalid_json_line", "This line is not parseable as a JSON object.") from None
    custom_id = _wanted(line, "custom_id", str)
    if not 1 <= len(custom_id) <= LONGEST_ID:
        raise _LineError("invalid_value", f"'custom_id' must have 1 to {LONGEST_ID} characters.", "custom_id")
    if custom_id in known:
        raise _LineError(
            "duplicate_custom_id",
            "The custom_id of this request is that of an earlier one. It must be unique within a batch.",
            "custom_id",
        )
    known.add(custom_id)
    if _wanted(line, "method", str) != "POST":
        raise _LineError("invalid_method", "The method of every request must be 'POST'.", "method")
    if _wanted(line, "url", str) != endpoint:
        raise _LineError("url_mismatch", f"The URL of this request is not the batch's endpoint, '{endpoint}'.", "url")
    body: dict[str, object] = _wanted(line, "body", dict)
    model = _wanted(body, "model", str, "body.")
    try:
        check_model(model, NAMES[endpoint])
    except ModelNotFound as error:
        raise _LineError("model_not_found", error.message, "body.model") from None
    return model


def _wanted(line: dict[str, Any], name: str, kind: type[Any], path: str = "") -> Any:
    param = path + name
    if line.get(name) is None:
        raise _LineError("missing_required_parameter", f"Missing required parameter: '{param}'.", param)
    if not isinstance(line[name], kind):
        wanted = "an object" if kind is dict else "a string"
        raise _LineError("invalid_type", f"Invalid '{param}': it must be {wanted}.", param)
    return line[name]


async def answered(endpoint: str, body: dict[str, Any], service: Service, owner: bytes) -> Response:
    """What the route of `endpoint` would answer, made when nobody else waits. Raises what the route would tell."""
    if body.get("stream"):
        raise InvalidValue(
            "Invalid 'stream': a batch has no streams. Leave it out.", param="stream", code="unsupported_value"
        )
    if endpoint == CHAT:
        request = await asyncio.to_thread(validated, body, ChatRequest)
        return await chat.whole(*await chat.prepared(request, service, owner, background=True))
    form = await asyncio.to_thread(_form, body, service, owner)
    return await transcriptions.transcribed(form, await transcriptions.prepared(form, service, owner, background=True))


def body_of(response: Response) -> bytes:
    """The body of an answer as JSON: what is text (subtitles) as a string."""
    data = bytes(response.body)
    return data if response.media_type == "application/json" else json.dumps(data.decode(), ensure_ascii=False).encode()


def _form(body: dict[str, Any], service: Service, owner: bytes) -> TranscriptionRequest:
    """The form of a transcription in JSON: its recording is `file`, in base64, or `file_id`, an uploaded file."""
    fields = {name: value for name, value in body.items() if name not in ("file", "file_id")}
    given, file_id = body.get("file"), body.get("file_id")
    if (given is None) == (file_id is None):
        raise MissingParameter("A recording is wanted: either 'file', in base64, or 'file_id'.", param="file")
    fields["file"] = _uploaded(file_id, service, owner) if given is None else _inline(given)
    return validated(fields, TranscriptionRequest)


def _inline(given: object) -> bytes:
    """base64, a `data:` URI, or either as `input_audio` has it: {"data", "format"}. The format is a label only."""
    data, param = given, "file"
    if isinstance(given, dict):
        data, param = cast("dict[str, object]", given).get("data"), "file.data"
    if not isinstance(data, str):
        raise InvalidRequest(f"Invalid '{param}': it must be a string in base64.", param=param, code="invalid_type")
    return read_inline(data, param)


def _uploaded(file_id: object, service: Service, owner: bytes) -> bytes:
    if not isinstance(file_id, str):
        raise InvalidRequest("Invalid 'file_id': it must be a string.", param="file_id", code="invalid_type")
    if service.ledger.files.find(owner, file_id) is None:
        raise InvalidValue(
            f"Invalid 'file_id': there is no file '{file_id[:100]}' of yours.", param="file_id", code="file_not_found"
        )
    return b"".join(service.ledger.files.read(owner, file_id))
