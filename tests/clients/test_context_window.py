"""A conversation that does not fit is refused in the original's way, and nothing of it is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from real_servers import RealServer, serving

pytestmark = pytest.mark.real

MODEL = "gpt-4o-mini-audio-preview"


@pytest.fixture(scope="module")
def small_window() -> Iterator[RealServer]:
    with serving(VIVA_PROFILE="tiny", VIVA_CONTEXT_TOKENS="768") as server:
        yield server


def told(words: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": "The code word is heron. " + "seven " * words + "What is the code word?"}]


@pytest.mark.proves("context_length_exceeded")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("modalities", [["text"], ["text", "audio"]])
def test_too_long_is_refused_before_anything_is_said(
    small_window: RealServer, stream: bool, modalities: list[str]
) -> None:
    window = small_window.client.models.retrieve(MODEL).context_tokens
    with pytest.raises(openai.BadRequestError) as caught:
        small_window.client.chat.completions.create(
            model=MODEL,
            modalities=modalities,
            audio={"voice": "alloy", "format": "pcm16"},
            messages=told(window),
            stream=stream,
        )
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")
    assert str(window) in caught.value.message


@pytest.mark.proves("context_length_exceeded")
def test_just_below_the_window_the_whole_of_it_is_read(small_window: RealServer) -> None:
    window = small_window.client.models.retrieve(MODEL).context_tokens
    done = small_window.client.chat.completions.create(model=MODEL, messages=told(window - 200), max_tokens=2)
    assert window - 200 < done.usage.prompt_tokens <= window
