"""The regular expressions of JSON schemas (`pattern`, `format`), and ranges of numbers, read for `think.automaton`.

Patterns are read as ECMA 262 has them, without what no automaton can do (looking around, back references). They may
match anywhere in the text, unless anchored. Knows no schema.
"""

from __future__ import annotations

import re

from vivavoce.think.automaton import (
    LAST_CHARACTER,
    Chars,
    Node,
    Ranges,
    chain,
    either,
    literal,
    repeat,
)

MOST_CHARACTERS = 300
MOST_REPEATS = 1000
MOST_GROUPS_DEEP = 16

_DAY = r"((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))"
_DATE = rf"[12]\d{{3}}-{_DAY}"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_HOST = r"([a-z0-9]{1,20}(-[a-z0-9]{1,20})?\.){1,3}[a-z]{2,8}"
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"

FORMATS = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "duration": r"^P(\d{1,4}[YMWD]|(\d{1,3}D)?T(\d{1,3}H(\d{1,2}M)?(\d{1,2}S)?|\d{1,3}M(\d{1,2}S)?|\d{1,3}S))$",
    "email": rf"^[a-z0-9]+([._+-][a-z0-9]+){{0,4}}@{_HOST}$",
    "hostname": f"^{_HOST}$",
    "ipv4": rf"^{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}$",
    "uri": rf"^https?://{_HOST}(/[A-Za-z0-9._~-]+){{0,8}}/?(\?[A-Za-z0-9._~=&-]*)?$",
    "uuid": r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}
"""What answers in a `format` look like: never wrong, though not every right one can be written (no 29 February)."""

_DIGITS: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 13), (32, 32))
_ANY: Ranges = ((0, LAST_CHARACTER),)
_NOT_LINE_END: Ranges = ((0, 9), (11, 12), (14, LAST_CHARACTER))
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "0": 0}
_COUNT = re.compile(r"\{(\d{1,6})(,(\d{0,6}))?\}")
_GROUP_NAME = re.compile(r"\(\?(?:P?<\w{1,60}>|:)")


class PatternError(ValueError):
    """The pattern cannot be read; the message says why."""


def parse(pattern: str) -> Node:
    """Raises `PatternError`."""
    if len(pattern) > MOST_CHARACTERS:
        raise PatternError(f"it is longer than {MOST_CHARACTERS} characters")
    reader = _Reader(pattern)
    node = reader.alternatives(deep=0)
    if reader.here < len(pattern):
        raise PatternError("it has a ')' too many")
    return node


def _inverse(ranges: Ranges) -> Ranges:
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if low > start:
            gaps.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST_CHARACTER:
        gaps.append((start, LAST_CHARACTER))
    return tuple(gaps)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.here = 0

    def _at(self, mark: str) -> bool:
        return self.text.startswith(mark, self.here)

    def _next(self) -> str:
        if self.here >= len(self.text):
            raise PatternError("it ends too early")
        self.here += 1
        return self.text[self.here - 1]

    def alternatives(self, deep: int) -> Node:
        if deep > MOST_GROUPS_DEEP:
            raise PatternError(f"its groups are more than {MOST_GROUPS_DEEP} deep")
        options = [self._sequence(deep)]
        while self._at("|"):
            self.here += 1
            options.append(self._sequence(deep))
        return either(options)

    def _sequence(self, deep: int) -> Node:
        anything = repeat(Chars(_ANY), 0, None)
        parts: list[Node] = []
        if deep == 0 and self._at("^"):
            self.here += 1
        elif deep == 0:
            parts.append(anything)
        while self.here < len(self.text) and self.text[self.here] not in "|)":
            if deep == 0 and self._at("$") and self.text[self.here + 1 : self.here + 2] in ("", "|"):
                self.here += 1
                return chain(parts)
            parts.append(self._repeated(self._atom(deep)))
        return chain([*parts, anything] if deep == 0 else parts)

    def _repeated(self, part: Node) -> Node:
        if self.here >= len(self.text):
            return part
        mark = self.text[self.here]
        counts = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(mark)
        if counts is not None:
            self.here += 1
        elif found := _COUNT.match(self.text, self.here):
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else None
            if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
                raise PatternError(f"'{found[0]}' counts to more than {MOST_REPEATS}, or backwards")
            counts, self.here = (least, most), found.end()
        else:
            return part
        if self._at("?"):
            self.here += 1  # lazy or not, the same texts match
        return repeat(part, *counts)

    def _atom(self, deep: int) -> Node:
        if self._at("(?"):
            if not (found := _GROUP_NAME.match(self.text, self.here)):
                raise PatternError("it looks around, or sets flags")
            self.here = found.end()
            return self._group(deep)
        mark = self._next()
        if mark == "(":
            return self._group(deep)
        if mark == "[":
            return Chars(self._class())
        if mark == ".":
            return Chars(_NOT_LINE_END)
        if mark == "\\":
            return Chars(self._escape())
        if mark in "^$*+?":
            raise PatternError(f"'{mark}' stands where it means nothing, or in the middle")
        return literal(mark)

    def _group(self, deep: int) -> Node:
        inside = self.alternatives(deep + 1)
        if self._next() != ")":  # pragma: no cover - alternatives end at ')' or at the end
            raise PatternError("a group is not closed")
        return inside

    def _escape(self) -> Ranges:
        mark = self._next()
        if mark in _CLASSES:
            return _CLASSES[mark]
        if mark.lower() in _CLASSES:
            return _inverse(_CLASSES[mark.lower()])
        if mark in _CONTROLS:
            return ((_CONTROLS[mark], _CONTROLS[mark]),)
        if mark in "xu":
            length = 2 if mark == "x" else 4
            digits = self.text[self.here : self.here + length]
            if not re.fullmatch(f"[0-9a-fA-F]{{{length}}}", digits):
                raise PatternError(f"'\\{mark}' needs its digits")
            self.here += len(digits)
            return ((int(digits, 16), int(digits, 16)),)
        if mark.isalnum():
            raise PatternError(f"'\\{mark}' is not supported")
        return ((ord(mark), ord(mark)),)

    def _class(self) -> Ranges:
        inverted = self._at("^")
        self.here += inverted
        ranges: list[tuple[int, int]] = []
        while not self._at("]"):
            low = self._class_item()
            single = len(low) == 1 and low[0][0] == low[0][1]
            if single and self._at("-") and not self._at("-]"):
                self.here += 1
                high = self._class_item()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise PatternError("a range in brackets runs backwards")
                ranges.append((low[0][0], high[0][0]))
            else:
                ranges.extend(low)
        self.here += 1
        return _inverse(tuple(ranges)) if inverted else tuple(ranges)

    def _class_item(self) -> Ranges:
        mark = self._next()
        if mark == "\\":
            if self._at("b"):
                self.here += 1
                return ((8, 8),)
            return self._escape()
        return ((ord(mark), ord(mark)),)


def whole_numbers(low: int, high: int) -> Node:
    """The integers from `low` to `high`, without leading zeros."""
    options: list[Node] = []
    if low < 0:
        options.append(chain((literal("-"), _span(max(1, -high), -low))))
    if high >= 0:
        options.append(_span(max(0, low), high))
    return either(options)


def decimal_numbers(low: int, high: int, *, above: bool, below: bool) -> Node:
    """Numbers from `low` to `high` with up to six decimals; `above` and `below` leave the bounds themselves out."""
    options: list[Node] = []
    if low < 0:
        negative = _decimals(max(0, -high), -low, above=below and high <= 0, below=above)
        options.append(chain((literal("-"), negative)))
    if high > 0 or (high == 0 and not below):
        options.append(_decimals(max(0, low), high, above=above and low >= 0, below=below))
    return either(options)


def _decimals(low: int, high: int, *, above: bool, below: bool) -> Node:
    digit = Chars(_DIGITS)
    fraction = chain((literal("."), repeat(digit, 1, 6)))
    first = low + 1 if above else low
    options: list[Node] = []
    if first <= high - 1:
        options.append(chain((_span(first, high - 1), repeat(fraction, 0, 1))))
    if above and low < high:
        options.append(chain((_span(low, low), literal("."), repeat(digit, 0, 5), Chars(((49, 57),)))))
    if not below and first <= high:
        options.append(chain((_span(high, high), repeat(literal(".0"), 0, 1))))
    return either(options)


def _span(low: int, high: int) -> Node:
    """The integers from `low` to `high`, both at least 0."""
    shortest, longest = len(str(low)), len(str(high))
    if shortest == longest:
        return _digits(str(low), str(high))
    options = [_digits(str(low), "9" * shortest)]
    if high == 10**longest - 1:
        longest += 1
    else:
        options.append(_digits(f"1{'0' * (longest - 1)}", str(high)))
    if longest - shortest > 1:
        options.append(chain((Chars(((49, 57),)), repeat(Chars(_DIGITS), shortest, longest - 2))))
    return either(options)


def _digits(low: str, high: str) -> Node:
    """The numbers from `low` to `high`, of the same length."""
    if not low:
        return chain(())
    if low[0] == high[0]:
        return chain((literal(low[0]), _digits(low[1:], high[1:])))
    rest = len(low) - 1
    options = [
        chain((literal(low[0]), _digits(low[1:], "9" * rest))),
        chain((literal(high[0]), _digits("0" * rest, high[1:]))),
    ]
    if ord(high[0]) - ord(low[0]) > 1:
        options.append(chain((Chars(((ord(low[0]) + 1, ord(high[0]) - 1),)), repeat(Chars(_DIGITS), rest, rest))))
    return either(options)
