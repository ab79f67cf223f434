"""The first stage of the flow: audio to segments to `Heard`, with who speaks where that is asked for.

Listening and telling speakers apart run at the same time, each on its own. Knows no turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from vivavoce import tasks
from vivavoce.audio import Audio
from vivavoce.errors import ServerFault
from vivavoce.listen.base import Heard, Listener, ListenOptions, Segment
from vivavoce.listen.speakers.base import Diarizer, SpeakerTurn
from vivavoce.listen.speakers.finding import find_quickly


async def hear(
    listener: Listener,
    audio: Audio,
    options: ListenOptions | None = None,
    finding: Callable[[], Coroutine[Any, Any, tuple[SpeakerTurn, ...]]] | None = None,
) -> AsyncGenerator[Segment | Heard, None]:
    """Yield segments as they are decoded, then one `Heard` that gathers them. finding: finds who speaks, meanwhile."""
    segments: list[Segment] = []
    found = asyncio.create_task(finding()) if finding is not None else None
    try:
        async with aclosing(listener.listen(audio, options or ListenOptions())) as stream:
            async for segment in stream:
                segments.append(segment)
                yield segment
        yield replace(Heard.of(segments, audio.duration_s), speakers=await found if found is not None else ())
    finally:
        if found is not None:
            await tasks.end(found)


async def hear_all(
    listener: Listener, audio: Audio, options: ListenOptions | None = None, diarizer: Diarizer | None = None
) -> Heard:
    """Listen to the end and return what was heard; `diarizer` tells who speaks."""
    finding = partial(find_quickly, diarizer, audio) if diarizer is not None else None
    async with aclosing(hear(listener, audio, options, finding)) as stream:
        async for event in stream:
            if isinstance(event, Heard):
                return event
    raise ServerFault("the listener ended without a result")  # pragma: no cover - hear always ends with Heard
