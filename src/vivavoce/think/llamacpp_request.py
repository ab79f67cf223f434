"""A conversation and its sampling as the body of llama.cpp's chat completion request.

Knows no server, no slot and no answer. `docs/engines/think.md` states the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.conversation import Message, Sampling
from vivavoce.errors import EngineFailed
from vivavoce.think.chat import chat_turns, encodable, without_control_tokens

DEFAULT_TEMPERATURE = 0.7
DEFAULT_TOP_P = 0.95
TOP_K = 40
MIN_P = 0.05
REPEAT_PENALTY = 1.05
"""A light hand against the loops that small models fall into; heavier ones hurt code and JSON."""
REPEAT_LAST_TOKENS = 64
ANSWER_TOKENS = 1024
"""The cap where the caller sets none: about six minutes of speech. No answer is endless."""

_ANY_SEED = 0xFFFF_FFFF  # llama.cpp's sentinel for "pick one"


def request_body(conversation: Sequence[Message], sampling: Sampling, answer_tokens: int) -> dict[str, object]:
    """The body of llama.cpp's chat completion request; `answer_tokens` is the cap where `sampling` sets none."""
    if any(message.has_audio for message in conversation):
        raise EngineFailed("This thinker does not hear: its conversation must carry what was heard, as text.")
    body: dict[str, object] = {
        "messages": [
            {"role": turn.role, "content": without_control_tokens(encodable(turn.text))}
            for turn in chat_turns(conversation)
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "cache_prompt": True,
        "max_tokens": answer_tokens if sampling.max_tokens is None else sampling.max_tokens,
        "temperature": DEFAULT_TEMPERATURE if sampling.temperature is None else sampling.temperature,
        "top_p": DEFAULT_TOP_P if sampling.top_p is None else sampling.top_p,
        "top_k": TOP_K,
        "min_p": MIN_P,
        "repeat_penalty": REPEAT_PENALTY,
        "repeat_last_n": REPEAT_LAST_TOKENS,
        "stop": [encodable(stop) for stop in sampling.stop if stop],
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed % _ANY_SEED
    return body
