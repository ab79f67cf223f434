"""Bytes that lie inside JSON as text: base64 of any kind, or a `data:` URI. Knows no sound.

Read as generously as browsers do (WHATWG, forgiving-base64): both alphabets, with or without padding, with line ends
in it. What is no base64 at all is refused rather than guessed at.
"""

from __future__ import annotations

import binascii
from urllib.parse import unquote_to_bytes

import pybase64

from vivavoce.errors import InvalidValue

_URL_SAFE = str.maketrans("-_", "+/")


def read_inline(text: str, param: str) -> bytes:
    """The bytes of `text`, maybe none. Raises `InvalidValue` with the field's path `param`."""
    try:
        return _read(text.strip())
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(
            f"Invalid '{param}': this is not valid base64. Send the bytes of the recording, base64-encoded.",
            param=param,
        ) from error


def _read(text: str) -> bytes:
    if text[:5].lower() != "data:":
        return _from_base64(text)
    head, comma, body = text.partition(",")
    if not comma:
        raise ValueError("a data: URI without a comma")
    if not head.rstrip().lower().endswith(";base64"):
        return unquote_to_bytes(body)
    return _from_base64(unquote_to_bytes(body).decode("ascii") if "%" in body else body)


def _from_base64(text: str) -> bytes:
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return _from_odd_base64(text)


def _from_odd_base64(text: str) -> bytes:
    packed = "".join(text.split()).translate(_URL_SAFE)
    bare = packed.rstrip("=")
    if len(packed) - len(bare) > 2:
        raise ValueError("more padding than base64 has")
    return pybase64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
