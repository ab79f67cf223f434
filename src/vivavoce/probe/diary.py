"""The diary on disk: JSON Lines by month of writing, only ever appended to, by any number of processes at once.

A line that a kill or a full disk cut off stays as it is and is counted as damaged; what comes after it begins on a line
of its own. Reading again parses only what was added since. Knows rows, and nothing of what they mean.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from vivavoce.errors import InvalidValue, StorageFailed
from vivavoce.probe.rows import End, Gap, Key, NewerRow, Probe, Row, Watch, from_line, to_line


@dataclass(slots=True)
class Series:
    """All rows of one target and model, in the order in which they were written."""

    probes: list[Probe] = field(default_factory=list[Probe])
    gaps: list[Gap] = field(default_factory=list[Gap])
    notices: list[Watch | End] = field(default_factory=list[Watch | End])

    def add(self, row: Row) -> None:
        if isinstance(row, Probe):
            self.probes.append(row)
        elif isinstance(row, Gap):
            self.gaps.append(row)
        else:
            self.notices.append(row)

    @property
    def watch(self) -> Watch | None:
        """How it was asked last."""
        return next((each for each in reversed(self.notices) if isinstance(each, Watch)), None)


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read. damaged: lines that are none; newer: lines that a later version wrote. Neither is counted."""

    series: dict[Key, Series] = field(default_factory=dict[Key, Series])
    damaged: int = 0
    newer: int = 0

    def of(self, key: Key) -> Series:
        """Those of one target and model; none where nothing is known of it."""
        return self.series.get(key, Series())


class Diary:
    """The diary in `folder`, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Path, _Month] = {}
        self._lock = threading.Lock()

    def add(self, rows: Sequence[Row], at: float) -> None:
        """Append `rows`, written `at` this moment, and see them onto the disk. Blocks. Raises `StorageFailed`."""
        path = self.folder / f"{month_of(at)}.jsonl"
        data = "".join(to_line(row) for row in rows).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = os.fstat(file.fileno()).st_size
                torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
                whole = b"\n" + data if torn else data
                while whole:
                    whole = whole[file.write(whole) :]
                os.fsync(file.fileno())
        except OSError as fault:
            raise StorageFailed(f"The diary {path} cannot be written: {fault.strerror}.") from fault

    def read(self, since: float) -> Rows:
        """The rows of the months from `since` on, and of the last one before, which tells what was being watched then.

        Raises `StorageFailed`. Safe from several threads.
        """
        with self._lock:
            return self._rows(since)

    def _rows(self, since: float) -> Rows:
        try:
            paths = sorted(self.folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"))
            first = month_of(since)
            before = [path for path in paths if path.stem < first][-1:]
            wanted = before + [path for path in paths if path.stem >= first]
            months = [self._read.setdefault(path, _Month(path)) for path in wanted]
            for month in months:
                month.refresh()
        except OSError as fault:
            raise StorageFailed(f"The diary in {self.folder} cannot be read: {fault.strerror}.") from fault
        series: dict[Key, Series] = {}
        for month in months:
            for key, part in month.series.items():
                whole = series.setdefault(key, Series())
                whole.probes += part.probes
                whole.gaps += part.gaps
                whole.notices += part.notices
        return Rows(series, sum(month.damaged for month in months), sum(month.newer for month in months))

    @contextmanager
    def alone(self, target: str) -> Generator[None]:
        """The only process that asks `target`; the kernel lets go when it dies. Raises `InvalidValue` where another one
        does, or `StorageFailed`."""
        path = self.folder / f".{hashlib.sha256(target.encode()).hexdigest()[:16]}.lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as fault:
            raise StorageFailed(f"The diary in {self.folder} cannot be written: {fault.strerror}.") from fault
        with os.fdopen(handle, "wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InvalidValue(
                    f"Another `viva probe run` asks {target} already. Stop that one, or give this one another --name."
                ) from None
            yield


class _Month:
    """One file, and how far it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start_anew()

    def _start_anew(self) -> None:
        self._end = 0
        self.series: dict[Key, Series] = {}
        self.damaged = self.newer = 0

    def refresh(self) -> None:
        """Parse the lines that were added since. A last line without its end may still be under way."""
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._end:
                self._start_anew()  # somebody put another file in its place
            file.seek(self._end)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._end += end
        for line in data[:end].split(b"\n"):
            if line.strip():
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            row = from_line(line)
        except NewerRow:
            self.newer += 1
        except ValueError:
            self.damaged += 1
        else:
            self.series.setdefault(row.key, Series()).add(row)


def month_of(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m}"
