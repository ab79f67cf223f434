"""What of a recording was heard so far, on disk: a transcription that was killed goes on where it stopped.

One line of JSON for the recording and the way it is heard, then one for each chunk, forced to the disk before the next
is begun. A line that was cut off is not there. Readable by its owner only; gone when the transcription is written.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from vivavoce.audio import Samples
from vivavoce.errors import StorageFailed
from vivavoce.listen.base import Segment
from vivavoce.listen.speakers.base import VoiceTrace, VoiceWindow

_SEGMENTS = TypeAdapter(tuple[Segment, ...])


@dataclass(slots=True)
class HeardSoFar:
    """`end`: samples of the recording that are done with."""

    end: int = 0
    segments: list[Segment] = field(default_factory=list[Segment])
    windows: list[VoiceWindow] = field(default_factory=list[VoiceWindow])


class Journal:
    """path None: nothing is kept. title: what the lines are of; a journal of anything else is begun anew."""

    def __init__(self, path: Path | None, title: dict[str, Any]) -> None:
        self._path = path
        self._title = json.dumps(title, sort_keys=True)

    def read(self) -> HeardSoFar:
        """Everything that was noted and is whole. What follows a broken line is cut off."""
        so_far = HeardSoFar()
        if self._path is None or not self._path.is_file():
            return so_far
        lines = self._path.read_bytes().splitlines(keepends=True)
        if not lines or lines[0] != self._title.encode() + b"\n":
            self.remove()
            return so_far
        whole = len(lines[0])
        for line in lines[1:]:
            try:
                row: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
                segments = _SEGMENTS.validate_python(row["segments"])
                windows = [_window(each) for each in row["windows"]]
                so_far.end = int(row["end"])
            except (ValueError, KeyError, TypeError, ValidationError):
                break
            so_far.segments += segments
            so_far.windows += windows
            whole += len(line)
        os.truncate(self._path, whole)
        return so_far

    def note(self, end: int, segments: Sequence[Segment], windows: Sequence[VoiceWindow]) -> None:
        """One chunk more. Raises `StorageFailed`."""
        if self._path is None:
            return
        row = {"end": end, "segments": _SEGMENTS.dump_python(tuple(segments)), "windows": list(map(_row, windows))}
        text = json.dumps(row) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not self._path.exists()
            if fresh:
                self._path.touch(mode=0o600)
            with self._path.open("a", encoding="utf-8") as file:
                file.write((self._title + "\n" if fresh else "") + text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageFailed(f"Cannot note what was heard in {self._path}: {error.strerror}.") from error

    def remove(self) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _row(window: VoiceWindow) -> list[Any]:
    traces = [[trace.voice, trace.first, trace.end, trace.alone_s, _text(trace.embedding)] for trace in window.traces]
    return [window.first_frame, traces, _text(window.spoken), _text(window.overlapped)]


def _window(row: list[Any]) -> VoiceWindow:
    first_frame, traces, spoken, overlapped = row
    return VoiceWindow(
        first_frame,
        tuple(VoiceTrace(voice, first, end, alone_s, _numbers(text)) for voice, first, end, alone_s, text in traces),
        _numbers(spoken),
        _numbers(overlapped),
    )


def _text(numbers: Samples) -> str:
    return base64.b64encode(numbers.tobytes()).decode()


def _numbers(text: str) -> Samples:
    return np.frombuffer(base64.b64decode(text), np.float32)
