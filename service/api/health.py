"""Is it alive, can it work, and how does it do?

In:     the surveillance and the counters.
Out:    `/health/live`, `/health/ready`, `/metrics`; none asks for a key, none speaks of patients.
Source: docs/api.md; docs/operations.md, "Watching it".
"""

from typing import Literal

import structlog
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.responses import Response

from service.api.access import Principal
from service.api.dependencies import Anybody, SurveillanceDep
from service.api.problems import problem
from service.api.programme_metrics import rendered
from service.api.state import Running, running
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
    openapi_extra={"security": [{}]},  # with a key or without
)
def metrics(request: Request, principal: Anybody) -> Response:
    """How the service does, for Prometheus: requests by route, never by patient or facility. With a
    key that has the scope `rates:read` the programme's figures too, of the facilities that the key
    may see: cases, person-years, what watched baselines expect, open alerts. Without one, or with
    one that holds no longer, `graftwatch_programme_told` is 0."""
    service = running(request)
    try:
        told = _look(service, principal)
        service.metrics.database_up.set(1)
    except UNAVAILABLE:
        log.exception("database unavailable")
        service.metrics.database_up.set(0)
        told = rendered(None)
    return Response(service.metrics.told() + told, media_type=CONTENT_TYPE_LATEST)


def _look(service: Running, principal: Principal | None) -> bytes:
    """Note how far the ledger is, and tell of the programme what may be told."""
    with service.surveillance.database.read() as connection:
        position = ledger.head_position(connection)
        recorded_at = ledger.recorded_at(connection, position)
        now = service.surveillance.clock()
        waiting, oldest = outbox.depth(connection, now)
    service.metrics.ledger_position.set(position)
    service.metrics.ledger_recorded_at.set(recorded_at.timestamp() if recorded_at else 0)
    service.metrics.outbox_depth.set(waiting)
    service.metrics.outbox_age.set((now - oldest).total_seconds() if oldest else 0)
    if principal is None:
        return rendered(None)
    return service.programme.told(principal.facilities, hidden_below=principal.hidden_below)
