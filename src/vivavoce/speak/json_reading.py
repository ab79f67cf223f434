"""A JSON answer as somebody would read it out: `{"total_price": 12, "paid": true}` is "Total price: 12. Paid: yes."

Read while it is written, so that a long text in it is spoken before its end. Names that say nothing to a listener
(`answer`, `text`) are left out. What is no JSON is read as far as it is any; nothing is raised. Knows no voice.
"""

from __future__ import annotations

import re

UNNAMED = frozenset({"answer", "content", "message", "reply", "response", "speech", "text"})
"""Members whose value speaks for itself."""

_WORDS = {"true": "yes", "false": "no", "null": "none"}
_ESCAPES = {"n": "\n", "t": " ", "r": " ", "b": "", "f": " "}
_END_MARKS = ".!?…。！？:;"


class JsonReading:
    def __init__(self) -> None:
        self._inside: list[str] = []
        """Open containers: `{` or `[`."""
        self._key = ""
        self._is_key = False
        self._named = False
        """Whether a member's name has come, and its value not yet."""
        self._quoted = False
        self._escape: str | None = None
        self._bare = ""
        self._last = ""
        """The last character that was said of the value under way."""
        self._item = False
        """Whether a value was said before in this list."""

    def feed(self, piece: str) -> str:
        """The words that `piece` of JSON adds; often none."""
        return "".join(self._take(character) for character in piece)

    def _take(self, character: str) -> str:
        if self._quoted:
            return self._in_string(character)
        if character == '"':
            self._quoted = True
            self._is_key = self._inside[-1:] == ["{"] and not self._named
            if self._is_key:
                return ""
            return self._opening()
        if character in "{[":
            said = self._name() if self._inside else ""
            self._inside.append(character)
            self._key, self._named, self._item = "", False, False
            return said
        if character in "}],":
            said = self._word()
            self._named = False
            if character != ",":
                in_list = bool(self._inside) and self._inside.pop() == "["
                said += self._stop() if in_list else ""
                self._item = self._inside[-1:] == ["["]
            return said
        if character not in " \n\r\t:":
            self._bare += character
        return ""

    def _in_string(self, character: str) -> str:
        if self._escape is not None:
            self._escape += character
            if self._escape[0] == "u" and len(self._escape) < 5:
                return ""
            said, self._escape = _unescaped(self._escape), None
        elif character == "\\":
            self._escape = ""
            return ""
        elif character == '"':
            self._quoted = False
            self._named = self._is_key
            return "" if self._is_key else self._closing()
        else:
            said = character
        if self._is_key:
            self._key += said
            return ""
        self._last = said or self._last
        return said

    def _word(self) -> str:
        bare, self._bare = self._bare, ""
        if not bare:
            return ""
        opening = self._opening()
        self._last = "0"
        return f"{opening}{_WORDS.get(bare, bare)}{self._closing()}"

    def _opening(self) -> str:
        """What comes before a value: its name, or the comma after the one before it."""
        self._last = ""
        if self._inside[-1:] == ["["]:
            return ", " if self._item else ""
        return self._name()

    def _closing(self) -> str:
        self._key = ""
        if self._inside[-1:] == ["["]:
            self._item = True
            return ""
        return self._stop()

    def _stop(self) -> str:
        last, self._last = self._last, ""
        if not last:
            return ""
        return " " if last in _END_MARKS else ". "

    def _name(self) -> str:
        key, self._key = self._key, ""
        if not key or key.lower() in UNNAMED:
            return ""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\-.]+", " ", key).strip().lower()
        return f"{words[:1].upper()}{words[1:]}: " if words else ""


def _unescaped(escape: str) -> str:
    if escape[0] == "u":
        try:
            code = int(escape[1:], 16)
        except ValueError:
            return ""
        return "" if 0xD800 <= code <= 0xDFFF else chr(code)
    return _ESCAPES.get(escape, escape)
