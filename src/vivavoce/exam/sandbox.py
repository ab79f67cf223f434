"""Runs a stranger's Python function in a process that can do nothing but compute, and brings back what it returns.

The child has no environment, an empty folder, little memory, few seconds, and a filter over system calls (seccomp,
Linux) that lets through what an interpreter needs to compute and to read its own library: no socket, no other program,
no file written, no signal sent. It can read what its user can, but nothing of that is kept: of an error only its type.
What is right never enters the process: values go out, and are compared here.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from vivavoce.errors import MissingDependency

WITHIN_S = 20.0
"""By the clock: a busy machine gives a process less than its 5 s of processor time (`sandboxed`)."""

OUTPUT_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """results: one for each call, {"value": …} or {"error": its type}; empty where the program failed, and why."""

    results: Sequence[dict[str, Any]]
    fault: str = ""


def available() -> bool:
    """The filter is known for this system."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def call(code: str, function: str, calls: Sequence[Sequence[Any]]) -> Outcome:
    """Define `code` and call `function` with each list of arguments (JSON). Raises `MissingDependency` where there is
    no such confinement; all that the code does wrong is in the outcome."""
    if not available():
        raise MissingDependency("Programs of a model are run on Linux (x86_64) only, where they can be locked in.")
    child = files("vivavoce.exam").joinpath("sandboxed.py").read_text(encoding="utf-8")
    order = json.dumps({"code": code, "function": function, "calls": list(calls)})
    with tempfile.TemporaryDirectory(prefix="viva-exam-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-B", "-c", child],
                input=order.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={},
                timeout=WITHIN_S,
                start_new_session=True,  # no terminal to write to
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome((), "it took too long")
    try:
        told = json.loads(done.stdout[:OUTPUT_BYTES])
        return Outcome(tuple(told["results"]), str(told["fault"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Outcome((), f"it ended without an answer (status {done.returncode})")
