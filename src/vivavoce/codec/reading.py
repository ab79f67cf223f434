"""Recordings of any length from files and pipes: decoded block by block, in little memory.

For recordings of one's own, on this machine: `decode` is for what strangers send. Nothing but the file itself is
opened, as there. Synchronous. Knows no HTTP.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import av.error

from vivavoce.audio import Samples
from vivavoce.codec.decode import SUPPORTED, UnreadableError, about_track, sound_blocks
from vivavoce.codec.sniff import Container, HostileFileError, refuse_hostile_mp4, sniff
from vivavoce.errors import UnsupportedFormat

HEAD_BYTES = 1 << 20
"""Read ahead of a pipe, to tell what it holds."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a recording before it is decoded. duration_s: None where nobody says."""

    name: str
    duration_s: float | None
    channels: int


class FileSource:
    """A recording in a file. Raises `UnsupportedFormat` where it is none that can be decoded, and `OSError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file, _readable(path.name):
            if not path.stat().st_size:
                raise UnsupportedFormat(f"{path.name} is empty.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                data = cast("bytes", mapped)  # it is read by slices and offsets, as bytes are
                self._container = _known(sniff(data), path.name)
                if self._container.demuxer.startswith("mov"):
                    refuse_hostile_mp4(data)
            self.about = Recording(path.name, *about_track(_from(file, self._container), self._container.demuxer))

    def blocks(self, channel: int | None = None) -> Generator[Samples, None, None]:
        """Mono at 16 kHz, a second or so at a time: one channel, or the mean of all. Raises `UnsupportedFormat`."""
        with self.path.open("rb") as file, _readable(self.path.name):
            yield from sound_blocks(_from(file, self._container), self._container.demuxer, channel=channel)


class PipeSource:
    """A recording from a pipe, which can be read once. Raises `UnsupportedFormat`."""

    def __init__(self, pipe: BinaryIO, name: str = "standard input") -> None:
        head = pipe.read(HEAD_BYTES)
        if not head:
            raise UnsupportedFormat(f"{name} is empty.")
        self._container = _known(sniff(head), name)
        self._file = _Pipe(head[self._container.offset :], pipe)
        self.about = Recording(name, None, 1)

    def blocks(self, channel: int | None = None) -> Generator[Samples, None, None]:
        """As of `FileSource`, once. An MP4 must have its index in front."""
        with _readable(self.about.name):
            yield from sound_blocks(cast("BinaryIO", self._file), self._container.demuxer, channel=channel)


Source = FileSource | PipeSource


class _Pipe:
    """Bytes that were read ahead, then the rest. Has no `seek`, which tells the decoder not to try."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        return self._head.read(size) or self._rest.read(size)


class _Later(io.RawIOBase):
    """A file as seen from some way into it."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        self._offset = offset
        file.seek(offset)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset + (self._offset if whence == io.SEEK_SET else 0), whence) - self._offset

    def tell(self) -> int:
        return self._file.tell() - self._offset


def _from(file: BinaryIO, container: Container) -> BinaryIO:
    return cast("BinaryIO", _Later(file, container.offset))


def _known(container: Container | None, name: str) -> Container:
    if container is None:
        raise UnsupportedFormat(f"{name} is no audio format that can be decoded. Supported: {SUPPORTED}.")
    return container


@contextmanager
def _readable(name: str) -> Generator[None]:
    """Inside, what the decoder complains of becomes `UnsupportedFormat`."""
    try:
        yield
    except HostileFileError as error:
        raise UnsupportedFormat(f"{name} is refused: {error}.") from error
    except (av.error.FFmpegError, UnreadableError, ValueError) as error:
        raise UnsupportedFormat(f"{name} cannot be decoded ({str(error).rstrip('.')}).") from error
