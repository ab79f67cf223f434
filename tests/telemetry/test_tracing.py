"""Spans of real requests: their tree, their figures, and that nothing of what was said is in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted_app import MakeServer, ScriptedServer, spoken

from vivavoce.errors import MissingDependency
from vivavoce.telemetry import tracing as tracing_module
from vivavoce.telemetry.telemetry import Telemetry
from vivavoce.telemetry.tracing import Tracing
from vivavoce.testing import ScriptedThinker

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
QUESTION = {
    "model": "gpt-4o-mini-audio-preview",
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "messages": spoken(),
}


class Traced:
    """A server whose spans are kept."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self._exporter = InMemorySpanExporter()
        self._tracing = Tracing(self._exporter)
        server.service.telemetry = Telemetry(tracing=self._tracing)

    def spans(self, number: int = 0) -> list[ReadableSpan]:
        """All, once there are `number`: a client has its answer before the span of its request ends."""
        deadline_s = time.monotonic() + 10
        while True:
            self._tracing.flush()
            found = list(self._exporter.get_finished_spans())
            if len(found) >= number:
                return found
            assert time.monotonic() < deadline_s, f"waited in vain for {number} spans"
            time.sleep(0.02)

    def close(self) -> None:
        self._tracing.close()


@pytest.fixture
def traced(make_server: MakeServer) -> Iterator[Traced]:
    traced = Traced(make_server(answer="Aardvarks abound."))
    yield traced
    traced.close()


def test_a_span_per_request_and_stage_in_the_callers_trace(traced: Traced) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "who=wombat", "baggage": "who=wombat"}
    answer = traced.server.http.post("/v1/chat/completions", json=QUESTION, headers=headers)
    audio_id = answer.json()["choices"][0]["message"]["audio"]["id"]
    spans = traced.spans(4)
    request = spans[-1]
    assert request.name == "POST /v1/chat/completions"
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    assert [event.name for event in request.events] == ["first_text", "first_sound"]
    assert {span.name for span in spans[:-1]} == {"listen", "think", "speak"}
    for span in spans:
        assert f"{span.context.trace_id:032x}" == TRACE
        if span is not request:
            assert span.parent is not None
            assert span.parent.span_id == request.context.span_id
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["gen_ai.usage.output_tokens"] > 0
    told = " ".join(span.to_json() for span in spans)
    for secret in ("ardvark", "wombat", "two plus", audio_id, answer.headers["x-request-id"]):
        assert secret not in told


def test_errors_and_given_up_work_are_told(traced: Traced) -> None:
    traced.server.http.post("/v1/chat/completions", json=QUESTION | {"model": "wombat"})
    (request,) = traced.spans(1)
    assert request.attributes is not None
    assert request.attributes["error.type"] == "model_not_found"
    assert not request.status.is_ok
    assert "wombat" not in request.to_json()


def test_a_stage_whose_client_is_gone_is_told_as_cancelled(make_server: MakeServer) -> None:
    traced = Traced(make_server(thinker=ScriptedThinker("word " * 500, delay_s=0.02)))
    body = {"model": "gpt-audio", "messages": [{"role": "user", "content": "Count."}], "stream": True}
    with traced.server.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        next(answer.iter_lines())
    think, request = traced.spans(2)
    for span in (think, request):
        assert span.attributes is not None
        assert span.attributes["error.type"] == "cancelled"
    traced.close()


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP, as a real collector would."""

    taken: list[tuple[str, ExportTraceServiceRequest]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        self.taken.append((self.path, request))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def collecting() -> Iterator[tuple[str, list[tuple[str, ExportTraceServiceRequest]]]]:
    taken: list[tuple[str, ExportTraceServiceRequest]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Taker", (Collector,), {"taken": taken}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_collector_gets_them_over_otlp(make_server: MakeServer) -> None:
    server = make_server()
    with collecting() as (url, taken):
        telemetry = server.service.telemetry = Telemetry(tracing=Tracing.to(url))
        assert server.http.post("/v1/chat/completions", json=QUESTION).status_code == 200
        time.sleep(0.05)
        telemetry.close()
    names = [
        span.name
        for path, request in taken
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if path == "/v1/traces"
    ]
    assert sorted(set(names)) == ["POST /v1/chat/completions", "listen", "speak", "think"]
    about = taken[0][1].resource_spans[0].resource.attributes
    assert [attribute.key for attribute in about] == ["service.name", "service.version"]


def test_answers_do_not_wait_for_a_collector_that_is_gone(make_server: MakeServer) -> None:
    server = make_server()
    telemetry = server.service.telemetry = Telemetry(tracing=Tracing.to("http://127.0.0.1:9"))
    assert server.http.post("/v1/chat/completions", json=QUESTION).status_code == 200
    started_s = time.monotonic()
    telemetry.close()
    assert time.monotonic() - started_s < 20


def test_without_the_sdk_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(tracing_module.importlib.util, "find_spec", nothing)
    with pytest.raises(MissingDependency, match=r"vivavoce\[otel\]"):
        Tracing.to("http://127.0.0.1:4318")
