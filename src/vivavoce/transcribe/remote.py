"""A listener elsewhere: any OpenAI-compatible server, by base URL. Is a `listen.base.Listener`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from vivavoce.audio import Audio
from vivavoce.codec.encode import encode
from vivavoce.errors import UpstreamFailed
from vivavoce.languages import code_of
from vivavoce.listen.base import ListenOptions, Segment, Word

TRIES = 5
LONGEST_WAIT_S = 60.0
TIMEOUT_S = 600.0
BUSY = (429, 500, 502, 503, 504)


class HttpListener:
    """Sends each recording as flac. Words are told to be as sure as the segment that they are of."""

    def __init__(self, base_url: str, api_key: str, model: str) -> None:
        headers = {"authorization": f"Bearer {api_key}"}
        self._client = httpx.AsyncClient(base_url=base_url.rstrip("/"), headers=headers, timeout=TIMEOUT_S)
        self._model = model

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        """Raises `UpstreamFailed`."""
        options = options or ListenOptions()
        data = await asyncio.to_thread(encode, audio, "flac")
        answer = await self._ask(data, _form(self._model, options))
        segments = _segments(answer)
        for segment in segments or [Segment("", 0.0, audio.duration_s, None, 0.0, 1.0)]:
            yield segment

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, data: bytes, form: dict[str, Any]) -> dict[str, Any]:
        """The answer; a server that is busy, or not there just now, is asked again."""
        number = 1
        while (response := await self._post(data, form, last=number == TRIES)) is None or (
            response.status_code in BUSY and number < TRIES
        ):
            await asyncio.sleep(number if response is None else _wait_s(response, number))
            number += 1
        if response.status_code != 200:
            raise UpstreamFailed(f"{self._client.base_url} answered {response.status_code}: {_reason(response)}")
        try:
            return response.json()
        except ValueError as error:
            raise UpstreamFailed(f"{self._client.base_url} answered what is no JSON.") from error

    async def _post(self, data: bytes, form: dict[str, Any], *, last: bool) -> httpx.Response | None:
        """None where the server cannot be reached, unless it is the last try."""
        try:
            return await self._client.post("/audio/transcriptions", data=form, files={"file": ("part.flac", data)})
        except httpx.TransportError as error:
            if last:
                raise UpstreamFailed(f"{self._client.base_url} cannot be reached: {type(error).__name__}.") from error
            return None


def _form(model: str, options: ListenOptions) -> dict[str, Any]:
    form: dict[str, Any] = {
        "model": model,
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word", "segment"],
        "language": options.language,
        "prompt": options.prompt,
        "keywords[]": list(options.keywords),
    }
    return {name: value for name, value in form.items() if value}


def _segments(answer: dict[str, Any]) -> list[Segment]:
    """Raises `UpstreamFailed` for an answer that lacks what was asked for."""
    try:
        words = [
            (str(row["word"]).strip(), float(row["start"]), float(row["end"])) for row in answer.get("words") or ()
        ]
        language = code_of(str(answer.get("language") or ""))
        found: list[Segment] = []
        for row in answer["segments"]:
            start_s, end_s = float(row["start"]), float(row["end"])
            sure = min(1.0, math.exp(float(row.get("avg_logprob") or 0.0)))
            taken = 0
            while taken < len(words) and words[taken][1] < end_s - 1e-3:
                taken += 1
            own = tuple(Word(text, start, end, sure) for text, start, end in words[:taken])
            words = words[taken:]
            if str(row["text"]).strip():
                silent = float(row.get("no_speech_prob") or 0.0)
                found.append(Segment(str(row["text"]).strip(), start_s, end_s, language, 1.0, silent, own))
        return found
    except (KeyError, TypeError, ValueError) as error:
        raise UpstreamFailed(f"The server's answer has no segments as asked for: {error!r}.") from error


def _wait_s(response: httpx.Response, number: int) -> float:
    try:
        asked_s = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked_s = float(2**number)
    return min(LONGEST_WAIT_S, max(0.0, asked_s))


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]
