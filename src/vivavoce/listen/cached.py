"""No recording is listened to twice: a cache around any `Listener`, keyed by content and by how it was listened to.

Two requests with the same recording at the same time listen once and both follow it. Only what was heard to the end is
kept; what failed or was given up is not. Knows no engine, and not where things are kept: that is a `HearingStore`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from importlib.resources import files
from typing import Protocol

import numpy as np
from pydantic import TypeAdapter, ValidationError

from vivavoce import __version__, tasks
from vivavoce.audio import Audio
from vivavoce.errors import VivaError
from vivavoce.listen.base import Listener, ListenOptions, Segment

log = logging.getLogger(__name__)

_SEGMENTS = TypeAdapter(tuple[Segment, ...])
_DEFAULT_OPTIONS = ListenOptions()


class HearingStore(Protocol):
    """Bytes by owner, recording (a digest of its samples) and settings. Blocking; may raise `VivaError`."""

    def get(self, owner: bytes, recording: bytes, settings: bytes) -> bytes | None: ...

    def put(self, owner: bytes, recording: bytes, settings: bytes, heard: bytes, *, ttl_s: int) -> None: ...


Key = tuple[bytes, bytes, bytes]
"""Owner, recording, settings."""


class HeardOnce:
    """The cache of one process. engine: `kind:model`; `ttl_s`: how long what was heard is kept."""

    def __init__(self, store: HearingStore, engine: str, ttl_s: int) -> None:
        self._store = store
        self._ttl_s = ttl_s
        self._engine = [engine, __version__, _version_of_listening()]
        self._flights: dict[Key, _Flight] = {}

    def listener(self, listener: Listener, owner: bytes) -> Listener:
        """`listener` for one owner, who never makes it listen to the same recording twice."""
        return _CachedListener(self, listener, owner)

    async def listen(
        self, listener: Listener, owner: bytes, audio: Audio, options: ListenOptions
    ) -> AsyncGenerator[Segment, None]:
        settings = json.dumps([*self._engine, asdict(options)], sort_keys=True).encode()
        key = (owner, await asyncio.to_thread(_digest, audio), settings)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            flight.task = asyncio.create_task(self._fly(flight, key, listener, audio, options))
        flight.followers += 1
        try:
            async with aclosing(flight.follow()) as segments:
                async for segment in segments:
                    yield segment
        finally:
            flight.followers -= 1
            if not flight.followers and not flight.ended:
                # Nobody waits for it any more; whoever comes now starts anew.
                self._flights.pop(key, None)
                await tasks.end(flight.task)

    async def _fly(self, flight: _Flight, key: Key, listener: Listener, audio: Audio, options: ListenOptions) -> None:
        """Listen, or recall, for all who follow `flight`."""
        try:
            known = await asyncio.to_thread(self._recall, key)
            if known is not None:
                flight.add(*known)
            else:
                async with aclosing(listener.listen(audio, options)) as segments:
                    async for segment in segments:
                        flight.add(segment)
            flight.end(None)
            if known is None:
                # Those who come meanwhile still follow this flight, so nothing waits for the disk.
                await asyncio.to_thread(self._remember, key, tuple(flight.segments))
        except Exception as error:
            flight.end(error)
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _recall(self, key: Key) -> tuple[Segment, ...] | None:
        try:
            stored = self._store.get(*key)
            return None if stored is None else _SEGMENTS.validate_json(stored)
        except ValidationError:
            return None
        except VivaError as error:
            log.warning("what was heard before cannot be read: %s", error.message)
            return None

    def _remember(self, key: Key, segments: tuple[Segment, ...]) -> None:
        try:
            self._store.put(*key, _SEGMENTS.dump_json(segments), ttl_s=self._ttl_s)
        except VivaError as error:
            log.warning("what was heard cannot be kept: %s", error.message)


class _CachedListener:
    def __init__(self, cache: HeardOnce, listener: Listener, owner: bytes) -> None:
        self._cache = cache
        self._listener = listener
        self._owner = owner

    def listen(self, audio: Audio, options: ListenOptions = _DEFAULT_OPTIONS) -> AsyncGenerator[Segment, None]:
        if options.temperature:
            return self._listener.listen(audio, options)  # drawn by chance, so each time anew
        return self._cache.listen(self._listener, self._owner, audio, options)

    async def close(self) -> None:
        await self._listener.close()


class _Flight:
    """One recording being listened to, for everyone who waits for it."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.followers = 0
        self.ended = False
        self._failure: Exception | None = None
        self._news = asyncio.Event()

    def add(self, *segments: Segment) -> None:
        self.segments += segments
        self._tell()

    def end(self, failure: Exception | None) -> None:
        self.ended, self._failure = True, failure
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(self) -> AsyncGenerator[Segment, None]:
        """Every segment from the first on, as it comes."""
        told = 0
        while True:
            news = self._news
            while told < len(self.segments):
                told += 1
                yield self.segments[told - 1]
            if self.ended:
                break
            if news is self._news:
                await news.wait()
        if self._failure is not None:
            raise self._failure


def _digest(audio: Audio) -> bytes:
    """SHA-256 of rate and samples: the same sound in another codec is another recording."""
    digest = hashlib.sha256(audio.rate_hz.to_bytes(4, "big"))
    digest.update(np.ascontiguousarray(audio.samples).data)
    return digest.digest()


def _version_of_listening() -> str:
    """Changes with any line of the code that listens, so that no better ear is held to what a worse one heard."""
    sources = sorted(
        (source.name, source.read_bytes()) for source in files("vivavoce.listen").iterdir() if source.is_file()
    )
    return hashlib.sha256(repr(sources).encode()).hexdigest()[:16]
