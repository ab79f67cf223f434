"""Every parameter of a chat completion through the unmodified official client, on scripted engines."""

from __future__ import annotations

import json
import math

import pytest
from openai import BadRequestError
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion
from scripted_app import ANSWER, MakeServer, ScriptedServer, spoken

from vivavoce.conversation import JsonForm, Sampling
from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedThinker
from vivavoce.think.base import TextDelta, ThoughtEnd

MODEL = "gpt-4o-mini-audio-preview"
HI = [{"role": "user", "content": "hi"}]
PCM = {"voice": "alloy", "format": "pcm16"}
WORDS = len(ANSWER.split())


class Numbered(ScriptedThinker):
    """Answers with the seed it was given; odd ones are cut short."""

    async def think(self, conversation, sampling=None):
        self.samplings.append(sampling)
        yield TextDelta(f"seed {sampling.seed}")
        yield ThoughtEnd("length" if sampling.seed % 2 else "stop", 5, 2)


def rebuilt(server: ScriptedServer, **fields: object) -> ChatCompletion:
    state = ChatCompletionStreamState()
    stream = server.client.chat.completions.create(
        model=MODEL, stream=True, stream_options={"include_usage": True}, **fields
    )
    for chunk in stream:
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def whole(server: ScriptedServer, **fields: object) -> ChatCompletion:
    return server.client.chat.completions.create(model=MODEL, **fields)


@pytest.mark.proves("n")
@pytest.mark.parametrize("asked", [whole, rebuilt])
def test_several_choices_each_have_their_own_seed_and_end(make_server: MakeServer, asked: object) -> None:
    server = make_server(thinker=Numbered())
    done = asked(server, messages=spoken(), n=3, seed=10)
    assert [choice.index for choice in done.choices] == [0, 1, 2]
    assert [choice.message.content for choice in done.choices] == ["seed 10", "seed 11", "seed 12"]
    assert [choice.finish_reason for choice in done.choices] == ["stop", "length", "stop"]
    assert [choice.message.role for choice in done.choices] == ["assistant"] * 3
    assert len(server.engines.listener.heard) == 1, "the recording is heard once"
    assert done.usage.prompt_tokens == 10, "and counted once"
    assert done.usage.completion_tokens == 6, "what came out counts for each"
    assert done.choices[0].message.heard[0]["transcript"]
    assert not hasattr(done.choices[1].message, "heard")


def test_a_whole_stream_of_many_choices_is_the_same_as_unstreamed(server: ScriptedServer) -> None:
    streamed, unstreamed = (asked(server, messages=HI, n=128) for asked in (rebuilt, whole))
    assert [choice.message.content for choice in streamed.choices] == [ANSWER] * 128
    assert streamed.usage == unstreamed.usage
    assert streamed.usage.completion_tokens == 128 * WORDS


@pytest.mark.proves("n")
def test_the_helper_of_the_official_client_streams_choices(server: ScriptedServer) -> None:
    with server.client.chat.completions.stream(model=MODEL, messages=HI, n=2) as stream:
        kinds = {event.type for event in stream}
        done = stream.get_final_completion()
    assert {"content.delta", "content.done"} <= kinds
    assert [choice.message.content for choice in done.choices] == [ANSWER] * 2


def test_a_server_may_take_fewer_choices(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(choices=2))
    assert len(whole(server, messages=HI, n=2).choices) == 2
    with pytest.raises(BadRequestError, match="at most 2 choices") as caught:
        whole(server, messages=HI, n=3)
    assert caught.value.param == "n"


def test_a_failing_choice_ends_them_all(make_server: MakeServer) -> None:
    class OneFails(ScriptedThinker):
        async def think(self, conversation, sampling=None):
            if sampling.seed == 1:
                raise ValueError("no")
            async for event in super().think(conversation, sampling):
                yield event

    thinker = OneFails(" ".join(["word"] * 1000), delay_s=0.01)
    server = make_server(thinker=thinker)
    answer = server.http.post("/v1/chat/completions", json={"model": MODEL, "messages": HI, "n": 3, "seed": 0})
    assert answer.status_code == 500
    assert thinker.busy == 0


@pytest.mark.proves("frequency_penalty", "presence_penalty", "logit_bias", "seed")
def test_all_of_the_sampling_reaches_the_thinker(server: ScriptedServer) -> None:
    whole(
        server,
        messages=HI,
        frequency_penalty=-2,
        presence_penalty=0.5,
        logit_bias={"17": -100, "4": 2.5},
        logprobs=True,
        top_logprobs=0,
        max_tokens=9,
        max_completion_tokens=30,
        response_format={"type": "json_object"},
    )
    assert server.engines.thinker.samplings[-1] == Sampling(
        max_tokens=9,
        frequency_penalty=-2,
        presence_penalty=0.5,
        logit_bias={17: -100, 4: 2.5},
        top_logprobs=0,
        form=JsonForm(),
    )
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "it", "schema": schema, "strict": True}}
    whole(server, messages=HI, response_format=wanted)
    assert server.engines.thinker.samplings[-1] == Sampling(form=JsonForm(schema, "it", True))
    whole(server, messages=HI, response_format={"type": "text"})
    assert server.engines.thinker.samplings[-1] == Sampling()


@pytest.mark.proves("logprobs", "top_logprobs")
@pytest.mark.parametrize("asked", [whole, rebuilt])
def test_log_probabilities_are_told_for_every_token(server: ScriptedServer, asked: object) -> None:
    choice = asked(server, messages=HI, logprobs=True, top_logprobs=1).choices[0]
    told = choice.logprobs.content
    assert "".join(token.token for token in told) == choice.message.content
    assert bytes(byte for token in told for byte in token.bytes).decode() == choice.message.content
    assert [token.logprob for token in told] == pytest.approx([math.log(2 / 3)] * WORDS)
    assert [len(token.top_logprobs) for token in told] == [1] * WORDS
    assert choice.logprobs.refusal is None
    assert asked(server, messages=HI, logprobs=True).choices[0].logprobs.content[0].top_logprobs == []
    assert asked(server, messages=HI, logprobs=False).choices[0].logprobs is None


def test_log_probabilities_come_with_sound_too(server: ScriptedServer) -> None:
    choice = whole(server, messages=HI, logprobs=True, modalities=["text", "audio"], audio=PCM).choices[0]
    assert "".join(token.token for token in choice.logprobs.content) == choice.message.audio.transcript


def test_a_thinker_that_tells_none_leaves_them_null(make_server: MakeServer) -> None:
    class Plain(ScriptedThinker):
        async def think(self, conversation, sampling=None):
            yield TextDelta("Well.")
            yield ThoughtEnd("stop", 1, 1)

    assert whole(make_server(thinker=Plain()), messages=HI, logprobs=True).choices[0].logprobs is None


@pytest.mark.proves("POST /tokenize")
def test_a_text_has_token_ids_that_a_bias_takes(server: ScriptedServer) -> None:
    told = server.http.post("/tokenize", json={"content": ANSWER}).json()
    assert told["count"] == len(told["tokens"]) == WORDS
    also = server.http.post("/tokenize", json={"prompt": ANSWER, "model": "m", "add_special_tokens": False}).json()
    assert also == told
    banned = whole(server, messages=HI, logit_bias={str(told["tokens"][0]): -100})
    assert banned.choices[0].message.content == ANSWER.removeprefix("Two")
    missing = server.http.post("/tokenize", json={"text": "x"})
    assert (missing.status_code, missing.json()["error"]["param"]) == (400, "content")


@pytest.mark.proves("audio.speed")
def test_how_fast_the_answer_is_spoken(server: ScriptedServer) -> None:
    fields = {"model": MODEL, "messages": HI, "modalities": ["audio"]}
    slow = server.client.chat.completions.create(**fields, audio={**PCM, "speed": 0.5})
    fast = server.client.chat.completions.create(**fields, audio={**PCM, "speed": 2})
    ratio = len(slow.choices[0].message.audio.data) / len(fast.choices[0].message.audio.data)
    assert ratio == pytest.approx(4, rel=0.1)


@pytest.mark.proves(
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "user",
    "verbosity",
    "web_search_options",
)
def test_what_changes_nothing_is_taken(server: ScriptedServer) -> None:
    done = whole(
        server,
        messages=HI,
        modalities=["text"],
        audio=PCM,
        user="u",
        metadata={"k" * 64: "v" * 512},
        service_tier="flex",
        store=False,
        safety_identifier="x" * 64,
        tool_choice="none",
        parallel_tool_calls=True,
        reasoning_effort="low",
        verbosity="low",
        prediction={"type": "content", "content": "x"},
        prompt_cache_key="p",
        tools=[],
    )
    assert done.choices[0].message.content == ANSWER
    assert done.service_tier == "default"


@pytest.mark.proves("stream_options.include_obfuscation")
def test_obfuscation_hides_the_length_of_words_if_asked(server: ScriptedServer) -> None:
    def deltas(**options: bool) -> list[dict[str, object]]:
        body = {"model": MODEL, "messages": HI, "stream": True, "stream_options": options}
        lines = server.http.post("/v1/chat/completions", json=body).text.split("\n\n")
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]

    hidden = {len(json.dumps(chunk["choices"][0]["delta"])) + len(chunk["obfuscation"]) for chunk in deltas(
        include_obfuscation=True
    )}  # fmt: skip
    assert len(hidden) == 1
    assert all("obfuscation" not in chunk for chunk in deltas(include_obfuscation=False) + deltas())
