"""A GGUF model on disk: the model's file and, where it hears, the projector's beside it.

Knows no catalogue and does not look into the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vivavoce.errors import ModelNotInstalled

_PROJECTOR_MARK = "mmproj"
"""llama.cpp's word for a projector; every publisher has it in the file's name."""


@dataclass(frozen=True, slots=True)
class GgufFiles:
    """`projector` turns sound into what the model reads; None for a model that reads only."""

    model: Path
    projector: Path | None = None


def is_path(model: str) -> bool:
    """Whether `model` names a place on disk rather than an entry of the catalogue."""
    return "/" in model or model.startswith(("~", ".")) or model.endswith(".gguf")


def find_gguf(place: Path) -> GgufFiles:
    """What to load from `place` (`~` is the home): a file is that model alone; a folder its one model and projector.

    Raises `ModelNotInstalled` where nothing, or more than one of a kind, is there.
    """
    place = place.expanduser()
    if place.is_file():
        return GgufFiles(place)
    files = sorted(place.glob("*.gguf")) if place.is_dir() else []
    projectors = [file for file in files if _PROJECTOR_MARK in file.name.lower()]
    models = [file for file in files if file not in projectors]
    if not models:
        raise ModelNotInstalled(f"No GGUF model at {place}; name a .gguf file, or a folder that holds one.")
    for kind, several in (("models", models), ("projectors", projectors)):
        if len(several) > 1:
            names = ", ".join(file.name for file in several)
            raise ModelNotInstalled(f"{place} holds several {kind} ({names}); keep one of them there.")
    return GgufFiles(models[0], projectors[0] if projectors else None)
