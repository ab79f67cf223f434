"""What is asked in an exam: items with their keys and where they come from, and which of a pool are asked in a month.

Knows no endpoint and makes no sound; `sounds` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from vivavoce.errors import InvalidValue

Mode = Literal["typed", "spoken"]
Origin = Literal["human", "synthetic"]
Surroundings = Literal["clean", "room", "noise"]

Option = TypeVar("Option", bound=str)


@dataclass(frozen=True, slots=True)
class Sound:
    """How an item sounds. One of three: a recording (`file`, `sha256`), a text in a `voice`, or a noise of our own
    (`made`: silence, noise, hum, music or beeps, `duration_s` long, drawn from `seed`).

    surroundings: what is added to a spoken text; snr_db: the voice over the noise, by mean power. whisper: said under
    the noise, `whisper_db` below the voice.
    """

    text: str = ""
    voice: str = ""
    file: str = ""
    sha256: str = ""
    made: str = ""
    duration_s: float = 0.0
    seed: int = 0
    surroundings: Surroundings = "clean"
    snr_db: float | None = None
    whisper: str = ""
    whisper_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask. `key`: what the scorer needs to know what is right (JSON).

    group: the kind that figures are also stated by; facets: more of these (voice, accent, snr_db …). ask: the words as
    they are typed. checked_by: who says that the key is right. Without `sound` it can only be typed.
    """

    id: str
    task: str
    group: str
    language: str
    ask: str
    key: Any
    origin: Origin
    licence: str
    checked_by: str
    sound: Sound | None = None
    facets: Mapping[str, str] = field(default_factory=dict[str, str])

    def to_json(self) -> dict[str, Any]:
        row = asdict(self)
        if self.sound is not None:
            row["sound"] = {
                name: value for name, value in asdict(self.sound).items() if value not in ("", 0, 0.0, None)
            }
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Item:
        """Raises `InvalidValue` where the row is no item of this version."""
        try:
            fields = dict(row)
            if fields.get("sound") is not None:
                fields["sound"] = Sound(**fields["sound"])
            return cls(**fields)
        except TypeError as fault:
            raise InvalidValue(f"This is no item of an exam that this version knows: {fault}") from fault


@dataclass(frozen=True, slots=True)
class Rotation:
    """Which of a pool are asked: those of a month (`2026-11`) and a seed. Runs are of one rotation when both agree."""

    month: str
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.month}/{self.seed}"


def rotate(pool: Sequence[Item], rotation: Rotation, count: int) -> list[Item]:
    """`count` items of `pool` (0: all), groups by turns, so that each is asked about as often.

    The order within a group hangs on a hash of month, seed and id alone: a pool that grows changes little.
    """

    def place(item: Item) -> bytes:
        return hashlib.sha256(f"{rotation.month}/{rotation.seed}/{item.id}".encode()).digest()

    turns: dict[str, int] = {}
    ranked: list[tuple[int, bytes, Item]] = []
    for item in sorted(pool, key=place):
        turn = turns.get(item.group, 0)
        turns[item.group] = turn + 1
        ranked.append((turn, place(item), item))
    ranked.sort(key=lambda each: each[:2])
    return [item for _, _, item in ranked][: count or None]


def pick(options: Sequence[Option], *of: str) -> Option:
    """One of `options`, always the same one for the same words `of`."""
    number = int.from_bytes(hashlib.sha256("/".join(of).encode()).digest()[:8], "big")
    return options[number % len(options)]
