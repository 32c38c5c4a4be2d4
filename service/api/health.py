"""Is it alive, can it work, and how does it do?

In:     the surveillance and the counters.
Out:    `/health/live`, `/health/ready`, `/metrics`; none asks for a key, none speaks of patients.
Source: docs/api.md; docs/operations.md, "Watching it".
"""

from typing import Literal

import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.responses import Response

from service.api.dependencies import MetricsDep, SurveillanceDep
from service.api.problems import problem
from service.store import ledger, outbox
from service.store.migrate import is_at_head
from service.store.unavailable import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)
router = APIRouter(tags=["service"])


class Liveness(BaseModel):
    """The process serves."""

    status: Literal["live"] = "live"


class Readiness(BaseModel):
    """The database answers, has this release's shape, and its sums follow this service's rules."""

    status: Literal["ready"] = "ready"
    position: int


@router.get("/health/live")
def live() -> Liveness:
    """Answer as long as the process serves; decide on a restart by it."""
    return Liveness()


@router.get("/health/ready", response_model=Readiness)
def ready(surveillance: SurveillanceDep) -> Readiness | Response:
    """Answer 200 when the service can do its work; decide by it whether to send requests."""
    with surveillance.database.read() as connection:
        if not is_at_head(connection):
            return problem(
                "unavailable",
                "The database has not the shape this release needs: run `graftwatch migrate`.",
                code="not_migrated",
            )
        position = ledger.head_position(connection)
        built_under = ledger.rules_fingerprint(connection)
    if built_under != surveillance.rules.fingerprint:
        return problem(
            "ledger_out_of_date",
            "The ledger was counted under other rules: run `graftwatch rebuild --apply`.",
        )
    return Readiness(position=position)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(surveillance: SurveillanceDep, counters: MetricsDep) -> Response:
    """The service's counters for Prometheus; labelled by route, never by patient or facility."""
    try:
        with surveillance.database.read() as connection:
            counters.ledger_position.set(ledger.head_position(connection))
            now = surveillance.clock()
            waiting, oldest = outbox.depth(connection, now)
        counters.outbox_depth.set(waiting)
        counters.outbox_age.set((now - oldest).total_seconds() if oldest else 0)
        counters.database_up.set(1)
    except UNAVAILABLE:
        log.exception("database unavailable")
        counters.database_up.set(0)
    return Response(counters.told(), media_type=CONTENT_TYPE_LATEST)
