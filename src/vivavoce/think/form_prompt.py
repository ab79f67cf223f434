"""The form of a JSON answer, told to the model: the grammar holds it to the form, but does not tell what that means.

It stands before anything the caller says, so that a form that was seen before is found in the prompt cache. Knows no
engine and no grammar.
"""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.conversation import JsonForm, Message
from vivavoce.think.schema_types import members_of, type_of

_INSTRUCTION = "Answer with JSON of this form:"

MOST_CHARACTERS = 1200
"""Of the members that are shown; every token of them costs time before the first answer. All are held to."""


def with_form(conversation: Sequence[Message], form: JsonForm | None) -> list[Message]:
    """`conversation` with the form before it, where there is one."""
    if form is None or form.schema is None:
        return list(conversation)
    return [Message.of("system", form_text(form)), *conversation]


def form_text(form: JsonForm) -> str:
    """The members of an object a line each, with what is said of them; any other form as a type."""
    schema = form.schema or {}
    members = members_of(schema)
    if not members:
        return f"{_INSTRUCTION} {type_of(schema)[:MOST_CHARACTERS]}"
    lines: list[str] = []
    room = MOST_CHARACTERS
    for each in members:
        line = f'  "{each.name}": {each.type}{f"  # {each.description}" if each.description else ""}'
        room -= len(line)
        if room < 0:
            lines.append("  ...")
            break
        lines.append(line)
    return "\n".join([_INSTRUCTION, "{", *lines, "}"])
