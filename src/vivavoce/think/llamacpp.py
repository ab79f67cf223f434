"""Think with a GGUF model on this machine, through llama.cpp.

Several slots decode together (continuous batching); each keeps its prompt cache, so that the next turn of a
conversation pays only for what is new. Prompts are read in small batches: a long one never freezes another's
stream, and hanging up takes effect within one batch.

Knows no wire format, no price and no other stage. `docs/engines/think.md` has the defaults and measurements.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vivavoce.conversation import Message, Sampling
from vivavoce.errors import ContextLengthExceeded, EngineFailed, InvalidValue, VivaError
from vivavoce.think.base import FinishReason, TextDelta, Thinking, ThoughtEnd, TokenLogprob
from vivavoce.think.chat import encodable
from vivavoce.think.llamacpp_request import ANSWER_TOKENS, request_body
from vivavoce.think.llamacpp_server import LlamaServer
from vivavoce.think.tool_prompt import answer_name
from vivavoce.think.tool_reader import ToolReader

CPU_BATCH_TOKENS, GPU_BATCH_TOKENS = 32, 512
"""Prompt tokens read per step: few where reading is slow, so that nobody else's stream waits long for a step."""

_DEFAULTS = Sampling()
_CLOSED = "The thinker was closed; start a new one."

_Event = Thinking | VivaError


class LlamaCppThinker:
    """A `Thinker` over llama.cpp. Requests beyond `slots` wait their turn in order of arrival."""

    def __init__(
        self,
        model_path: Path,
        projector_path: Path | None = None,
        *,
        slots: int = 4,
        context_tokens: int = 8192,
        threads: int = 2,
        batch_tokens: int = CPU_BATCH_TOKENS,
        gpu_layers: int = 0,
        gpu: int | None = None,
        prompt_cache_mib: int = 512,
        answer_tokens: int = ANSWER_TOKENS,
    ) -> None:
        """Load the weights at `model_path` (a GGUF file); blocks for about a second per gigabyte.

        projector_path: the GGUF file that turns sound into what this model reads, for a model that hears.
        slots: conversations decoded at once. context_tokens: window of each, prompt and answer together (less
        where the model was trained on less). batch_tokens: at least 32; prompt tokens read per step.
        gpu_layers: layers put on the GPU, where xllamacpp was built for one; gpu: the only one to use, counted from 0.
        prompt_cache_mib: memory for the prompts of conversations that have no slot just now.
        answer_tokens: the cap on an answer where the caller sets none. Raises `ModelNotInstalled`, `EngineFailed`.
        """
        self._server = LlamaServer(
            model_path,
            slots=slots,
            context_tokens=context_tokens,
            threads=threads,
            batch_tokens=batch_tokens,
            gpu_layers=gpu_layers,
            gpu=gpu,
            prompt_cache_mib=prompt_cache_mib,
            projector_path=projector_path,
        )
        self._answer_tokens = answer_tokens
        self._slots = ThreadPoolExecutor(slots, thread_name_prefix="think")
        self._tokenizer = ThreadPoolExecutor(1, thread_name_prefix="tokenize")
        self._lock = threading.Lock()
        self._running: set[_Call] = set()
        self._closed = False

    @property
    def hears_audio(self) -> bool:
        """Whether llama.cpp says that the projector takes sound; without a projector it never does."""
        return self._server.hears_audio

    @property
    def goes_on(self) -> bool:
        return True

    @property
    def context_tokens(self) -> int:
        return self._server.context_tokens

    @property
    def answer_tokens(self) -> int:
        return self._answer_tokens

    @property
    def busy(self) -> int:
        """Requests that hold a slot right now."""
        with self._lock:
            return len(self._running)

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling = _DEFAULTS
    ) -> AsyncGenerator[Thinking, None]:
        """See `Thinker.think`. Raises `ContextLengthExceeded` where the prompt leaves no room in the window. An answer
        that reaches the window's end finishes with "length": `sampling.max_tokens` is a bound, not a demand."""
        self._check_tokens(sampling)
        # A long recording or a large schema takes a while to write down.
        body = await asyncio.to_thread(
            request_body, conversation, sampling, self._answer_tokens, hears_audio=self.hears_audio
        )
        if self._closed:
            raise EngineFailed(_CLOSED)
        call = _Call(asyncio.get_running_loop(), _reader(sampling), top_logprobs=sampling.top_logprobs or 0)
        waiting = self._slots.submit(self._run, body, call)
        waiting.add_done_callback(lambda _: call.finish(EngineFailed(_CLOSED)))  # had it no slot yet when we closed
        try:
            while True:
                event = await call.events.get()
                if isinstance(event, VivaError):
                    raise event
                yield event
                if isinstance(event, ThoughtEnd):
                    return
        finally:
            call.cancelled.set()
            waiting.cancel()

    def _check_tokens(self, sampling: Sampling) -> None:
        """llama.cpp leaves a bias for unknown tokens out in silence."""
        for token in sampling.logit_bias:
            if not 0 <= token < self._server.vocabulary_size:
                raise InvalidValue(
                    f"Invalid 'logit_bias': this model has no token {token}. POST /tokenize tells the ids of a text.",
                    param="logit_bias",
                )

    def _run(self, body: dict[str, object], call: _Call) -> None:
        """One native call, in a thread of the slot pool."""
        with self._lock:
            self._running.add(call)
        try:
            if not call.cancelled.is_set():
                self._server.chat(body, call.on_chunk)
            closed = call.cancelled.is_set()
            call.finish(EngineFailed(_CLOSED if closed else "llama.cpp ended an answer without saying so."))
        except VivaError as error:
            call.finish(error)
        finally:
            with self._lock:
                self._running.discard(call)

    async def tokenize(self, text: str) -> list[int]:
        if self._closed:
            raise EngineFailed(_CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._tokenizer, self._server.tokenize, encodable(text))

    async def count_tokens(self, text: str) -> int:
        return len(await self.tokenize(text))

    async def close(self) -> None:
        """Cancel what is under way, wait for its current batch to end, and free the weights."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        with self._lock:
            for call in self._running:
                call.cancelled.set()
        self._slots.shutdown(cancel_futures=True)
        self._tokenizer.shutdown(cancel_futures=True)
        self._server.close()


class _Call:
    """One request: turns llama.cpp's chunks into events and carries them to the event loop.

    The queue has no bound of its own: it can hold no more than the answer's tokens, and holding llama.cpp
    back instead would keep a slot from others for the sake of a slow reader.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, reader: ToolReader | None, *, top_logprobs: int = 0) -> None:
        self.events: asyncio.Queue[_Event] = asyncio.Queue()
        self.cancelled = threading.Event()
        self._loop = loop
        self._reader = reader
        self._top_logprobs = top_logprobs
        self._finish_reason: FinishReason = "stop"
        self._ended = False

    def on_chunk(self, raw: str) -> bool:
        """Take one chunk of JSON, in the worker's thread; True ends the request. Never raises."""
        if self.cancelled.is_set() or self._ended:
            return True
        try:
            self._read(json.loads(raw))
        except VivaError as error:
            self.finish(error)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.finish(EngineFailed(f"llama.cpp sent a chunk that cannot be read ({type(error).__name__})."))
        return self._ended

    def finish(self, event: ThoughtEnd | VivaError) -> None:
        """Put the last event, unless there was one."""
        if not self._ended:
            self._ended = True
            self._put(event)

    def _read(self, chunk: dict[str, Any]) -> None:
        if "error" in chunk:
            raise _error_of(chunk["error"])
        for choice in chunk["choices"]:
            text = choice["delta"].get("content")
            if text:
                told: Any = choice.get("logprobs") or {"content": ()}
                self._take(text, tuple(_token_logprob(token, self._top_logprobs) for token in told["content"]))
            if choice["finish_reason"] is not None:
                self._finish_reason = "length" if choice["finish_reason"] == "length" else "stop"
        usage = chunk.get("usage")
        if usage is not None:
            cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
            if self._reader is not None and self._reader.cut:
                self._finish_reason = "length"  # a stop string cut a call short
            self.finish(ThoughtEnd(self._finish_reason, usage["prompt_tokens"], usage["completion_tokens"], cached))

    def _take(self, text: str, logprobs: tuple[TokenLogprob, ...]) -> None:
        for event in (TextDelta(text, logprobs),) if self._reader is None else self._reader.feed(text, logprobs):
            self._put(event)

    def _put(self, event: _Event) -> None:
        try:
            self._loop.call_soon_threadsafe(self.events.put_nowait, event)
        except RuntimeError:  # the event loop is gone, and so is the reader
            self.cancelled.set()


def _reader(sampling: Sampling) -> ToolReader | None:
    tools = sampling.tools
    return None if tools is None else ToolReader(answer_name(tools.offered), json_answer=sampling.form is not None)


def _token_logprob(token: dict[str, Any], most_top: int) -> TokenLogprob:
    likeliest = tuple(_token_logprob(top, 0) for top in token.get("top_logprobs", ())[:most_top])
    return TokenLogprob(token["token"], token["logprob"], bytes(token["bytes"]), likeliest)


def _error_of(error: dict[str, Any]) -> VivaError:
    if error.get("type") == "exceed_context_size_error":
        return ContextLengthExceeded(
            f"The conversation takes {error.get('n_prompt_tokens', 'more')} tokens; this model holds "
            f"{error.get('n_ctx', 'fewer')}. Shorten it."
        )
    return EngineFailed(f"llama.cpp failed ({error.get('type', 'no type')}, code {error.get('code', '?')}).")
