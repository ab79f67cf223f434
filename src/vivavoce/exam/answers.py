"""Reading an answer: the number, the word or the JSON in it. Pure text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from vivavoce.bench.scoring import normalise

_LAST = re.compile(r".*\banswer\b[^\w−-]*(?:is\b)?", re.IGNORECASE | re.DOTALL)
_FENCE = re.compile(r"```[\w+-]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


def without_thoughts(text: str) -> str:
    """What a model that thinks aloud between tags says after it."""
    return _THOUGHT.sub("", text)


def final_number(text: str) -> float | None:
    """The first number after the last "answer", or else the last of all; words count as numbers ("twelve")."""
    text = without_thoughts(text)
    marked = _LAST.match(text)
    for part, place in (((text[marked.end() :], 0),) if marked else ()) + ((text, -1),):
        numbers = _numbers(part)
        if numbers:
            return numbers[place]
    return None


def final_option(text: str, options: Sequence[str]) -> str | None:
    """The first option named after the last "answer", or else the last one named at all; None: none is."""
    text = without_thoughts(text)
    named = re.compile(r"\b(" + "|".join(re.escape(option) for option in options) + r")\b", re.IGNORECASE)
    marked = _LAST.match(text)
    if marked and (found := named.search(text, marked.end())):
        return _as_given(found[1], options)
    every = named.findall(text)
    return _as_given(every[-1], options) if every else None


def read_json(text: str) -> Any:
    """The JSON value that an answer is, in a fence or bare. Raises `ValueError`."""
    fenced = _FENCE.search(without_thoughts(text))
    return json.loads(fenced[1] if fenced else without_thoughts(text))


def read_code(text: str) -> str:
    """The program in an answer: its longest fenced block, or all of it where nothing is fenced."""
    text = without_thoughts(text)
    blocks: list[str] = _FENCE.findall(text)
    return max(blocks, key=len) if blocks else text


def _numbers(text: str) -> list[float]:
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<!\w)[-−](?=\d)", " minus ", text)  # the normaliser takes signs off
    words = re.sub(r"\bminus (?=\d)", "-", normalise(text, "en"))
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)", words)]


def _as_given(found: str, options: Sequence[str]) -> str:
    return next(option for option in options if option.lower() == found.lower())
