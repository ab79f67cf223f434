"""A conversation and its sampling as the body of llama.cpp's chat completion request.

Knows no server, no slot and no answer. `docs/engines/think.md` states the defaults.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from vivavoce.conversation import Message, Sampling
from vivavoce.think.chat import chat_turns, encodable, without_control_tokens
from vivavoce.think.content import content_of
from vivavoce.think.form_prompt import with_form
from vivavoce.think.json_grammar import json_grammar
from vivavoce.think.tool_grammar import tool_grammar
from vivavoce.think.tool_prompt import with_tools

DEFAULT_TEMPERATURE = 0.7
DEFAULT_TOP_P = 0.95
TOP_K = 40
MIN_P = 0.05
REPEAT_PENALTY = 1.05
"""A light hand against the loops that small models fall into; heavier ones hurt code and JSON. It counts what stands in
the prompt too, and so pushes away the user's own words, of which calls, fields and the steps of a sum are made: there
is none where tools or a form are asked for, nor at temperature 0, which asks for the likeliest token as it is."""
REPEAT_LAST_TOKENS = 64
ANSWER_TOKENS = 1024
"""The cap where the caller sets none: about six minutes of speech. No answer is endless."""

BAN = -100.0
"""The bias that rules a token out altogether, as the original has it."""

_ANY_SEED = 0xFFFF_FFFF  # llama.cpp's sentinel for "pick one"


def request_body(
    conversation: Sequence[Message], sampling: Sampling, answer_tokens: int, *, hears_audio: bool
) -> dict[str, object]:
    """The body of llama.cpp's chat completion request; `answer_tokens` is the cap where `sampling` sets none.

    Raises `EngineFailed` where there is sound and the model does not hear.
    """
    messages: list[dict[str, object]] = [
        {"role": turn.role, "content": content_of(turn.parts, _harmless, hears_audio=hears_audio)}
        for turn in chat_turns(with_tools(with_form(conversation, sampling.form), sampling.tools))
    ]
    if sampling.begun:
        messages.append({"role": "assistant", "content": _harmless(sampling.begun)})  # llama.cpp goes on from there
    body: dict[str, object] = {
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "cache_prompt": True,
        "max_tokens": answer_tokens if sampling.max_tokens is None else sampling.max_tokens,
        "temperature": DEFAULT_TEMPERATURE if sampling.temperature is None else sampling.temperature,
        "top_p": DEFAULT_TOP_P if sampling.top_p is None else sampling.top_p,
        "top_k": TOP_K,
        "min_p": MIN_P,
        "repeat_penalty": _repeat_penalty(sampling),
        "repeat_last_n": REPEAT_LAST_TOKENS,
        "frequency_penalty": sampling.frequency_penalty or 0.0,
        "presence_penalty": sampling.presence_penalty or 0.0,
        "logit_bias": [[token, False if bias <= BAN else bias] for token, bias in sampling.logit_bias.items()],
        "stop": _stops(sampling),
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed % _ANY_SEED
    if sampling.top_logprobs is not None:
        # It gives none at all for 0, so ask for one and leave it out.
        body |= {"logprobs": True, "top_logprobs": max(1, sampling.top_logprobs)}
    if sampling.tools is not None:
        body["grammar"] = tool_grammar(sampling.tools, sampling.form)
    elif sampling.form is not None:
        body["grammar"] = json_grammar(sampling.form.schema)
    return body


def _repeat_penalty(sampling: Sampling) -> float:
    free = sampling.tools is None and sampling.form is None and sampling.temperature != 0
    return REPEAT_PENALTY if free else 1.0


def _stops(sampling: Sampling) -> list[str]:
    """None in JSON, which would no longer parse; spelt as in a JSON string where words are an argument."""
    if sampling.form is not None:
        return []
    stops = [encodable(stop) for stop in sampling.stop if stop]
    return stops if sampling.tools is None else [json.dumps(stop, ensure_ascii=False)[1:-1] for stop in stops]


def _harmless(text: str) -> str:
    return without_control_tokens(encodable(text))
