"""Think with any OpenAI-compatible server: vLLM, Ollama, llama-server, a cloud; by base URL, key and model.

Streams through the official client. Every way in which a remote server can fail is mapped here, once, to our error
tree; the key never appears in a message. No retries, except once where a connection was gone before anything came
back: otherwise whoever calls decides.

Knows no engine of ours and no other stage.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI

from vivavoce.conversation import JsonForm, Message, Sampling
from vivavoce.errors import ContextLengthExceeded, EngineFailed, TooBusy, UpstreamFailed, VivaError
from vivavoce.think.base import FinishReason, TextDelta, Thinking, ThoughtEnd, TokenLogprob
from vivavoce.think.chat import ChatTurn, chat_turns, encodable
from vivavoce.think.openai_tools import RemoteCalls, message_of, tools_of

CONNECT_TIMEOUT_S = 5.0
TOKENIZE_TIMEOUT_S = 5.0
BYTES_PER_TOKEN = 4
"""For estimates only, where a server tells no usage and has no tokenizer route."""

_OPENAI_HOST = "api.openai.com"  # the one place that refuses `max_tokens` for its newer models
_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error"}  # OpenAI's, llama-server's
_CONTEXT_PARAMS = {"input_tokens", "input_text"}  # vLLM names the field and gives no code
_DEFAULTS = Sampling()


class OpenAIThinker:
    """A `Thinker` over an OpenAI-compatible chat completions endpoint."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        timeout_s: float = 60.0,
        hears_audio: bool = False,
    ) -> None:
        """base_url: as OpenAI's clients take it, normally ending in /v1. timeout_s: the longest silence to bear, before
        the first word and between words. hears_audio: the model takes recorded speech; audio parts go out as WAV.
        Nothing is sent before the first call."""
        where = urlsplit(base_url)
        self._host = where.netloc.rpartition("@")[2]
        self._root = f"{base_url.rstrip('/').removesuffix('/v1')}"
        self._key = api_key
        self._model = model
        self._timeout_s = timeout_s
        self._hears_audio = hears_audio
        self._answer_cap = "max_completion_tokens" if where.hostname == _OPENAI_HOST else "max_tokens"
        self._can_tokenize = True
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # None would make the client take OPENAI_API_KEY and send it to this host
            timeout=openai.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            max_retries=0,
        )
        self._client.organization = self._client.project = None  # read from the environment, not meant for this host

    @property
    def goes_on(self) -> bool:
        return False

    @property
    def hears_audio(self) -> bool:
        return self._hears_audio

    @property
    def context_tokens(self) -> int | None:
        return None

    @property
    def answer_tokens(self) -> int | None:
        return None

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling = _DEFAULTS
    ) -> AsyncGenerator[Thinking, None]:
        """See `Thinker.think`; what `sampling` leaves open is the server's default. Raises `ContextLengthExceeded`,
        `UpstreamFailed`, `TooBusy`. Closing the generator closes the connection."""
        if sampling.begun:
            raise EngineFailed("A thinker elsewhere does not go on with an answer that was begun.")
        turns = chat_turns(conversation)
        finish_reason: FinishReason | None = None
        usage: Any = None
        answer: list[str] = []
        calls = RemoteCalls()
        reached = False
        try:
            async with await self._open(turns, sampling) as stream:
                reached = True
                async for chunk in stream:
                    usage = chunk.usage or usage
                    for choice in chunk.choices or ():
                        if choice.delta and choice.delta.content:
                            answer.append(choice.delta.content)
                            yield TextDelta(choice.delta.content, _logprobs(choice, sampling.top_logprobs))
                        for piece in (choice.delta and choice.delta.tool_calls) or ():
                            yield calls.read(piece)
                        if choice.finish_reason:
                            finish_reason = "length" if choice.finish_reason == "length" else "stop"
        except VivaError:
            raise
        except Exception as error:  # the client lets its transport's own exceptions through in mid-stream
            raise self._mapped(error, reached=reached) from error
        if finish_reason is None:
            raise UpstreamFailed(f"The thinker at {self._host} broke off its answer; try again.")
        yield await self._end(finish_reason, usage, turns, "".join(answer))

    async def _open(self, turns: list[ChatTurn], sampling: Sampling) -> Any:
        given: dict[str, object] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "stop": None if sampling.form is not None else list(sampling.stop) or None,
            self._answer_cap: sampling.max_tokens,
            "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
            "logit_bias": {str(token): bias for token, bias in sampling.logit_bias.items()} or None,
            "logprobs": None if sampling.top_logprobs is None else True,
            # For 0, llama-server tells none at all: ask for one and leave it out.
            "top_logprobs": None if sampling.top_logprobs is None else max(1, sampling.top_logprobs),
            "response_format": None if sampling.form is None else _response_format(sampling.form),
            **(tools_of(sampling.tools) if sampling.tools is not None else {}),
        }
        create = cast("Any", self._client.chat.completions.create)
        request: dict[str, object] = {
            "model": self._model,
            "messages": [message_of(turn, hears_audio=self._hears_audio) for turn in turns],
            "stream": True,
            "stream_options": {"include_usage": True},
            **{name: value for name, value in given.items() if value is not None},
        }
        try:
            return await create(**request)
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:  # often a kept-alive connection that the server had just closed
            return await create(**request)

    async def _end(self, finish_reason: FinishReason, usage: Any, turns: list[ChatTurn], answer: str) -> ThoughtEnd:
        if usage is None:
            prompt = "\n".join(turn.text for turn in turns)
            return ThoughtEnd(finish_reason, await self._count(prompt), await self._count(answer))
        cached = getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0
        return ThoughtEnd(finish_reason, usage.prompt_tokens or 0, usage.completion_tokens or 0, cached)

    async def _count(self, text: str) -> int:
        counted = await self.count_tokens(text)
        return math.ceil(len(encodable(text).encode()) / BYTES_PER_TOKEN) if counted is None else counted

    async def tokenize(self, text: str) -> list[int] | None:
        answer = await self._ask_tokenizer(text)
        tokens = answer.get("tokens") if answer is not None else None
        return cast("list[int]", tokens) if isinstance(tokens, list) else None

    async def count_tokens(self, text: str) -> int | None:
        answer = await self._ask_tokenizer(text)
        try:
            return None if answer is None else int(answer["count"] if "count" in answer else len(answer["tokens"]))
        except (KeyError, TypeError, ValueError):
            self._can_tokenize = False
            return None

    async def _ask_tokenizer(self, text: str) -> dict[str, Any] | None:
        """What the server's `/tokenize` says (llama-server and vLLM have one); None, and not asked again, without."""
        if not self._can_tokenize:
            return None
        text = encodable(text)
        # llama-server reads `content`, vLLM reads `model` and `prompt`; both leave the rest alone
        body = {"content": text, "model": self._model, "prompt": text, "add_special_tokens": False}
        post = cast("Any", self._client.with_options(timeout=TOKENIZE_TIMEOUT_S).post)
        try:
            answer = await post(f"{self._root}/tokenize", body=body, cast_to=object)
        except openai.APIStatusError as error:
            self._can_tokenize = error.status_code >= 500 or error.status_code == 429
        except Exception:  # unreachable just now; `think` will say so
            return None
        else:
            if isinstance(answer, dict):
                return cast("dict[str, Any]", answer)
            self._can_tokenize = False
        return None

    async def close(self) -> None:
        await self._client.close()

    def _mapped(self, error: Exception, *, reached: bool) -> VivaError:
        """The one place where a foreign failure becomes ours."""
        host = self._host
        if isinstance(error, openai.APITimeoutError):
            return UpstreamFailed(
                f"The thinker at {host} said nothing for {self._timeout_s:g} s; check that it is up and not overloaded."
            )
        if isinstance(error, openai.APIStatusError):
            return self._mapped_status(error)
        if isinstance(error, openai.APIConnectionError) and not reached:
            return UpstreamFailed(
                f"The thinker at {host} cannot be reached; check that it is running and that its base URL is right."
            )
        if isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError):
            return self._context_error(error) or UpstreamFailed(
                f"The thinker at {host} failed in the middle of its answer: {self._said(error)}"
            )
        return UpstreamFailed(f"The connection to the thinker at {host} broke ({type(error).__name__}); try again.")

    def _mapped_status(self, error: openai.APIStatusError) -> VivaError:
        host, status = self._host, error.status_code
        if status in (401, 403):
            return UpstreamFailed(f"The thinker at {host} refused our key; set the right API key for it.")
        if status == 429 and error.code != "insufficient_quota":
            return TooBusy(f"The thinker at {host} is busy; try again later.", retry_after_s=_retry_after_s(error))
        if status in (400, 413, 422, 500):  # llama-server once answered 500
            too_long = self._context_error(error)
            if too_long:
                return too_long
        if status >= 500:
            return UpstreamFailed(f"The thinker at {host} failed with status {status}; look at its logs.")
        return UpstreamFailed(f"The thinker at {host} refused the request ({status}): {self._said(error)}")

    def _context_error(self, error: openai.APIError) -> ContextLengthExceeded | None:
        if error.code in _CONTEXT_CODES or error.type in _CONTEXT_CODES or error.param in _CONTEXT_PARAMS:
            return ContextLengthExceeded(f"The conversation is too long for {self._model}: {self._said(error)}")
        return None

    def _said(self, error: openai.APIError) -> str:
        """Upstream's own words, without the key should it repeat it."""
        body = error.body
        words = cast("dict[str, object]", body).get("message") if isinstance(body, dict) else None
        text = str(words or error.message)
        return text.replace(self._key, "***") if self._key else text


def _retry_after_s(error: openai.APIStatusError) -> float:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "1")))
    except ValueError:  # a date; one second is a fair start
        return 1.0


def _response_format(form: JsonForm) -> dict[str, object]:
    if form.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": form.name, "schema": form.schema, "strict": form.strict}}


def _logprobs(choice: Any, most_top: int | None) -> tuple[TokenLogprob, ...]:
    told = None if most_top is None else choice.logprobs
    return tuple(
        _token_logprob(token, tuple(_token_logprob(top) for top in (token.top_logprobs or ())[:most_top]))
        for token in (told and told.content) or ()
    )


def _token_logprob(token: Any, top: tuple[TokenLogprob, ...] = ()) -> TokenLogprob:
    raw = bytes(token.bytes) if token.bytes is not None else token.token.encode("utf-8", "replace")
    return TokenLogprob(token.token, token.logprob, raw, top)
