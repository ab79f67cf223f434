"""Tools in a request: what is offered, what is to be called, and calls of earlier answers. Shapes only; their meaning
is given in `server.tools`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MOST_TOOLS = 128

Name = Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,64}$")]
Parameters = dict[str, Any]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Function(_Wire):
    name: Name
    description: str | None = None
    parameters: Parameters | None = None
    strict: bool | None = None


class FunctionTool(_Wire):
    type: Literal["function"]
    function: Function


class LegacyFunction(_Wire):
    name: Name
    description: str | None = None
    parameters: Parameters | None = None


class FunctionName(_Wire):
    name: str


class NamedChoice(_Wire):
    type: Literal["function"]
    function: FunctionName


class AllowedTools(_Wire):
    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedChoice], Field(min_length=1, fail_fast=True)]


class AllowedChoice(_Wire):
    """Which of the tools may be called just now, without a change to the list that the prompt cache knows."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


Mode = Literal["none", "auto", "required"]
LegacyMode = Literal["none", "auto"]
ObjectChoice = Annotated[NamedChoice | AllowedChoice, Field(discriminator="type")]


class Modal(_Wire):
    """A choice that was given as one word."""

    type: Mode


def _one_of(*modes: str) -> Callable[[object], object]:
    """Told apart by hand, so that an error names the field and not one of the forms that it may have."""

    def told_apart(choice: object) -> object:
        if isinstance(choice, str):
            if choice not in modes:
                named = ", ".join(f"'{mode}'" for mode in modes)
                raise ValueError(f"'{choice[:60]}' is none of {named}, nor an object that names a function")
            return {"type": choice}
        if not isinstance(choice, dict):
            raise ValueError("a word or an object is expected")
        return cast("dict[str, object]", choice)

    return told_apart


ToolChoice = Annotated[
    Annotated[Modal | NamedChoice | AllowedChoice, Field(discriminator="type")],
    BeforeValidator(_one_of("none", "auto", "required"), json_schema_input_type=Mode | ObjectChoice),
]


def _legacy(choice: object) -> object:
    told = _one_of("none", "auto")(choice)
    named = cast("dict[str, object]", told)
    return {"type": "function", "function": named} if "type" not in named else named


FunctionChoice = Annotated[
    Annotated[Modal | NamedChoice, Field(discriminator="type")],
    BeforeValidator(_legacy, json_schema_input_type=LegacyMode | FunctionName),
]
"""`function_call` of the time before tools, in the shape of a `tool_choice`."""


class CalledFunction(BaseModel):
    """`arguments`: JSON as the model wrote it, or what a caller made of it."""

    name: Annotated[str, Field(min_length=1)]
    arguments: str


class Call(BaseModel):
    """Clients send back our own calls as they came, some with more members: all are taken."""

    id: Annotated[str, Field(min_length=1)]
    type: Literal["function"]
    function: CalledFunction
