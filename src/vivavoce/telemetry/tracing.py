"""OpenTelemetry spans: one per request, one under it per piece of work of a stage. Off unless an endpoint is set.

The SDK (`pip install 'vivavoce[otel]'`) is loaded only then. The provider is never made the global one, so that no
library adds spans with what we leave out. Attributes hold figures and bounded names, never content, ids or keys.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from vivavoce import __version__
from vivavoce.errors import MissingDependency

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as OtelSpan

Value = str | int | float | bool

EXPORT_TIMEOUT_S = 5.0
"""How long one export may take; requests never wait for it."""


class Span(Protocol):
    """What we ask of a span."""

    def child(self, name: str) -> Span: ...
    def tell(self, attributes: Mapping[str, Value]) -> None: ...
    def event(self, name: str) -> None: ...
    def rename(self, name: str) -> None: ...
    def fail(self, code: str) -> None: ...
    def end(self) -> None: ...


class NoSpan:
    """A span that nobody looks at."""

    def child(self, name: str) -> NoSpan:
        return self

    def tell(self, attributes: Mapping[str, Value]) -> None:
        return None

    def event(self, name: str) -> None:
        return None

    def rename(self, name: str) -> None:
        return None

    def fail(self, code: str) -> None:
        return None

    def end(self) -> None:
        return None


NO_SPAN = NoSpan()


class Tracing:
    """Spans of one process, on their way to an exporter in batches. Make it with `to`."""

    def __init__(self, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # Not `Resource.create`: that adds what the environment and its detectors say of this machine.
        about = Resource({"service.name": "vivavoce", "service.version": __version__})
        self._provider = TracerProvider(resource=about, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("vivavoce", __version__)

    @classmethod
    def to(cls, endpoint: str) -> Tracing:
        """Over OTLP/HTTP to a collector's base URL (`http://127.0.0.1:4318`). Raises as `require_tracing`."""
        require_tracing()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        path = "/v1/traces"
        url = endpoint.rstrip("/")
        return cls(OTLPSpanExporter(url if url.endswith(path) else url + path, timeout=EXPORT_TIMEOUT_S))

    def request(self, method: str, headers: Mapping[str, str]) -> Span:
        """The span of a request; continues the trace that its `traceparent` (W3C) names."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # The one header and no other: `tracestate` and baggage are free text of the caller's.
        carrier = {"traceparent": headers["traceparent"]} if "traceparent" in headers else {}
        context = TraceContextTextMapPropagator().extract(carrier)
        return _OtelSpan(
            self, self._tracer.start_span(method, context, SpanKind.SERVER, {"http.request.method": method})
        )

    def under(self, parent: OtelSpan, name: str) -> Span:
        from opentelemetry.trace import set_span_in_context

        return _OtelSpan(self, self._tracer.start_span(name, set_span_in_context(parent)))

    def flush(self) -> None:
        """Blocking: hand over what is waiting."""
        self._provider.force_flush()

    def close(self) -> None:
        """Blocking: hand over what is waiting, and end."""
        self._provider.shutdown()


class _OtelSpan:
    def __init__(self, tracing: Tracing, span: OtelSpan) -> None:
        self._tracing = tracing
        self._span = span

    def child(self, name: str) -> Span:
        return self._tracing.under(self._span, name)

    def tell(self, attributes: Mapping[str, Value]) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(name, value)

    def event(self, name: str) -> None:
        self._span.add_event(name)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, code: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", code)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()


def require_tracing() -> None:
    """Raises `MissingDependency` where the SDK or its exporter is not installed."""
    try:
        found = importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise MissingDependency(
            "Traces need the OpenTelemetry SDK: pip install 'vivavoce[otel]', or unset VIVA_OTEL_ENDPOINT."
        )
