"""One spoken question put to an endpoint by the official client, once, and what came of it: never raises for what an
endpoint does.

Nothing is tried again, and each question has a connection of its own: what keeps a client of today from connecting must
not be hidden by a connection of yesterday. The only file of the probes that imports the client. Knows no schedule.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import openai

from vivavoce.audio import SPEAK_RATE_HZ
from vivavoce.exam.endpoint import usage_of, words_and_sound
from vivavoce.probe.rows import Outcome
from vivavoce.usage import Usage

MOST_TOKENS = 300
"""Of an answer, in text and sound: some ten seconds, where a sentence was asked for."""

QUIET = 33
"""Peak of 16-bit samples below which an answer is silent: −60 dBFS."""

_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_OF_STATUS: dict[int, Outcome] = {4: "refused", 5: "error"}
_ERRNOS = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ECONNRESET: "connection_reset",
    errno.ENETUNREACH: "network_unreachable",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.ETIMEDOUT: "connection_timeout",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one question, in seconds from when it was begun; None where it never came. code: as `rows.Probe`.

    usage: None where the endpoint does not tell; reached: it may have worked on it, and may ask for money.
    """

    outcome: Outcome
    end_s: float
    status: int | None = None
    code: str | None = None
    first_text_s: float | None = None
    first_sound_s: float | None = None
    sound_s: float | None = None
    request_id: str | None = None
    usage: Usage | None = None
    reached: bool = False


class Asker:
    """`model` at `base_url`. timeout_s: for all of an answer. expect: a pattern to be found in its words, or empty."""

    def __init__(
        self, base_url: str, api_key: str, model: str, *, voice: str, timeout_s: float, system: str, expect: str = ""
    ) -> None:
        self._model = model
        self._voice = voice
        self._system = system
        self._timeout_s = timeout_s
        self._expect = re.compile(expect, re.IGNORECASE)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=None,  # of each read alone; ours is for the whole
            default_headers={"connection": "close"},
        )

    async def ask(self, question: bytes) -> Finding:
        """Put `question` (a WAV file) and follow the answer to its end."""
        create: Any = self._client.chat.completions.create  # the types of a dict's values are not told
        body = self._body(base64.b64encode(question).decode("ascii"))
        watch = _Watch()
        try:
            async with asyncio.timeout(self._timeout_s):
                async with await create(**body) as stream:
                    watch.answered(stream.response)
                    async for chunk in stream:
                        watch.see(chunk)
            return watch.judged(self._expect)
        except (openai.OpenAIError, TimeoutError, AttributeError, TypeError, ValueError, LookupError) as error:
            return _failed(watch, error)

    def _body(self, data: str) -> dict[str, Any]:
        question = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        return {
            "model": self._model,
            "modalities": ["text", "audio"],
            "audio": {"voice": self._voice, "format": "pcm16"},
            "messages": [{"role": "system", "content": self._system}, {"role": "user", "content": [question]}],
            "max_completion_tokens": MOST_TOKENS,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def close(self) -> None:
        await self._client.close()


class _Watch:
    """Notes when what came. Sound is looked at once the answer is over, so that looking costs no time."""

    def __init__(self) -> None:
        self._started_s = time.perf_counter()
        self.status: int | None = None
        self._request_id: str | None = None
        self._first_text_s: float | None = None
        self._first_sound_s: float | None = None
        self._words: list[str] = []
        self._sound: list[str] = []
        self._usage: Usage | None = None
        self._finished = False

    def answered(self, response: Any) -> None:
        self.status = int(response.status_code)
        self._request_id = _plain(response.headers.get("x-request-id"))

    def see(self, chunk: Any) -> None:
        now_s = self._elapsed_s()
        self._usage = usage_of(chunk.usage) or self._usage
        for choice in chunk.choices:
            words, sound = words_and_sound(choice.delta)
            self._finished = self._finished or bool(choice.finish_reason)
            if words:
                self._words.append(words)
                self._first_text_s = now_s if self._first_text_s is None else self._first_text_s
            if sound:
                self._sound.append(sound)
                self._first_sound_s = now_s if self._first_sound_s is None else self._first_sound_s

    @property
    def stage(self) -> str:
        """What was still being waited for."""
        if self.status is None:
            return "no_answer"
        return "no_sound" if self._first_sound_s is None else "no_end"

    def judged(self, expect: re.Pattern[str]) -> Finding:
        """Of an answer that has ended. Raises `ValueError` where its sound is none."""
        end_s = self._elapsed_s()
        samples = np.frombuffer(b"".join(base64.b64decode(piece, validate=True) for piece in self._sound), "<i2")
        amiss = {
            "empty": not self._words and not self._sound,
            "no_sound": not len(samples),
            "silent": not np.any(np.abs(samples.astype(np.int32)) >= QUIET),
            "broken_off": not self._finished,
            "not_expected": not expect.search("".join(self._words)),
        }
        code = next((name for name, found in amiss.items() if found), None)
        sound_s = round(len(samples) / SPEAK_RATE_HZ, 3)
        return self.finding("ok" if code is None else "wrong", code, end_s, sound_s)

    def finding(
        self, outcome: Outcome, code: str | None, end_s: float | None = None, sound_s: float | None = None
    ) -> Finding:
        return Finding(
            outcome,
            round(self._elapsed_s() if end_s is None else end_s, 3),
            self.status,
            code,
            _rounded(self._first_text_s),
            _rounded(self._first_sound_s),
            sound_s,
            self._request_id,
            self._usage,
            reached=outcome not in ("refused", "no_connection"),
        )

    def _elapsed_s(self) -> float:
        return time.perf_counter() - self._started_s


def _failed(watch: _Watch, error: Exception) -> Finding:
    """What an error says. One that is not the client's is of an answer in another shape than OpenAI's."""
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return watch.finding("timeout", watch.stage)
    if isinstance(error, openai.APIConnectionError):
        cut = watch.status is not None
        return watch.finding("error", "broken_off") if cut else watch.finding("no_connection", _why_unconnected(error))
    if not isinstance(error, openai.APIError):
        return watch.finding("wrong", "bad_shape")
    outcome: Outcome = "error"  # also one that is told within the stream
    if isinstance(error, openai.APIStatusError):
        watch.answered(error.response)
        outcome = _OF_STATUS.get(error.status_code // 100, "wrong")
    return watch.finding(outcome, _plain(error.code) or _plain(error.type))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _plain(told: object) -> str | None:
    """A code or an id as it is; None where it looks like anything else, which may quote what was said."""
    return told if isinstance(told, str) and _CODE.fullmatch(told) else None


def _why_unconnected(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "name_not_known" if cause.errno == socket.EAI_NONAME else "name_lookup_failed"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "certificate"
        if isinstance(cause, ssl.SSLError):
            return "tls"
        if isinstance(cause, OSError) and cause.errno in _ERRNOS:
            return _ERRNOS[cause.errno]
    return "connection_failed"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What lies under an error, and under that, the deepest last."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
                yield from _causes(each)  # pyright: ignore[reportUnknownArgumentType]
        error = error.__cause__ or error.__context__
