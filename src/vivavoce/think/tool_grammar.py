"""An answer that may call tools as a grammar: words, or calls whose arguments validate, in the form of `tool_prompt`.

Knows no engine; the grammar is in GBNF, llama.cpp's notation.
"""

from __future__ import annotations

import json

from vivavoce.conversation import JsonForm, Tool, Tools
from vivavoce.errors import InvalidValue
from vivavoce.think.automaton import TooComplexError
from vivavoce.think.gbnf import grammar, quoted
from vivavoce.think.json_grammar import json_root
from vivavoce.think.schema_errors import MalformedSchema, SchemaError, UnsupportedSchema
from vivavoce.think.schema_rules import RuleWriter, Schema
from vivavoce.think.tool_prompt import answer_name

MOST_CALLS = 8
"""Of one answer: a small model that has begun to list calls does not always end."""

INVALID_PARAMETERS = "invalid_function_parameters"


def tool_grammar(tools: Tools, form: JsonForm | None = None) -> str:
    """The grammar of an answer in words (JSON of `form`, where one is given) or calls, as `tools` allows.

    Raises `InvalidValue` that names the schema and what is wrong with it, or cannot be done."""
    held, free = RuleWriter(), RuleWriter(lenient=True, prefix="f")
    calls = [
        f"{quoted(f'{tool.name}(')} {_arguments(tool, index, held if tool.strict else free)} {quoted(')')}"
        for index, tool in enumerate(tools.offered)
        if tool in tools.callable
    ]
    rules = {"call": " | ".join(calls)} if calls else {}
    ways: list[str] = []
    if tools.choice != "required":
        said = r'"\"" char* "\""' if form is None else json_root(form.schema, held)
        ways.append(f"{quoted(f'{answer_name(tools.offered)}(')} {said} {quoted(')')}")
    if calls:
        ways.append(rf'call ("\n" call){{0,{MOST_CALLS - 1}}}' if tools.parallel else "call")
    return grammar(" | ".join(ways), rules | held.rules | free.rules)


def _arguments(tool: Tool, index: int, writer: RuleWriter) -> str:
    schema: Schema = tool.parameters or {}
    try:
        if schema.get("type", "object") != "object":
            raise MalformedSchema("", f"'type' must be 'object', not {json.dumps(schema.get('type'))[:60]}")
        if _takes_nothing(schema):
            return '"{}"'
        return writer.term({"type": "object", **schema})
    except TooComplexError as error:
        raise _refused(tool, index, UnsupportedSchema("", "it is too complex")) from error
    except SchemaError as error:
        raise _refused(tool, index, error) from error


def _takes_nothing(schema: Schema) -> bool:
    """Whether no argument is named: a model that may write any object then would make some up."""
    says_more = {"anyOf", "oneOf", "allOf", "$ref", "patternProperties"} & schema.keys()
    return not (says_more or schema.get("properties") or schema.get("additionalProperties"))


def _refused(tool: Tool, index: int, error: SchemaError) -> InvalidValue:
    return InvalidValue(
        error.told(f"function '{tool.name}'"), param=f"tools[{index}].function.parameters", code=INVALID_PARAMETERS
    )
