"""One log line for every request: what was asked for, how it ended, how long it took.

In:     requests as they end.
Out:    a line with the route's template; no path, no parameter, no key.
Source: docs/operations.md: no log line holds a patient's identifier.
"""

import structlog

from service.api.request_ends import Ended

log = structlog.stdlib.get_logger(__name__)
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: told only at level debug."""


def log_request(ended: Ended) -> None:
    """Write the line."""
    tell = log.debug if ended.route in QUIET and ended.status < 400 else log.info
    tell(
        "request",
        method=ended.method,
        route=ended.route,
        status=ended.status,
        duration_ms=round(ended.seconds * 1000, 1),
    )
