"""What Prometheus may know: how the service does, never of whom it speaks.

In:     requests as they end, receipts of events, the ledger's position.
Out:    a registry of the application's own, told at `GET /metrics`.
Source: Prometheus naming: base units, `_total`; labels by route template, no ids of any kind.

Where several processes serve, prometheus_client keeps their numbers in a folder that they share
(docs/decisions/0011-several-processes.md), and whichever is asked tells those of all. What was
counted by one that is no more still counts.
"""

import os
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from service.api.request_ends import Ended
from service.domain.delivery_outcomes import RESULTS
from service.domain.recipients import CHANNELS

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
        self.ingest_seconds = Histogram(
            "graftwatch_ingest_duration_seconds",
            "Time from handing over a batch of events until it is on disk and counted.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.ledger_position = Gauge(
            "graftwatch_ledger_position",
            "The last position the ledger has reached.",
            registry=self.registry,
            multiprocess_mode="mostrecent",  # whoever is asked looks, and the last look counts
        )
        self.ledger_recorded_at = Gauge(
            "graftwatch_ledger_recorded_timestamp_seconds",
            "When the ledger reached that position; 0 before the first event.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.database_up = Gauge(
            "graftwatch_database_up",
            "1 while the database answers, else 0.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )

        self.outbox_depth = Gauge(
            "graftwatch_outbox_depth",
            "Messages that wait to be delivered.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.outbox_age = Gauge(
            "graftwatch_outbox_oldest_due_seconds",
            "For how long the oldest undelivered message has been due; 0 where none is.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.delivery_attempts = Counter(
            "graftwatch_delivery_attempts",
            "Attempts to deliver a message, by channel and by what came of them.",
            ("channel", "outcome"),
            registry=self.registry,
        )
        for channel in CHANNELS:
            for result in RESULTS:
                self.delivery_attempts.labels(channel, result)

    def count_attempt(self, channel: str, outcome: str) -> None:
        """Count an attempt to deliver a message."""
        self.delivery_attempts.labels(channel, outcome).inc()

    def count_events(self, statuses: Mapping[str, int]) -> None:
        """Count events by what became of them."""
        for status, number in statuses.items():
            self.events.labels(status).inc(number)

    def count_request(self, ended: Ended) -> None:
        """Count and time a request."""
        self.requests.labels(ended.method, ended.route, str(ended.status)).inc()
        self.request_seconds.labels(ended.method, ended.route).observe(ended.seconds)

    def told(self) -> bytes:
        """All of it as Prometheus reads it, of every process that serves."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)
