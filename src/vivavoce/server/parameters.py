"""What the parameters of a request mean: its sampling, and which combinations cannot be answered.

Knows no engine, no message and no response.
"""

from __future__ import annotations

from dataclasses import replace

from vivavoce.conversation import JsonForm, Sampling, Tools
from vivavoce.errors import InvalidRequest, InvalidValue, MissingParameter
from vivavoce.server.tools import check_results, read_tools
from vivavoce.server.wire.chat_request import ChatRequest, JsonSchemaFormat
from vivavoce.think.json_grammar import json_grammar
from vivavoce.think.tool_grammar import tool_grammar

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
    if (tools := read_tools(body)) is not None:
        _check_schemas(tools, body)
    elif (schema := _schema(body)) is not None:
        json_grammar(schema)


def _check_schemas(tools: Tools, body: ChatRequest) -> None:
    try:
        tool_grammar(replace(tools, choice="auto", only=None), _form(body))
    except InvalidValue as error:
        if body.functions and error.param is not None:
            error.param = error.param.replace("tools[", "functions[").replace(".function.", ".")
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
