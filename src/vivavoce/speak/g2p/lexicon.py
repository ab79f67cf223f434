"""English pronouncing dictionaries: words to phonemes in Kokoro's alphabet, American or British.

The data are those of the `misaki` package (Apache-2.0): a checked "gold" and a larger, machine-made "silver" list per
accent. Only its JSON files are read, its code is never imported: that would pull spaCy and a GPL phonemizer. Knows no
sentence; `english` chooses among the pronunciations of a word.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

from vivavoce.errors import MissingDependency

Accent = Literal["us", "gb"]

Entry = str | Mapping[str, str | None]
"""One pronunciation, or several by part of speech: "DEFAULT" and some of NOUN VERB ADJ ADV VBD VBN DT, and "None" for
a word that ends its phrase. A None value means: spell the letters."""


def package_file(package: str, path: str) -> Path:
    """A data file of an installed package, found without importing it. Raises `MissingDependency`."""
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        found = None
    if found is None or not found.is_file():
        raise MissingDependency(f"The speaker needs data of the package {package}: pip install {package}.")
    return found


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Three layers of dictionary: `own` (our additions) before `gold` before `silver`."""

    own: Mapping[str, str]
    gold: Mapping[str, Entry]
    silver: Mapping[str, Entry]

    def find(self, word: str) -> Entry | None:
        """The entry of `word` as written, else with its first letter's case changed; None when unknown."""
        variants = (word, word[:1].lower() + word[1:], word.capitalize())
        for layer in (self.own, self.gold, self.silver):
            for variant in variants:
                entry = layer.get(variant)
                if entry is not None:
                    return entry
        return None

    def is_common(self, word: str) -> bool:
        """Whether a checked list holds exactly this spelling."""
        return word in self.own or word in self.gold


@cache
def load_lexicon(accent: Accent) -> Lexicon:
    """The dictionaries of one accent, read once (about 0.2 s and 40 MB)."""
    additions = tomllib.loads(files("vivavoce.speak.g2p").joinpath("english_words.toml").read_text(encoding="utf-8"))
    layers: list[Mapping[str, Entry]] = []
    for quality in ("gold", "silver"):
        text = package_file("misaki", f"misaki/data/{accent}_{quality}.json").read_text(encoding="utf-8")
        layers.append(cast(Mapping[str, Entry], json.loads(text)))
    return Lexicon(own=cast(dict[str, str], additions[accent]), gold=layers[0], silver=layers[1])
