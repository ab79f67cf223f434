"""pydantic-ai, unmodified: a recording in, an answer of a type out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from real_servers import RealServer

pytestmark = pytest.mark.real


class Asked(BaseModel):
    """What somebody asked for."""

    country: str = Field(description="The country that was named.")
    asks_for: Literal["capital", "population", "language"]


@pytest.fixture
async def model(real_server: RealServer) -> AsyncIterator[OpenAIChatModel]:
    provider = OpenAIProvider(base_url=f"{real_server.url}/v1", api_key="none")
    async with provider.client:
        yield OpenAIChatModel("gpt-4o-mini-audio-preview", provider=provider)


def recording(question: Path) -> BinaryContent:
    return BinaryContent(question.read_bytes(), media_type="audio/mpeg")


@pytest.mark.proves("pydantic-ai")
async def test_a_recording_gives_text(model: OpenAIChatModel, question: Path) -> None:
    answer = await Agent(model).run(["Answer in one sentence.", recording(question)])
    assert "Paris" in answer.output
    assert answer.usage.input_audio_tokens > 10


@pytest.mark.proves("pydantic-ai", "response_format")
async def test_a_recording_gives_a_typed_answer(model: OpenAIChatModel, question: Path) -> None:
    agent = Agent(model, output_type=NativeOutput(Asked), instructions="Say what is asked in the recording.")
    answer = await agent.run([recording(question)], model_settings={"temperature": 0})
    assert isinstance(answer.output, Asked)
    assert (answer.output.country, answer.output.asks_for) == ("France", "capital")


@pytest.mark.proves("pydantic-ai")
async def test_text_streams(model: OpenAIChatModel, question: Path) -> None:
    async with Agent(model).run_stream(["Answer in one sentence.", recording(question)]) as answer:
        pieces = [piece async for piece in answer.stream_text(delta=True)]
    assert len(pieces) > 1
    assert "Paris" in "".join(pieces)


@pytest.mark.proves("pydantic-ai", "tools")
async def test_a_recording_calls_a_function_and_its_result_is_told(model: OpenAIChatModel, question: Path) -> None:
    asked: list[str] = []
    agent = Agent(model, instructions="Use the tools. Tell what they say.")

    @agent.tool_plain
    def capital_of(country: str) -> str:
        """Look up the capital of a country in the newest atlas."""
        asked.append(country)
        return "The newest atlas says: Lyon."

    answer = await agent.run([recording(question)], model_settings={"temperature": 0})
    assert asked == ["France"]
    assert "Lyon" in answer.output


@pytest.mark.proves("pydantic-ai", "tools", "tool_choice")
async def test_a_typed_answer_comes_by_a_tool_too(model: OpenAIChatModel, question: Path) -> None:
    """Its own way of typed answers: a tool that must be called."""
    agent = Agent(model, output_type=Asked, instructions="Say what is asked in the recording.")
    answer = await agent.run([recording(question)], model_settings={"temperature": 0})
    assert answer.output == Asked(country="France", asks_for="capital")
