"""One spoken question put to a server through the official client, and when each part of its answer was there.

Works with every server that streams OpenAI's audio chat completions. What only our own tells (`heard`) is used where it
comes. The only file of the benchmarks that imports the client.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import openai

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.bench.playback import Arrival, Playback, play
from vivavoce.bench.tool_requests import MadeCall
from vivavoce.errors import TooBusy, UpstreamFailed
from vivavoce.turn import SPOKEN_SHARE

ANSWER_TOKENS = 60
"""Most text tokens of an answer: three short sentences. Answers of one length can be compared."""

TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """Seconds from the request; None where it never came. heard_s: our own server's word that it has listened.

    end_s: when all was there. cached_tokens: prompt tokens that the server says it did not read again.
    """

    heard_s: float | None
    first_text_s: float | None
    end_s: float
    playback: Playback
    text: str
    cached_tokens: int | None


@dataclass(frozen=True, slots=True)
class Calling:
    """What came of a request with tools. `heard`: what our own server understood of a spoken one."""

    calls: tuple[MadeCall, ...]
    text: str
    heard: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A written answer. `heard` and `note`: what our own server understood, and told its thinker besides."""

    text: str
    heard: str | None
    note: str | None


Ask = Callable[[bytes, str], Exchange]
"""Puts a question (a WAV file) under a system prompt, and waits for the whole answer. Raises `UpstreamFailed`."""


class Server:
    """A server by its base URL, such as `http://127.0.0.1:8080/v1`."""

    def __init__(self, base_url: str, api_key: str, model: str) -> None:
        self.base_url = base_url
        self.model = model
        self._client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=TIMEOUT_S)

    def engines(self) -> dict[str, str]:
        """What answers, by stage, where the server says so: ours does in its list of models."""
        try:
            rows = [row for row in self._client.models.list() if row.id == self.model]
        except openai.OpenAIError:
            return {}
        told: Any = getattr(rows[0], "engines", None) if rows else None
        return {stage: str(name) for stage, name in cast("dict[str, Any]", told or {}).items()}

    def ask(self, question_wav: bytes, system: str, voice: str, tools: Sequence[Mapping[str, Any]] = ()) -> Exchange:
        """Stream one spoken answer to its end. Raises `UpstreamFailed` with what the server said, or `TooBusy`."""
        request = streamed_request(self.model, base64.b64encode(question_wav).decode("ascii"), system, voice)
        offered: dict[str, Any] = {"tools": list(tools)} if tools else {}
        watch = _Watch()
        with self._mapped():
            create: Any = self._client.chat.completions.create  # the types of a dict's values are not told
            with create(**request, **offered) as stream:
                for chunk in stream:
                    watch.see(chunk)
        return watch.exchange()

    def call(self, request: str | bytes, tools: Sequence[Mapping[str, Any]]) -> Calling:
        """What is called for a request, typed or spoken (a WAV file). Raises as `ask` does."""
        content: Any = request if isinstance(request, str) else [_audio(base64.b64encode(request).decode("ascii"))]
        offered: Any = list(tools)
        with self._mapped():
            message: Any = (
                self._client.chat.completions.create(
                    model=self.model,
                    messages=[{"role": "user", "content": content}],
                    tools=offered,
                    temperature=0,
                    max_completion_tokens=ANSWER_TOKENS,
                )
                .choices[0]
                .message
            )
        heard: Any = getattr(message, "heard", None) or [{}]
        calls = [MadeCall(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
        return Calling(tuple(calls), message.content or "", heard[0].get("transcript"))

    def answer(self, content: str | bytes, system: str, most_tokens: int, **ours: object) -> Answered:
        """A written answer to a question, typed or spoken (a file of sound). `ours`: fields that only our own server
        knows. Raises as `ask` does."""
        put: Any = content if isinstance(content, str) else [_audio(base64.b64encode(content).decode("ascii"))]
        with self._mapped():
            message: Any = (
                self._client.chat.completions.create(
                    model=self.model,
                    messages=[{"role": "system", "content": system}, {"role": "user", "content": put}],
                    temperature=0,
                    max_completion_tokens=most_tokens,
                    extra_body=ours,
                )
                .choices[0]
                .message
            )
        heard: Any = getattr(message, "heard", None) or [{}]
        return Answered(message.content or "", heard[0].get("transcript"), heard[0].get("note"))

    @contextmanager
    def _mapped(self) -> Generator[None]:
        try:
            yield
        except openai.RateLimitError as error:
            told = float(error.response.headers.get("retry-after", 1.0))
            raise TooBusy(f"{self.base_url} answered 429: {error.message}", retry_after_s=told) from error
        except openai.APIStatusError as error:
            raise UpstreamFailed(f"{self.base_url} answered {error.status_code}: {error.message}") from error
        except openai.OpenAIError as error:
            raise UpstreamFailed(f"{self.base_url} did not answer: {error}") from error

    def close(self) -> None:
        self._client.close()


def streamed_request(model: str, question: str, system: str, voice: str) -> dict[str, Any]:
    """The body that asks for a streamed spoken answer; question: a WAV file in base64."""
    return {
        "model": model,
        "modalities": ["text", "audio"],
        "audio": {"voice": voice, "format": "pcm16"},
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": [_audio(question)]}],
        "max_completion_tokens": ANSWER_TOKENS * (1 + SPOKEN_SHARE),
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _audio(data: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


class _Watch:
    """Notes when what came. Sound is decoded once the answer is over, so that looking at it costs no time."""

    def __init__(self) -> None:
        self._started_s = time.perf_counter()
        self._heard_s: float | None = None
        self._first_text_s: float | None = None
        self._end_s = 0.0
        self._sound: list[tuple[float, str]] = []
        self._text: list[str] = []
        self._cached: int | None = None

    def see(self, chunk: Any) -> None:
        self._end_s = time.perf_counter() - self._started_s
        if chunk.usage is not None and chunk.usage.prompt_tokens_details is not None:
            self._cached = chunk.usage.prompt_tokens_details.cached_tokens
        for choice in chunk.choices:
            if getattr(choice.delta, "heard", None):
                self._heard_s = self._end_s
            audio: Any = getattr(choice.delta, "audio", None)
            words = _told(audio, "transcript") or choice.delta.content
            if words:
                self._text.append(words)
                if self._first_text_s is None:
                    self._first_text_s = self._end_s
            if data := _told(audio, "data"):
                self._sound.append((self._end_s, data))

    def exchange(self) -> Exchange:
        return Exchange(
            heard_s=self._heard_s,
            first_text_s=self._first_text_s,
            end_s=self._end_s,
            playback=play(_decoded(self._sound)),
            text="".join(self._text),
            cached_tokens=self._cached,
        )


def _told(audio: Any, name: str) -> str:
    """A member of a delta's `audio`: newer clients make an object of it, older ones leave it a dict."""
    found: Any = cast("dict[str, Any]", audio).get(name) if isinstance(audio, dict) else getattr(audio, name, None)
    return str(found or "")


def _decoded(pieces: list[tuple[float, str]]) -> list[Arrival]:
    """Pieces of base64 as sound. A sample that is cut between two pieces goes with the later one."""
    arrivals: list[Arrival] = []
    rest = b""
    for at_s, data in pieces:
        raw = rest + base64.b64decode(data)
        rest = raw[len(raw) - len(raw) % 2 :]
        arrivals.append((at_s, Audio.from_pcm16(raw, SPEAK_RATE_HZ)))
    return arrivals
