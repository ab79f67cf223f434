"""What is to be transcribed, and where what was heard goes. Looks at names only; opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vivavoce.errors import InvalidValue
from vivavoce.transcribe.formats import FORMATS

_SOUND = ("wav", "mp3", "flac", "ogg", "oga", "opus", "m4a", "m4b", "aac", "mka", "mpga", "w64")
_FILMS = ("mp4", "mov", "webm", "mkv", "mpeg", "3gp")
ENDINGS = frozenset(f".{ending}" for ending in (*_SOUND, *_FILMS))
"""Files of a folder that are taken; a file that is named is taken whatever its ending."""

PIPE = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """One recording. path None: standard input. `outputs`: by format; None: standard output, of the one format."""

    name: str
    path: Path | None
    outputs: dict[str, Path] | None

    def done(self) -> bool:
        """Whether everything is there, and newer than the recording."""
        if self.outputs is None or self.path is None:
            return False
        made_s = self.path.stat().st_mtime
        return all(out.is_file() and out.stat().st_mtime >= made_s for out in self.outputs.values())


def jobs(inputs: Sequence[str], formats: Sequence[str], out: Path | None) -> list[Job]:
    """One for each file, and for each recording in a folder, whatever lies how deep, in order of name.

    out: a folder, or for a single recording and format a file. Without it a single recording's one format goes to
    standard output, and others beside their recordings. Raises `InvalidValue`.
    """
    found: list[tuple[Path | None, Path]] = []
    for given in inputs:
        path = Path(given)
        if given == PIPE:
            found.append((None, Path("stdin")))
        elif path.is_dir():
            within = sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS and each.is_file())
            if not within:
                raise InvalidValue(f"There is no recording in {path}.", param="inputs")
            found += [(each, each.relative_to(path)) for each in within]
        elif path.is_file():
            found.append((path, Path(path.name)))
        else:
            raise InvalidValue(f"There is no file or folder {path}.", param="inputs")
    alone = len(found) == 1 and len(formats) == 1
    if out is None and alone and not any(map(Path.is_dir, map(Path, inputs))):
        return [Job(found[0][1].stem, found[0][0], None)]
    if out is not None and alone and not out.is_dir() and out.suffix:
        return [Job(found[0][1].stem, found[0][0], {formats[0]: out})]
    made = [_job(path, relative, formats, out) for path, relative in found]
    _refuse_clashes(made)
    return made


def _job(path: Path | None, relative: Path, formats: Sequence[str], out: Path | None) -> Job:
    stem = path.with_suffix("") if path is not None and out is None else (out or Path()) / relative.with_suffix("")
    return Job(relative.stem, path, {fmt: stem.with_name(stem.name + FORMATS[fmt][0]) for fmt in formats})


def _refuse_clashes(made: Sequence[Job]) -> None:
    taken: dict[Path, Job] = {}
    for job in made:
        for place in (job.outputs or {}).values():
            if (other := taken.setdefault(place, job)) is not job:
                raise InvalidValue(
                    f"{other.path} and {job.path} would both be written to {place}. Name them apart, or one at a time.",
                    param="inputs",
                )
