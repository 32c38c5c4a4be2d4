"""What Prometheus may know: how the service does, never of whom it speaks.

In:     requests as they end, receipts of events, the ledger's position.
Out:    a registry of the application's own, told at `GET /metrics`.
Source: Prometheus naming: base units, `_total`; labels by route template, no ids of any kind.
"""

from collections.abc import Mapping
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
CLIENT_GONE = 499
UNMATCHED = "unmatched"
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """The counters of one running service."""

    def __init__(self) -> None:
        """Begin at nothing, in a registry of their own: two services may run in one process."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "graftwatch_http_requests",
            "Requests answered; 499 means the client went away before.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "graftwatch_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.events = Counter(
            "graftwatch_events",
            "Events received, by what became of them.",
            ("status",),
            registry=self.registry,
        )
        for status in ("accepted", "duplicate", "rejected"):
            self.events.labels(status)
        self.ledger_position = Gauge(
            "graftwatch_ledger_position",
            "The last position the ledger has reached.",
            registry=self.registry,
        )
        self.database_up = Gauge(
            "graftwatch_database_up",
            "1 while the database answers, else 0.",
            registry=self.registry,
        )

    def count_events(self, statuses: Mapping[str, int]) -> None:
        """Count events by what became of them."""
        for status, number in statuses.items():
            self.events.labels(status).inc(number)


def route_template(scope: Scope) -> str:
    """The route as declared, never as called: a path may hold a patient's pseudonym."""
    route = scope.get("route")
    return getattr(route, "path", None) or UNMATCHED


class CountRequests:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = CLIENT_GONE

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            route = route_template(scope)
            self.metrics.requests.labels(method, route, str(status)).inc()
            self.metrics.request_seconds.labels(method, route).observe(perf_counter() - began)
