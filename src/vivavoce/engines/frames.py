"""Domain objects as bytes: what the HTTP side and the engine process say to each other.

A frame is a 4-byte big-endian length and a msgpack array `[call id, kind, value]`. Only the dataclasses, arrays and
errors named here cross; nothing is ever unpickled. Knows no engine.
"""

from __future__ import annotations

import asyncio
import dataclasses
import struct
from collections.abc import Iterable
from typing import Any, Literal, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from vivavoce.audio import Audio
from vivavoce.conversation import AudioPart, JsonForm, Message, Sampling, TextPart, Tool, ToolCall, Tools
from vivavoce.errors import ServerFault, VivaError, all_errors
from vivavoce.listen.base import Chunking, ListenOptions, Segment, TokenHeard, Word
from vivavoce.listen.manner import Prosody, Tone, Voicing
from vivavoce.listen.speakers.base import VoiceTrace, VoiceWindow
from vivavoce.speak.base import Voice
from vivavoce.think.base import CallDelta, TextDelta, ThoughtEnd, TokenLogprob
from vivavoce.tickets import Quota, Rate, Room

Kind = Literal["call", "cancel", "item", "done", "error"]
Frame = tuple[int, Kind, Any]

MAX_FRAME_BYTES = 1 << 31

READ_AHEAD_BYTES = 1 << 22
"""Taken from a socket ahead of its reader: with asyncio's own 64 kB, half a minute of sound takes twice as long."""

_DATACLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        Audio,
        AudioPart,
        CallDelta,
        Chunking,
        JsonForm,
        ListenOptions,
        Message,
        Prosody,
        Quota,
        Rate,
        Room,
        Sampling,
        Segment,
        TextDelta,
        TextPart,
        ThoughtEnd,
        TokenHeard,
        TokenLogprob,
        Tone,
        Tool,
        ToolCall,
        Tools,
        Voice,
        VoiceTrace,
        VoiceWindow,
        Voicing,
        Word,
    )
}
_FIELDS = {name: tuple(f.name for f in dataclasses.fields(cls)) for name, cls in _DATACLASSES.items()}
_ERRORS = all_errors()

_DATACLASS, _ARRAY, _ERROR, _TUPLE = 1, 2, 3, 4

_msgpack: Any = msgpack
"""The library carries no types; this name is the one untyped spot."""


def _default(value: object) -> object:
    if isinstance(value, np.generic):
        return cast("object", value.item())
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray[Any, np.dtype[np.float32]]", value)
        return _msgpack.ExtType(_ARRAY, np.ascontiguousarray(array, "<f4").tobytes())
    if isinstance(value, tuple):
        return _msgpack.ExtType(_TUPLE, pack(list(cast("Iterable[object]", value))))
    if isinstance(value, VivaError):
        return _msgpack.ExtType(_ERROR, pack([type(value).__name__, vars(value)]))
    name = type(value).__name__
    if _DATACLASSES.get(name) is not type(value):
        raise TypeError(f"{name} does not cross the process boundary")
    return _msgpack.ExtType(_DATACLASS, pack([name, [getattr(value, field) for field in _FIELDS[name]]]))


def _ext_hook(code: int, data: bytes) -> object:
    if code == _ARRAY:
        return np.frombuffer(data, "<f4")
    if code == _TUPLE:
        return tuple(unpack(data))
    if code == _ERROR:
        name, fields = unpack(data)
        error = VivaError.__new__(_ERRORS.get(name, ServerFault), fields["message"])
        vars(error).update(fields)
        return error
    name, values = unpack(data)
    return _DATACLASSES[name](*values)


def pack(value: object) -> bytes:
    return cast("bytes", _msgpack.packb(value, default=_default, strict_types=True))


def unpack(data: bytes) -> Any:
    return _msgpack.unpackb(data, ext_hook=_ext_hook, strict_map_key=False)


def encode(frame: Frame) -> bytes:
    body = pack(list(frame))
    return struct.pack(">I", len(body)) + body


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame, or None when the other side has gone."""
    try:
        (length,) = struct.unpack(">I", await reader.readexactly(4))
        if length > MAX_FRAME_BYTES:
            return None
        call_id, kind, value = unpack(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return call_id, kind, value
