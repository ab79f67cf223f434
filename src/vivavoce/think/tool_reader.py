"""An answer in the form of `tool_prompt`, read while it is written: words, and pieces of calls.

What was read is told at once, but for what could still become something else: the name of what is called, half an
escape, the end. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from vivavoce.think.base import CallDelta, TextDelta, TokenLogprob

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_State = Literal["name", "open", "words", "json", "arguments", "done"]


class ToolReader:
    """answer_name: what the function that talks is called. json_answer: its argument is JSON that is to be told as it
    stands, rather than a text in quotes."""

    def __init__(self, answer_name: str, *, json_answer: bool = False) -> None:
        self._answer_name = answer_name
        self._json_answer = json_answer
        self._state: _State = "name"
        self._name = ""
        self._calls = 0
        self._escaped = False
        self._quoted = False
        self._deep = 0
        self._held = ""
        self._steps: dict[_State, Callable[[str], str]] = {
            "name": self._in_name,
            "open": self._opened,
            "words": self._in_words,
            "json": self._in_json,
            "arguments": self._in_arguments,
            "done": lambda character: "",
        }

    def feed(self, piece: str, logprobs: tuple[TokenLogprob, ...] = ()) -> Iterator[TextDelta | CallDelta]:
        """What `piece` tells. Log probabilities go with words alone, and are of tokens as the model wrote them."""
        said, arguments = "", ""
        for character in piece:
            state = self._state
            told = self._steps[state](character)
            if state in ("words", "json"):
                said += told
            elif state == "arguments":
                arguments += told
            if state == "name" and self._state == "arguments":
                yield CallDelta(self._calls - 1, name=self._name)
            elif state == "arguments" and self._state != "arguments":
                yield CallDelta(self._calls - 1, arguments)
                arguments = ""
        if arguments:
            yield CallDelta(self._calls - 1, arguments)
        if said:
            yield TextDelta(said, logprobs)

    @property
    def cut(self) -> bool:
        """Whether an answer that ends here was broken off in a call."""
        return self._state == "arguments" or (self._state == "name" and bool(self._name))

    def _in_name(self, character: str) -> str:
        if character != "(":
            self._name += character if character not in "\n)" else ""
            return ""
        if self._name == self._answer_name:
            self._state = "json" if self._json_answer else "open"
        else:
            self._state, self._deep = "arguments", 0
            self._calls += 1
        return ""

    def _opened(self, character: str) -> str:
        self._state = "words"
        return ""

    def _in_words(self, character: str) -> str:
        if self._escaped:
            self._escaped = False
            return _ESCAPES.get(character, character)
        if character == "\\":
            self._escaped = True
        elif character == '"':
            self._state = "done"
        else:
            return character
        return ""

    def _in_json(self, character: str) -> str:
        """The last bracket closes the call; until another character comes, each may be the last."""
        told, self._held = (self._held, character) if character == ")" else (self._held + character, "")
        return told

    def _in_arguments(self, character: str) -> str:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._quoted = not self._quoted
        elif not self._quoted and character in "{[":
            self._deep += 1
        elif not self._quoted and character in "}]":
            self._deep -= 1
            if not self._deep:
                self._state, self._name = "name", ""
        return character
