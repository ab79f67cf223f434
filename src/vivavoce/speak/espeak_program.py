"""Where the program espeak-ng is, and what to do where it is not.

espeak-ng is GPL-3: it is run as a separate program over pipes, never linked or loaded into our process. Knows no text.
"""

from __future__ import annotations

import shutil

from vivavoce.errors import MissingDependency

PROGRAM = "espeak-ng"
CURE = f"install the program {PROGRAM} (Debian and Ubuntu: `apt install espeak-ng`, macOS: `brew install espeak-ng`)"


def has_espeak() -> bool:
    return shutil.which(PROGRAM) is not None


def espeak_path() -> str:
    """Path of the program. Raises `MissingDependency` that says how to install it."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise MissingDependency(f"Speaking this language needs a program that is not here: {CURE}.")
    return program
