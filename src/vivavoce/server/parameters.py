"""What the parameters of a request mean: its sampling, and which combinations cannot be answered.

Knows no engine, no message and no response.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from vivavoce.conversation import JsonForm, Sampling, Tools
from vivavoce.errors import InvalidRequest, InvalidValue, MissingParameter
from vivavoce.server.tools import check_results, read_tools
from vivavoce.server.wire.chat_request import ChatRequest, JsonSchemaFormat
from vivavoce.think.json_grammar import json_grammar
from vivavoce.think.tool_grammar import tool_grammar

MOST_NESTED = 100
"""Levels of a schema."""
UNSUPPORTED_VALUE = "unsupported_value"


def check_supported(body: ChatRequest, most_choices: int) -> None:
    """Raises for combinations that cannot be answered, before any work is done."""
    if body.stream_options is not None and not body.stream:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.top_logprobs is not None and not body.logprobs:
        raise InvalidRequest(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs"
        )
    if body.choices > most_choices:
        raise InvalidValue(
            f"Invalid 'n': this server answers with at most {most_choices} choices (VIVA_MAX_CHOICES).", param="n"
        )
    if body.wants_audio:
        _check_spoken(body)
    check_results(body.messages)
    if (schema := _schema(body)) is not None:
        _check_plain(schema, "response_format.json_schema.schema")
    if (tools := read_tools(body)) is not None:
        _check_schemas(tools, body)
    elif schema is not None:
        json_grammar(schema)


def _check_plain(schema: object, param: str) -> None:
    """Raises `InvalidValue` for a schema that cannot be handed to the engines, whatever a grammar makes of it."""
    pending: list[tuple[object, int]] = [(schema, 0)]
    while pending:
        here, deep = pending.pop()
        if deep > MOST_NESTED or (isinstance(here, int) and not -(2**63) <= here < 2**63):
            raise InvalidValue(
                f"Invalid '{param}': it is nested more than {MOST_NESTED} deep, or has a whole number of more than 64 "
                "bits.",
                param=param,
            )
        if isinstance(here, dict):
            pending += [(value, deep + 1) for value in cast("dict[str, object]", here).values()]
        elif isinstance(here, list):
            pending += [(value, deep + 1) for value in cast("list[object]", here)]


def _check_schemas(tools: Tools, body: ChatRequest) -> None:
    field, inside = ("functions", "") if body.functions else ("tools", ".function")
    for index, tool in enumerate(tools.offered):
        _check_plain(tool.parameters, f"{field}[{index}]{inside}.parameters")
    try:
        tool_grammar(replace(tools, choice="auto", only=None), _form(body))
    except InvalidValue as error:
        if error.param is not None:
            error.param = error.param.replace("tools", field).replace(".function", inside)
        raise


def _check_spoken(body: ChatRequest) -> None:
    if body.audio is None:
        raise MissingParameter(
            "Missing required parameter: 'audio'. Audio output needs a voice and a format, for example "
            '{"voice": "alloy", "format": "wav"}.',
            param="audio",
        )
    if body.choices > 1:
        raise InvalidValue(
            "Invalid 'n': only one choice can be spoken. Leave it out, or ask for modalities ['text'].",
            param="n",
            code=UNSUPPORTED_VALUE,
        )


def read_sampling(body: ChatRequest) -> Sampling:
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        seed=body.seed,
        stop=tuple(body.stop or ()),
        max_tokens=body.most_tokens,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        logit_bias=body.logit_bias or {},
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        form=_form(body),
        tools=read_tools(body),
    )


def _form(body: ChatRequest) -> JsonForm | None:
    if not body.wants_json:
        return None
    wanted = body.response_format
    if isinstance(wanted, JsonSchemaFormat):
        return JsonForm(_schema(body), wanted.json_schema.name, bool(wanted.json_schema.strict))
    return JsonForm()


def _schema(body: ChatRequest) -> dict[str, object] | None:
    return body.response_format.json_schema.wanted if isinstance(body.response_format, JsonSchemaFormat) else None
