"""Tools and structured answers through the unmodified official client, on scripted engines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import pydantic_function_tool
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion
from pydantic import BaseModel
from scripted_app import MakeServer, ScriptedServer, spoken

from vivavoce.conversation import Message, TextPart, Tool, ToolCall, Tools
from vivavoce.testing import ScriptedThinker
from vivavoce.think.base import CallDelta, TextDelta, ThoughtEnd

MODEL = "gpt-4o-mini-audio-preview"
HI = [{"role": "user", "content": "hi"}]
PCM = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": CITY}}
TIME = {"type": "function", "function": {"name": "get_time"}}
PARIS, ROME = '{"city": "Paris"}', '{"city": "Rome"}'


def calling(*calls: tuple[str, str], answer: str = "") -> ScriptedThinker:
    return ScriptedThinker(answer, calls=calls or [("get_weather", PARIS)])


def whole(server: ScriptedServer, **fields: Any) -> ChatCompletion:
    return server.client.chat.completions.create(**{"model": MODEL, "messages": HI, **fields})


def rebuilt(server: ScriptedServer, **fields: Any) -> ChatCompletion:
    state = ChatCompletionStreamState()
    asked = {"model": MODEL, "messages": HI, "stream_options": {"include_usage": True}, **fields}
    for chunk in server.client.chat.completions.create(stream=True, **asked):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


BOTH_WAYS = pytest.mark.parametrize("asked", [whole, rebuilt])


@pytest.mark.proves("tools", "tool_choice", "parallel_tool_calls", "finish_reason")
@BOTH_WAYS
def test_tools_are_called(make_server: MakeServer, asked: Any) -> None:
    server = make_server(thinker=calling(("get_weather", PARIS), ("get_weather", ROME), ("get_time", "{}")))
    done = asked(server, tools=[WEATHER, TIME], tool_choice="auto", parallel_tool_calls=True)
    choice = done.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [(call.function.name, call.function.arguments) for call in choice.message.tool_calls] == [
        ("get_weather", PARIS),
        ("get_weather", ROME),
        ("get_time", "{}"),
    ]
    assert [call.type for call in choice.message.tool_calls] == ["function"] * 3
    ids = [call.id for call in choice.message.tool_calls]
    assert len(set(ids)) == 3
    assert all(call_id.startswith("call_") for call_id in ids)
    assert done.usage.completion_tokens == 3 + sum(-(-len(text) // 4) for text in (PARIS, ROME, "{}"))


@BOTH_WAYS
def test_an_answer_in_words_says_stop(make_server: MakeServer, asked: Any) -> None:
    server = make_server(answer="It is four.")
    choice = asked(server, tools=[WEATHER]).choices[0]
    assert (choice.finish_reason, choice.message.content, choice.message.tool_calls) == ("stop", "It is four.", None)


@BOTH_WAYS
def test_words_may_come_before_a_call(make_server: MakeServer, asked: Any) -> None:
    choice = asked(make_server(thinker=calling(answer="Let me look.")), tools=[WEATHER]).choices[0]
    assert choice.message.content == "Let me look."
    assert choice.message.tool_calls[0].function.arguments == PARIS
    assert choice.finish_reason == "tool_calls"


OFFERED = (Tool("get_weather", "Weather.", CITY), Tool("get_time"))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, Tools(OFFERED)),
        ({"tool_choice": "auto", "parallel_tool_calls": False}, Tools(OFFERED, parallel=False)),
        ({"tool_choice": "none"}, Tools(OFFERED, "none")),
        ({"tool_choice": "required"}, Tools(OFFERED, "required")),
        (
            {"tool_choice": {"type": "function", "function": {"name": "get_time"}}},
            Tools(OFFERED, "required", ("get_time",), parallel=False),
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "get_time"}}],
                    },
                }
            },
            Tools(OFFERED, "auto", ("get_time",)),
        ),
    ],
)
def test_what_is_asked_for_reaches_the_thinker(server: ScriptedServer, fields: dict[str, Any], wanted: Tools) -> None:
    whole(server, tools=[WEATHER, TIME], **fields)
    assert server.engines.thinker.samplings[-1].tools == wanted


def test_strictness_reaches_the_thinker(server: ScriptedServer) -> None:
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    whole(server, tools=[strict])
    assert server.engines.thinker.samplings[-1].tools.offered[0].strict


@pytest.mark.proves("tool_choice")
@BOTH_WAYS
def test_a_call_that_was_named_ends_with_stop_as_the_original_has_it(make_server: MakeServer, asked: Any) -> None:
    server = make_server(thinker=calling())
    named = {"type": "function", "function": {"name": "get_weather"}}
    choice = asked(server, tools=[WEATHER], tool_choice=named).choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.tool_calls[0].function.name == "get_weather"
    assert asked(server, tools=[WEATHER], tool_choice="required").choices[0].finish_reason == "tool_calls"


@pytest.mark.proves("functions", "function_call")
@BOTH_WAYS
def test_functions_are_called_in_their_old_form(make_server: MakeServer, asked: Any) -> None:
    server = make_server(thinker=calling())
    choice = asked(server, functions=[WEATHER["function"]], function_call="auto").choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call.model_dump() == {"name": "get_weather", "arguments": PARIS}
    assert choice.message.tool_calls is None
    assert not server.engines.thinker.samplings[-1].tools.parallel
    named = asked(server, functions=[WEATHER["function"]], function_call={"name": "get_weather"}).choices[0]
    assert named.finish_reason == "stop"
    asked(server, functions=[WEATHER["function"]], function_call="none")
    assert server.engines.thinker.samplings[-1].tools.choice == "none"


@pytest.mark.proves("role tool, function")
def test_results_go_back(server: ScriptedServer) -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": PARIS}},
        {"id": "call_2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
    ]
    whole(
        server,
        tools=[WEATHER, TIME],
        messages=[
            *HI,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_2", "content": "noon"},
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "sun"}]},
        ],
    )
    asked, told = server.engines.thinker.asked[-1][1:2], server.engines.thinker.asked[-1][2:]
    assert asked[0].calls == (ToolCall("call_1", "get_weather", PARIS), ToolCall("call_2", "get_time", "{}"))
    assert told == [
        Message("tool", (TextPart("noon"),), call_id="call_2"),
        Message("tool", (TextPart("sun"),), call_id="call_1"),
    ]


@pytest.mark.proves("role tool, function")
def test_results_of_functions_go_back(server: ScriptedServer) -> None:
    whole(
        server,
        functions=[WEATHER["function"]],
        messages=[
            *HI,
            {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": PARIS}},
            {"role": "function", "name": "get_weather", "content": "sun"},
        ],
    )
    call, told = server.engines.thinker.asked[-1][1:]
    assert call.calls == (ToolCall(told.call_id, "get_weather", PARIS),)
    assert (told.role, told.text) == ("tool", "sun")


def test_our_own_message_can_be_sent_back_as_it_came(make_server: MakeServer) -> None:
    server = make_server(thinker=calling())
    message = whole(server, tools=[WEATHER]).choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sun"}
    whole(server, tools=[WEATHER], messages=[*HI, message.model_dump(exclude_none=True), result])
    assert server.engines.thinker.asked[-1][-1].text == "sun"


@pytest.mark.proves("tools")
@BOTH_WAYS
def test_a_call_has_no_sound(make_server: MakeServer, asked: Any) -> None:
    """Nothing of it reaches the voice, and no id is promised for a sound that does not come."""
    server = make_server(thinker=calling())
    done = asked(server, messages=spoken(), tools=[WEATHER], **PCM)
    message = done.choices[0].message
    assert message.tool_calls[0].function.arguments == PARIS
    assert message.content is None
    assert message.audio is None
    assert done.choices[0].finish_reason == "tool_calls"
    assert server.engines.speaker.spoken == []
    assert done.usage.completion_tokens_details.audio_tokens == 0


@BOTH_WAYS
def test_words_before_a_call_are_spoken_and_the_call_is_not(make_server: MakeServer, asked: Any) -> None:
    server = make_server(thinker=calling(answer="Let me look."))
    message = asked(server, messages=spoken(), tools=[WEATHER], **PCM).choices[0].message
    assert message.audio.transcript == "Let me look."
    assert message.audio.data
    assert message.tool_calls[0].function.arguments == PARIS
    assert [text for text, _, _ in server.engines.speaker.spoken] == ["Let me look."]


@BOTH_WAYS
def test_an_answer_in_words_is_spoken_under_one_id(make_server: MakeServer, asked: Any) -> None:
    server = make_server(answer="It is four.")
    message = asked(server, messages=spoken(), tools=[WEATHER], **PCM).choices[0].message
    assert message.audio.id.startswith("audio_")
    assert message.audio.id.count("audio_") == 1
    assert message.audio.transcript == "It is four."
    later = [*HI, {"role": "assistant", "audio": {"id": message.audio.id}}, *HI]
    whole(server, messages=later)
    assert server.engines.thinker.asked[-1][1].text == "It is four."


def test_every_choice_has_its_own_calls(make_server: MakeServer) -> None:
    class Alternating(ScriptedThinker):
        async def think(self, conversation, sampling=None):
            if sampling.seed % 2:
                yield CallDelta(0, name="get_time")
                yield CallDelta(0, "{}")
            else:
                yield TextDelta("Noon.")
            yield ThoughtEnd("stop", 3, 2)

    server = make_server(thinker=Alternating())
    for asked in (whole, rebuilt):
        done = asked(server, tools=[TIME], n=3, seed=0)
        assert [choice.finish_reason for choice in done.choices] == ["stop", "tool_calls", "stop"]
        assert [choice.message.content for choice in done.choices] == ["Noon.", None, "Noon."]


@BOTH_WAYS
def test_a_call_that_was_cut_says_length(make_server: MakeServer, asked: Any) -> None:
    choice = asked(make_server(thinker=calling()), tools=[WEATHER], max_tokens=3).choices[0]
    assert choice.finish_reason == "length"
    assert choice.message.tool_calls[0].function.arguments == PARIS[:8]


def test_tools_and_calls_are_counted(server: ScriptedServer) -> None:
    plain = whole(server).usage.prompt_tokens
    assert whole(server, tools=[WEATHER]).usage.prompt_tokens > plain
    assert whole(server, tools=[WEATHER, TIME]).usage.prompt_tokens > whole(server, tools=[TIME]).usage.prompt_tokens


class GetWeather(BaseModel):
    city: str


@pytest.mark.proves("tools", "openai (Python)")
def test_the_stream_helper_of_the_official_client_parses_calls(make_server: MakeServer) -> None:
    server = make_server(thinker=calling(("GetWeather", PARIS), ("GetWeather", ROME)))
    tool = pydantic_function_tool(GetWeather)
    with server.client.chat.completions.stream(model=MODEL, messages=HI, tools=[tool]) as stream:
        events = list(stream)
        done = stream.get_final_completion()
    finished = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [event.parsed_arguments for event in finished] == [GetWeather(city="Paris"), GetWeather(city="Rome")]
    deltas = [event for event in events if event.type == "tool_calls.function.arguments.delta"]
    assert "".join(event.arguments_delta for event in deltas if event.index == 0) == PARIS
    calls = done.choices[0].message.tool_calls
    assert [call.function.parsed_arguments for call in calls] == [GetWeather(city="Paris"), GetWeather(city="Rome")]
    parsed = server.client.chat.completions.parse(model=MODEL, messages=HI, tools=[tool])
    assert parsed.choices[0].message.tool_calls[0].function.parsed_arguments == GetWeather(city="Paris")


FORM = {
    "type": "json_schema",
    "json_schema": {"name": "weather", "strict": True, "schema": {**CITY, "additionalProperties": False}},
}


@pytest.mark.proves("response_format")
@BOTH_WAYS
def test_json_is_read_out_in_words_and_written_as_it_is(make_server: MakeServer, asked: Any) -> None:
    server = make_server(answer='{"city": "Paris", "degrees_c": 21.5, "sunny": true}')
    done = asked(server, messages=spoken(), response_format=FORM, **PCM)
    message = done.choices[0].message
    assert json.loads(message.content) == {"city": "Paris", "degrees_c": 21.5, "sunny": True}
    assert message.audio.transcript == "City: Paris. Degrees c: 21.5. Sunny: yes. "
    assert message.audio.data
    said = " ".join(text for text, _, _ in server.engines.speaker.spoken)
    assert "City" in said
    assert not set(said) & set('{}"_')
    assert done.choices[0].finish_reason == "stop"


def test_json_that_was_read_out_is_remembered_as_it_was_written(make_server: MakeServer) -> None:
    server = make_server(answer=PARIS)
    message = whole(server, response_format=FORM, **PCM).choices[0].message
    whole(server, messages=[*HI, {"role": "assistant", "audio": {"id": message.audio.id}}, *HI])
    assert server.engines.thinker.asked[-1][1].text == PARIS


@pytest.mark.proves("response_format", "openai (Python)")
def test_the_official_client_parses_a_spoken_answer_of_a_type(make_server: MakeServer) -> None:
    server = make_server(answer=PARIS)
    parsed = server.client.chat.completions.parse(model=MODEL, messages=HI, response_format=GetWeather, **PCM)
    assert parsed.choices[0].message.parsed == GetWeather(city="Paris")
    with server.client.chat.completions.stream(model=MODEL, messages=HI, response_format=GetWeather, **PCM) as stream:
        list(stream)
        assert stream.get_final_completion().choices[0].message.parsed == GetWeather(city="Paris")
