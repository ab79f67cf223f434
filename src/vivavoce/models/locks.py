"""One lock per model, so that two processes never write the same folder. Knows nothing of weights."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from vivavoce.errors import TooBusy


@contextmanager
def locked(path: Path, *, while_waiting: Callable[[], None] | None) -> Generator[None, None, None]:
    """Hold an advisory lock that the kernel gives up when its holder dies, however it dies.

    `while_waiting` is called once if another process holds it, and then we wait; None refuses with `TooBusy` instead.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if while_waiting is None:
                raise TooBusy(
                    f"{path.stem} is being fetched by another process. End that one first, or wait for it."
                ) from None
            while_waiting()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
