"""Tools and structured answers with real weights, through the unmodified official clients."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from node_clients import run_script
from openai import pydantic_function_tool
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel, Field
from real_servers import RealServer, say

pytestmark = pytest.mark.real

MODEL = "gpt-4o-mini-audio-preview"
PCM = {"voice": "alloy", "format": "pcm16"}


class GetWeather(BaseModel):
    """The weather in a city, now."""

    city: str
    unit: Literal["celsius", "fahrenheit"] = Field(description="celsius unless another is asked for")


class SetTimer(BaseModel):
    """Start a countdown."""

    minutes: int = Field(ge=1, le=600)


TOOLS = [pydantic_function_tool(GetWeather), pydantic_function_tool(SetTimer)]


@pytest.fixture(scope="session")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """“What is the weather in Paris?” as mp3."""
    return say("What is the weather in Paris?", tmp_path_factory.mktemp("spoken") / "weather.mp3")


def user(recording: Path) -> dict[str, Any]:
    data = base64.b64encode(recording.read_bytes()).decode()
    return {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}}]}


@pytest.mark.proves("tools", "openai (Python)")
def test_a_recording_calls_a_tool_and_its_result_is_spoken(real_server: RealServer, weather: Path) -> None:
    messages: list[Any] = [user(weather)]
    asked = {"model": MODEL, "tools": TOOLS, "temperature": 0, "modalities": ["text", "audio"], "audio": PCM}
    with real_server.client.chat.completions.stream(messages=messages, **asked) as stream:
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.audio is None
    (call,) = choice.message.tool_calls
    assert call.function.parsed_arguments == GetWeather(city="Paris", unit="celsius")
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear", "degrees": 25}'}
    messages += [ChatCompletionMessage.model_validate(choice.message.model_dump()), result]
    answer = real_server.client.chat.completions.create(messages=messages, **asked).choices[0]
    assert answer.finish_reason == "stop"
    assert "25" in answer.message.audio.transcript
    assert len(base64.b64decode(answer.message.audio.data)) > 24_000


@pytest.mark.proves("tools")
def test_a_tool_list_that_was_seen_is_not_read_again(real_server: RealServer) -> None:
    tools = [pydantic_function_tool(SetTimer, name=f"set_timer_{n}") for n in range(8)]

    def ask(text: str, system: str) -> Any:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        return real_server.client.chat.completions.create(
            model=MODEL, messages=messages, tools=tools, temperature=0, max_tokens=8
        )

    first = ask("Hello!", "Be brief.").usage.prompt_tokens_details.cached_tokens
    again = ask("How are you?", "Be very kind, if you can.").usage.prompt_tokens_details.cached_tokens
    assert again >= 150 > first + 100, "eight functions are about 160 tokens as the model reads them"


@pytest.mark.proves("tool_choice")
@pytest.mark.parametrize("seed", range(3))
def test_a_call_that_is_forced_always_validates(tiny_server: RealServer, seed: int) -> None:
    """The smallest model, and hot: only the grammar keeps it in order."""
    done = tiny_server.client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Blue cheese and bicycles."}],
        tools=TOOLS,
        tool_choice="required",
        temperature=1.6,
        seed=seed,
        max_tokens=200,
    ).choices[0]
    models = {"GetWeather": GetWeather, "SetTimer": SetTimer}
    assert done.message.tool_calls
    for call in done.message.tool_calls if done.finish_reason == "tool_calls" else ():
        models[call.function.name].model_validate_json(call.function.arguments)


def test_no_tool_is_called_where_none_may_be(tiny_server: RealServer) -> None:
    done = tiny_server.client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Set a timer for five minutes."}],
        tools=TOOLS,
        tool_choice="none",
        max_tokens=30,
    ).choices[0]
    assert done.message.content
    assert done.message.tool_calls is None


class Place(BaseModel):
    city: str = Field(description="The place that was named.")
    topic: Literal["weather", "traffic", "news"] = Field(description="What was asked about it.")


@pytest.mark.proves("response_format", "openai (Python)")
def test_a_typed_answer_is_written_and_read_out(real_server: RealServer, weather: Path) -> None:
    """Nobody says in the messages what is wanted: the model reads the form."""
    done = real_server.client.chat.completions.parse(
        model=MODEL,
        messages=[user(weather)],
        response_format=Place,
        temperature=0,
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
    ).choices[0]
    assert done.message.parsed == Place(city="Paris", topic="weather")
    assert json.loads(done.message.content) == {"city": "Paris", "topic": "weather"}
    assert done.message.audio.transcript == "City: Paris. Topic: weather. "
    assert len(base64.b64decode(done.message.audio.data)) > 24_000


@pytest.fixture(scope="module")
def seen(real_server: RealServer, weather: Path) -> Iterator[dict[str, Any]]:
    recording = base64.b64encode(weather.read_bytes()).decode()
    yield run_script("tools.mjs", base_url=f"{real_server.url}/v1", recording=recording)


@pytest.mark.proves("tools", "openai (JavaScript)")
@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_the_runner_of_the_javascript_client_calls_functions(seen: dict[str, Any], way: str) -> None:
    assert seen[way]["called"] == [{"city": "Paris"}]
    assert "25" in seen[way]["text"]
    assert seen[way]["roles"] == ["user", "assistant", "tool", "assistant"]


@pytest.mark.proves("openai (JavaScript)")
def test_the_stream_of_the_javascript_client_rebuilds_calls(seen: dict[str, Any]) -> None:
    assert seen["spoken"] == {
        "finish_reason": "tool_calls",
        "calls": [["function", "get_weather", {"city": "Paris"}]],
        "audio": None,
        "content": None,
    }
