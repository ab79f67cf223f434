"""An answer recorded from a server and given again by one that does nothing else: what a client's own work costs.

The replaying server reads a request, waits before each recorded piece as long as the engines took for it, and sends it.
What the real server takes beyond that is what the real server adds.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from vivavoce.bench.exchange import streamed_request
from vivavoce.errors import UpstreamFailed

Recorded = Sequence[tuple[float, bytes]]
"""Server-sent events, and how many seconds to wait before each is sent."""

_TIMEOUT_S = 60.0
_WRITTEN = re.compile(rb'"(transcript|content)":"[^"]')


def record(base_url: str, model: str, wav: bytes, system: str, voice: str, waits_s: Sequence[float]) -> Recorded:
    """What the server streams to a question: `waits_s` before its first pieces of text, then at once its first sound,
    then all the rest. Raises `UpstreamFailed`."""
    body = streamed_request(model, base64.b64encode(wav).decode("ascii"), system, voice)
    try:
        answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=_TIMEOUT_S).raise_for_status()
    except httpx.HTTPError as error:
        raise UpstreamFailed(f"{base_url} could not be recorded: {error}") from error
    events = [event + b"\n\n" for event in answer.content.split(b"\n\n") if event]
    written = [number for number, event in enumerate(events) if _WRITTEN.search(event)]
    sounds = [number for number, event in enumerate(events) if b'"data":"' in event]
    if len(written) < len(waits_s) or not sounds:
        raise UpstreamFailed("the answer held too few words, or no sound")
    waits = dict(zip(written, waits_s, strict=False))
    last = written[len(waits_s) - 1]
    order = [*range(last + 1), sounds[0], *(n for n in range(last + 1, len(events)) if n != sounds[0])]
    return [(waits.get(number, 0.0), events[number]) for number in order]


@contextmanager
def replaying(recorded: Recorded) -> Generator[str]:
    """The base URL, with /v1, of a server that answers every request with `recorded`."""

    class Replaying(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:  # the name that the library looks for
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            due_s = time.perf_counter()
            for wait_s, piece in recorded:
                due_s += wait_s
                time.sleep(max(0.0, due_s - time.perf_counter()))
                self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: the bench draws a progress bar."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Replaying) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            serving.join()
