"""One suite for every thinker: the scripted fake, llama.cpp in process, and a remote OpenAI-compatible server.

The remote one is a real llama.cpp server with real weights, started in a process of its own, behind a key.
"""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from vivavoce.conversation import JsonForm, Message, Sampling, Tool, ToolCall, Tools
from vivavoce.errors import ContextLengthExceeded, EngineFailed, UpstreamFailed
from vivavoce.testing import ScriptedThinker
from vivavoce.think.base import CallDelta, TextDelta, Thinker, ThoughtEnd

KEY = "a-key-of-our-own"
SERVER = Path(__file__).resolve().parents[1] / "think" / "llama_server_main.py"
WINDOW_TOKENS = 2048
ASK = (Message.of("system", "You are a helpful assistant."), Message.of("user", "Tell me about the sea."))
GREEDY = Sampling(temperature=0.0, max_tokens=16)


@pytest.fixture(scope="module")
def small_model(models_dir: Path) -> Path:
    return models_dir / "smollm2-135m" / "model.gguf"


@pytest.fixture(scope="module")
def llamacpp(small_model: Path) -> Iterator[Thinker]:
    from vivavoce.think.llamacpp import LlamaCppThinker

    thinker = LlamaCppThinker(small_model, slots=2, context_tokens=WINDOW_TOKENS)
    yield thinker
    asyncio.run(thinker.close())


@pytest.fixture(scope="module")
def server_url(small_model: Path) -> Iterator[str]:
    command = [sys.executable, str(SERVER), str(small_model), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip() + "/v1"
        process.communicate(timeout=30)


@pytest.fixture
async def openai_api(server_url: str) -> AsyncIterator[Thinker]:
    from vivavoce.think.openai_api import OpenAIThinker

    thinker = OpenAIThinker(server_url, KEY, "smollm2-135m")
    yield thinker
    await thinker.close()


@pytest.fixture
def scripted() -> Thinker:
    words = " ".join(f"{colour} {thing}" for colour in ("red", "green", "blue") for thing in ("sea", "sky", "sand"))
    calls = [("set_depth", '{"metres": 12}')]
    return ScriptedThinker(words * 9, calls=calls, delay_s=0.001, context_tokens=WINDOW_TOKENS)


@pytest.fixture(
    params=[
        "scripted",
        pytest.param("llamacpp", marks=pytest.mark.real),
        pytest.param("openai_api", marks=pytest.mark.real),
    ]
)
def thinker(request: pytest.FixtureRequest) -> Thinker:
    return request.getfixturevalue(request.param)


async def answer(
    thinker: Thinker, sampling: Sampling = GREEDY, conversation: tuple[Message, ...] = ASK
) -> tuple[list[str], ThoughtEnd]:
    """All deltas and the end, having checked that the end came last and once."""
    deltas: list[str] = []
    end: ThoughtEnd | None = None
    async for event in thinker.think(conversation, sampling):
        assert end is None, "nothing comes after the end"
        if isinstance(event, TextDelta):
            deltas.append(event.text)
        elif isinstance(event, ThoughtEnd):
            end = event
    assert end is not None
    return deltas, end


async def test_streams_text_then_ends_once(thinker: Thinker) -> None:
    deltas, end = await answer(thinker)
    assert len(deltas) > 1
    assert all(deltas)
    assert end.prompt_tokens > 5
    assert 1 < end.completion_tokens <= 16
    assert 0 <= end.cached_tokens <= end.prompt_tokens


async def test_max_tokens_cuts_the_answer_and_says_so(thinker: Thinker) -> None:
    whole, _ = await answer(thinker)
    cut, end = await answer(thinker, Sampling(temperature=0.0, max_tokens=5))
    assert end.finish_reason == "length"
    assert end.completion_tokens == 5
    assert "".join(cut) == "".join(whole)[: len("".join(cut))]


async def test_an_answer_that_was_broken_off_is_thought_on_from_there(thinker: Thinker) -> None:
    whole, _ = await answer(thinker)
    begun = "".join(whole[:6])
    if thinker.goes_on:
        rest, end = await answer(thinker, replace(GREEDY, begun=begun, max_tokens=10))
        assert begun + "".join(rest) == "".join(whole)
        assert end.completion_tokens <= 10
    else:
        with pytest.raises(EngineFailed):
            await answer(thinker, replace(GREEDY, begun=begun))


async def test_stop_string_ends_the_answer_and_is_not_in_it(thinker: Thinker) -> None:
    whole = "".join((await answer(thinker))[0])
    stop = whole.split()[4]
    deltas, end = await answer(thinker, Sampling(temperature=0.0, max_tokens=16, stop=("never said", stop)))
    assert "".join(deltas) == whole[: whole.index(stop)]
    assert end.finish_reason == "stop"


async def test_temperature_zero_is_deterministic(thinker: Thinker) -> None:
    assert (await answer(thinker))[0] == (await answer(thinker))[0]


async def test_a_conversation_too_long_is_refused_not_cut(thinker: Thinker) -> None:
    long = Message.of("user", "the sea is wide and deep " * (WINDOW_TOKENS // 4))
    with pytest.raises(ContextLengthExceeded):
        await answer(thinker, conversation=(long,))


@pytest.mark.parametrize(
    "roles",
    [
        ("system",),
        ("assistant", "user"),
        ("user", "user"),
        ("user", "assistant"),
        ("system", "system", "user", "system", "user"),
        ("user", "assistant", "assistant", "user"),
    ],
    ids=" ".join,
)
async def test_every_order_of_roles_is_answered(thinker: Thinker, roles: tuple[str, ...]) -> None:
    conversation = tuple(Message.of(role, f"Line {n}.") for n, role in enumerate(roles))  # type: ignore[arg-type]
    deltas, _ = await answer(thinker, Sampling(temperature=0.0, max_tokens=4), conversation)
    assert "".join(deltas).strip()


async def test_characters_of_many_bytes_arrive_whole(thinker: Thinker) -> None:
    ask = Message.of("user", "Repeat exactly: 😀🎉🐙 你好世界 👩‍👩‍👧 žluťoučký")
    deltas, _ = await answer(thinker, Sampling(temperature=0.0, max_tokens=24), (ask,))
    assert "\ufffd" not in "".join(deltas)
    for delta in deltas:
        delta.encode("utf-8")


async def test_text_that_utf8_cannot_carry_does_no_harm(thinker: Thinker) -> None:
    deltas, _ = await answer(thinker, Sampling(max_tokens=3), (Message.of("user", "half of a pair: \ud83d"),))
    assert deltas


async def test_log_probabilities_are_told_if_asked_for(thinker: Thinker) -> None:
    sampling = replace(GREEDY, top_logprobs=3)
    deltas = [event async for event in thinker.think(ASK, sampling) if isinstance(event, TextDelta)]
    text = "".join(delta.text for delta in deltas)
    told = [token for delta in deltas for token in delta.logprobs]
    assert "".join(token.token for token in told) == text
    assert b"".join(token.raw for token in told).decode() == text
    for token in told:
        assert token.logprob <= 0
        assert 1 <= len(token.top) <= 3
        assert [top.logprob for top in token.top] == sorted((top.logprob for top in token.top), reverse=True)
        assert math.fsum(math.exp(top.logprob) for top in token.top) <= 1 + 1e-6
    assert all(not delta.logprobs for delta in await answer_deltas(thinker, GREEDY))
    none = await answer_deltas(thinker, replace(GREEDY, top_logprobs=0))
    assert all(token.top == () for delta in none for token in delta.logprobs)
    assert sum(len(delta.logprobs) for delta in none) == len(told)


async def answer_deltas(thinker: Thinker, sampling: Sampling) -> list[TextDelta]:
    return [event async for event in thinker.think(ASK, sampling) if isinstance(event, TextDelta)]


async def test_a_banned_token_is_never_said(thinker: Thinker) -> None:
    """Ban the token that the answer begins with, then the one it begins with instead."""
    banned: dict[int, float] = {}
    for _ in range(2):
        first = (await answer(thinker, replace(GREEDY, max_tokens=1, logit_bias=banned)))[0][0]
        tokens = await thinker.tokenize(first)
        assert tokens is not None
        assert not set(tokens) & set(banned)
        banned |= dict.fromkeys(tokens, -100.0)
    deltas, _ = await answer(thinker, replace(GREEDY, logit_bias=banned))
    said = [await thinker.tokenize(delta) for delta in deltas]
    assert not {token for tokens in said for token in tokens or ()} & set(banned)


async def test_tokens_have_ids(thinker: Thinker) -> None:
    text = "The sea is wide."
    tokens = await thinker.tokenize(text)
    assert tokens is not None
    assert len(tokens) == await thinker.count_tokens(text)
    assert await thinker.tokenize("") == []


async def test_counts_tokens_without_a_completion(thinker: Thinker) -> None:
    count = await thinker.count_tokens("The sea is wide.")
    assert count is not None
    assert 3 < count < 10
    assert await thinker.count_tokens("") == 0
    twice = await thinker.count_tokens("The sea is wide." * 2)
    assert twice is not None
    assert twice > count


async def test_closing_early_frees_the_engine_for_the_next(thinker: Thinker) -> None:
    """Two slots, four abandoned answers of 1,500 tokens: the fifth is answered at once only if each was stopped."""
    for _ in range(4):
        async with aclosing(thinker.think(ASK, Sampling(temperature=0.0, max_tokens=1500))) as events:
            async for _event in events:
                break
    started_s = time.monotonic()
    await answer(thinker, Sampling(temperature=0.0, max_tokens=2))
    assert time.monotonic() - started_s < 5


async def test_several_at_once_each_get_their_own_answer(thinker: Thinker) -> None:
    """More requests than slots: the rest wait. Prompts of different lengths show whose answer is whose."""
    asks = [(Message.of("user", "Count." + " Count." * n),) for n in range(4)]
    few = Sampling(temperature=0.0, max_tokens=8)
    together = await asyncio.gather(*(answer(thinker, few, ask) for ask in asks))
    prompts = [end.prompt_tokens for _, end in together]
    assert prompts == sorted(set(prompts))
    assert all(deltas for deltas, _ in together)


DEPTH = {
    "type": "object",
    "properties": {"metres": {"type": "integer", "minimum": 0, "maximum": 50}},
    "required": ["metres"],
    "additionalProperties": False,
}
SET_DEPTH = Tool("set_depth", "How deep to dive.", DEPTH)
DIVE = (*ASK[:1], Message.of("user", "Dive twelve metres deep."))


@pytest.mark.parametrize("thinker", ["scripted", pytest.param("llamacpp", marks=pytest.mark.real)], indirect=True)
async def test_a_tool_that_must_be_called_is_called(thinker: Thinker) -> None:
    """Remote servers differ in what they do; what we ask of them, and read, is in test_openai_api.py."""
    sampling = Sampling(temperature=0.0, max_tokens=300, tools=Tools((SET_DEPTH,), "required", ("set_depth",), False))
    name, arguments = None, ""
    async for event in thinker.think(DIVE, sampling):
        if isinstance(event, CallDelta):
            assert event.index == 0
            assert (event.name is None) == (name is not None), "the name comes whole, and first"
            name = name or event.name
            arguments += event.arguments
    assert name == "set_depth"
    assert jsonschema_rs.is_valid(DEPTH, json.loads(arguments))


async def test_no_tool_is_called_where_none_may_be(thinker: Thinker) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=12, tools=Tools((SET_DEPTH,), "none"))
    events = [event async for event in thinker.think(DIVE, sampling)]
    assert not [event for event in events if isinstance(event, CallDelta)]
    assert [event for event in events if isinstance(event, TextDelta)]


async def test_results_go_back(thinker: Thinker) -> None:
    """With the tools offered and without: histories outlive tool lists."""
    called = Message("assistant", (), (ToolCall("call_1", "set_depth", '{"metres": 12}'),))
    result = Message("tool", Message.of("tool", "You are at twelve metres.").parts, call_id="call_1")
    for tools in (Tools((SET_DEPTH,), "none"), None):
        sampling = Sampling(temperature=0.0, max_tokens=12, tools=tools)
        deltas, _ = await answer(thinker, sampling, (*DIVE, called, result))
        assert "".join(deltas).strip()


REAL_ONES = pytest.mark.parametrize("thinker", ["llamacpp", "openai_api"], indirect=True)
PLACE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "depth_m": {"type": "integer", "minimum": 0, "maximum": 11_000},
        "kind": {"enum": ["sea", "lake"]},
    },
    "required": ["name", "depth_m", "kind"],
    "additionalProperties": False,
}


@pytest.mark.real
@REAL_ONES
async def test_an_answer_keeps_to_its_schema(thinker: Thinker) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=80, form=JsonForm(PLACE))
    deltas, end = await answer(thinker, sampling)
    assert end.finish_reason == "stop"
    place = json.loads("".join(deltas))
    assert list(place) == ["name", "depth_m", "kind"]
    assert jsonschema_rs.is_valid(PLACE, place)


@pytest.mark.real
@REAL_ONES
async def test_an_answer_can_be_any_object(thinker: Thinker) -> None:
    deltas, end = await answer(thinker, Sampling(temperature=0.0, max_tokens=120, form=JsonForm()))
    if end.finish_reason == "stop":
        assert isinstance(json.loads("".join(deltas)), dict)
    assert "".join(deltas).startswith("{")


@pytest.mark.real
@REAL_ONES
async def test_penalties_change_what_is_repeated(thinker: Thinker) -> None:
    asked = (Message.of("user", "Tell me a long story about a boat on the sea."),)

    async def variety(penalty: float) -> float:
        sampling = Sampling(temperature=0.0, max_tokens=40, frequency_penalty=penalty, presence_penalty=penalty)
        tokens = await thinker.tokenize("".join((await answer(thinker, sampling, asked))[0])) or []
        return len(set(tokens)) / len(tokens)

    assert await variety(-2) < await variety(2)


@pytest.mark.real
async def test_a_wrong_key_is_told_without_repeating_it(server_url: str) -> None:
    from vivavoce.think.openai_api import OpenAIThinker

    thinker = OpenAIThinker(server_url, "a-wrong-key", "smollm2-135m")
    with pytest.raises(UpstreamFailed, match="refused our key") as caught:
        await answer(thinker)
    assert "a-wrong-key" not in caught.value.message
    await thinker.close()
