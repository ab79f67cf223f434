"""A client that goes while its stream has not begun: nothing works on for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import httpx
import pytest
from scripted_app import MakeServer, spoken

from vivavoce.audio import Audio
from vivavoce.listen.base import ListenOptions, Segment
from vivavoce.testing import ScriptedListener

MODEL = "gpt-4o-mini-audio-preview"


def test_a_client_that_hangs_up_before_its_stream_begins_frees_the_listener(make_server: MakeServer) -> None:
    class Slow(ScriptedListener):
        ended = False

        async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
            try:
                await asyncio.sleep(60)
                yield Segment("", 0.0, audio.duration_s, None, 0.0, 1.0)
            finally:
                self.ended = True

    listener = Slow()
    server = make_server(listener=listener)
    body = {"model": MODEL, "messages": spoken(), "stream": True}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=httpx.Timeout(5, read=0.5))
    deadline_s = time.monotonic() + 5
    while not listener.ended:
        assert time.monotonic() < deadline_s, "the listener goes on for nobody"
        time.sleep(0.02)
