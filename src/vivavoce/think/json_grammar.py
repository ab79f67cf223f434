"""A JSON answer as a grammar that it is held to, token by token: what comes out parses and validates.

Knows no engine; the grammar is in GBNF, llama.cpp's notation. How schemas become rules: `think.schema_rules`.
"""

from __future__ import annotations

from vivavoce.errors import InvalidValue
from vivavoce.think.automaton import TooComplexError
from vivavoce.think.gbnf import grammar
from vivavoce.think.schema_errors import SchemaError, UnsupportedSchema
from vivavoce.think.schema_rules import RuleWriter, Schema

PARAM = "response_format.json_schema.schema"


def json_grammar(schema: Schema | None) -> str:
    """The grammar of `schema`, or of any JSON object. Raises `InvalidValue` that names what cannot be done."""
    writer = RuleWriter()
    return grammar(json_root(schema, writer), writer.rules)


def json_root(schema: Schema | None, writer: RuleWriter) -> str:
    """The same as a term whose rules `writer` has."""
    try:
        return "object" if schema is None else writer.term(schema)
    except TooComplexError as error:
        raise _refused(UnsupportedSchema("", "it is too complex")) from error
    except SchemaError as error:
        raise _refused(error) from error


def _refused(error: SchemaError) -> InvalidValue:
    return InvalidValue(error.told("response_format"), param=PARAM)
