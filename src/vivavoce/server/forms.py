"""Forms with files (`multipart/form-data`, RFC 7578) from strangers: read in memory under limits, validated.

Nothing is spooled to disk, as form readers commonly do: a recording never lies there in the clear. Lists come as
`name[]` (or `name`, or `name[0]`), objects as `name[key]`, as the official clients send them. Each failure is a clear
4xx. Knows no route.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from fastapi import Request
from pydantic import BaseModel
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from vivavoce.errors import InvalidRequest, InvalidValue
from vivavoce.server.bodies import SLOW_BYTES, read_body, validated

Body = TypeVar("Body", bound=BaseModel)

MOST_PARTS = 1_000
TEXT_BYTES = 1 << 20
"""Of all fields together, but for files and for what holds sound."""

SOUND = ("known_speaker_references",)
"""Fields whose text is a recording, inline: as long as the body may be."""

_NAME = re.compile(r"(?P<name>[^\[\]]+)(?P<list>\[\d*\])?(?:\[(?P<key>[^\[\]]+)\])?")


@dataclass(slots=True)
class Part:
    """One part: `filename` None is a plain field."""

    name: str = ""
    filename: str | None = None
    data: bytearray = field(default_factory=bytearray)


async def read_form(request: Request, model: type[Body], most_bytes: int) -> Body:
    """The body as `model`, its `bytes` fields from files. Raises `InvalidRequest` and its kinds, `PayloadTooLarge`."""
    boundary = boundary_of(request)
    data = await read_body(request, most_bytes)
    if len(data) > SLOW_BYTES:
        return await asyncio.to_thread(_parse, data, boundary, model)
    return _parse(data, boundary, model)


def boundary_of(request: Request) -> bytes:
    """What lies between the parts of a form. Raises `InvalidRequest` where the request says that it has none."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequest(
            "This route takes a form with a file: multipart/form-data, with the boundary in the content type.",
            code="invalid_content_type",
        )
    return boundary


def _parse(data: bytes, boundary: bytes, model: type[Body]) -> Body:
    return validated(fields_of(parts_of(data, boundary), model), model)


def parts_of(data: bytes, boundary: bytes) -> list[Part]:
    """The parts of a whole body. Raises `InvalidRequest` where it is malformed, cut off or has too many parts."""
    reader = FormReader(boundary)
    reader.feed(data)
    return reader.whole()


class FormReader:
    """Gathers the parts of a form, which comes as a whole or in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._parts: list[Part] = []
        self._ended = False
        self._text_bytes = 0
        self._header = b""
        self._value = b""
        self._named = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self.begin,
                    "on_part_data": self.data,
                    "on_header_field": self.header_name,
                    "on_header_value": self.header_value,
                    "on_header_end": self.header_end,
                    "on_headers_finished": self.headers_finished,
                    "on_end": self.end,
                },
            )
        except FormParserError as error:
            raise _malformed("check its boundary") from error

    def feed(self, data: bytes) -> None:
        """Raises `InvalidRequest` where it is malformed."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed("check its boundary and its headers") from error

    def whole(self) -> list[Part]:
        """All parts. Raises `InvalidRequest` where the form has not ended."""
        if not self._ended:
            raise _malformed("it ends before its closing boundary")
        return self._parts

    def to_be_short(self, part: Part) -> bool:
        """Whether a part counts among the fields that may hold little together."""
        return part.filename is None and not part.name.startswith(SOUND)

    def begin(self) -> None:
        if len(self._parts) == MOST_PARTS:
            raise InvalidRequest(f"The form has more than {MOST_PARTS} parts.", code="invalid_multipart")
        self._parts.append(Part())
        self._named = False

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value.decode("latin-1"))
            part = self._parts[-1]
            part.name = options.get(b"name", b"").decode("utf-8", "replace")
            self._named = bool(part.name)
            if (filename := options.get(b"filename")) is not None:
                part.filename = filename.decode("utf-8", "replace")
        self._header = self._value = b""

    def headers_finished(self) -> None:
        if not self._named:
            raise _malformed("a part of it has no name")

    def data(self, data: bytes, start: int, end: int) -> None:
        part = self._parts[-1]
        if self.to_be_short(part):
            self._text_bytes += end - start
            if self._text_bytes > TEXT_BYTES:
                raise InvalidValue(
                    f"Invalid '{part.name}': the fields of a form may hold {TEXT_BYTES} bytes together, files aside.",
                    param=part.name,
                    code="string_above_max_length",
                )
        part.data += data[start:end]

    def end(self) -> None:
        self._ended = True


def _malformed(why: str) -> InvalidRequest:
    return InvalidRequest(f"We could not parse the form in your request: {why}.", code="invalid_multipart")


def fields_of(parts: Iterable[Part], model: type[BaseModel]) -> dict[str, object]:
    """The fields as `model` names them: text, lists of texts, objects of texts; bytes where a file is wanted.

    Raises `InvalidValue` for what comes twice or is no text.
    """
    body: dict[str, object] = {}
    lists = {name for name, info in model.model_fields.items() if "list[" in str(info.annotation)}
    files = {name for name, info in model.model_fields.items() if info.annotation is bytes}
    for part in parts:
        found = _NAME.fullmatch(part.name)
        name, key = (found["name"], found["key"]) if found else (part.name, None)
        value = bytes(part.data) if name in files else _text(part)
        if name in lists:
            body[name] = [*cast("list[object]", body.get(name, [])), value]
        elif key is not None:
            known = body.get(name, {})
            if not isinstance(known, dict) or key in known:
                raise _twice(part.name)
            body[name] = {**cast("dict[str, object]", known), key: value}
        elif name in body:
            raise _twice(name)
        else:
            body[name] = value
    return body


def _text(part: Part) -> str:
    try:
        return part.data.decode()
    except UnicodeDecodeError as error:
        raise InvalidValue(f"Invalid '{part.name}': this is not text in UTF-8.", param=part.name) from error


def _twice(name: str) -> InvalidValue:
    return InvalidValue(f"Invalid '{name}': it was sent more than once.", param=name)
