"""A span for every request, for OpenTelemetry, where the environment says to whom it goes.

In:     the environment (OTEL_EXPORTER_OTLP_ENDPOINT and its kin), and requests as they end.
Out:    spans by OTLP over HTTP: method, route's template, status, how long; nothing as called.
Source: docs/operations.md, "Traces"; OpenTelemetry, "Semantic conventions for HTTP spans".

A span is made when its request has ended, from what log lines and metrics are told too, so that
it cannot hold more than they do: no path, no parameter, no key, no address.
"""

from collections.abc import Mapping
from time import time_ns
from typing import TYPE_CHECKING

from service import __version__
from service.api.request_ends import Ended
from service.api.request_log import QUIET

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NANOSECONDS = 1_000_000_000


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Does the environment name somebody to send spans to?

    >>> is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    True
    >>> is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_SDK_DISABLED": "true"})
    False
    """
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_off and any(environment.get(name) for name in ENDPOINTS)


class Tracing:
    """Sends spans in the background; safe to share between threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read the rest of the environment as OpenTelemetry has it: headers, samplers, names."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = TracerProvider(resource=_named(environment))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("graftwatch", __version__)
        self._parents = TraceContextTextMapPropagator()
        self._kind, self._error = SpanKind.SERVER, StatusCode.ERROR

    def trace_request(self, ended: Ended) -> None:
        """Make a span of a request, below the caller's where that was named."""
        if ended.route in QUIET and ended.status < 400:
            return
        end = time_ns()
        span = self._tracer.start_span(
            f"{ended.method} {ended.route}",
            context=self._parents.extract({"traceparent": ended.traceparent}),
            kind=self._kind,
            start_time=end - round(ended.seconds * NANOSECONDS),
            attributes={
                "http.request.method": ended.method,
                "http.route": ended.route,
                "http.response.status_code": ended.status,
            },
        )
        if ended.status >= 500:
            span.set_status(self._error)
        span.end(end)

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def _named(environment: Mapping[str, str]) -> "Resource":
    from opentelemetry.sdk.resources import Resource

    own = {"service.version": __version__}
    if not environment.get("OTEL_SERVICE_NAME"):
        own["service.name"] = "graftwatch"
    return Resource.create(own)
