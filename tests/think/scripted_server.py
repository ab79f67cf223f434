"""A tiny HTTP server that answers each path with bytes written down beforehand; for error mapping without weights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


def response(status: int, body: object, **headers: str) -> bytes:
    """A complete JSON response. Header names are written with underscores."""
    payload = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Scripted", "Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + payload


def events(*chunks: object, done: bool = True) -> bytes:
    """A stream of server-sent events, closed by the end of the connection."""
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"] * done
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return (head + "".join(lines)).encode()


def chunk(text: str | None = None, finish: str | None = None, **more: object) -> dict[str, object]:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice], **more}


class ScriptedServer:
    """`answers` maps a path to the bytes sent back; what came in is kept in `requests` as (path, headers, body)."""

    def __init__(self, answers: dict[str, bytes], *, linger_s: float = 0.0) -> None:
        self.answers = answers
        self.linger_s = linger_s
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.hung_up = asyncio.Event()
        self.base_url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = head[0].split()[1]
            self.requests.append((path, headers, json.loads(body)))
            writer.write(self.answers.get(path) or response(404, {"error": {"message": "no such path"}}))
            await writer.drain()
            if self.linger_s:
                await asyncio.wait_for(reader.read(1), self.linger_s)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.hung_up.set()
            writer.close()


@asynccontextmanager
async def scripted(answers: dict[str, bytes], *, linger_s: float = 0.0) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(answers, linger_s=linger_s)
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    async with listener:
        yield server
