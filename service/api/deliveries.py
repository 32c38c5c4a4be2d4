"""Deliveries: what was told to whom, and how each attempt went.

In:     `GET /v1/deliveries`, `GET /v1/deliveries/{id}`, `POST /v1/deliveries/{id}/replay`.
Out:    the log, the newest first; never a body, of either side.
Source: docs/delivery.md.
"""

from collections.abc import Collection
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from service.api.delivery_documents import DeliveryDocument, DeliveryPage, tell_delivery
from service.api.dependencies import Operator, SurveillanceDep
from service.api.network_access import require_network
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.pipeline import recipients
from service.store import delivery_log

router = APIRouter(prefix="/v1/deliveries", tags=["delivery"])

FILTERS = ("recipient", "alert", "event", "state")
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Names = Annotated[list[str], Query(max_length=100, description="Repeatable.")]
States = Literal["waiting", "delivered", "failed", "cancelled"]


@router.get(
    "",
    summary="What was told to whom",
    dependencies=[only_parameters(*FILTERS, "limit", "cursor")],
)
def get_deliveries(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    principal: Operator,
    recipient: Names = [],  # noqa: B006
    alert: Names = [],  # noqa: B006
    event: Names = [],  # noqa: B006
    state: Annotated[list[States], Query(description="Repeatable.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> DeliveryPage:
    """Every message of the last 90 days with every attempt to deliver it."""
    require_network(principal)
    filters: dict[str, Collection[str]] = {
        "recipient_id": recipient,
        "alert_id": alert,
        "event": event,
        "state": state,
    }
    before = key_in(cursor, int)
    with surveillance.database.read() as connection:
        found = delivery_log.deliveries_before(connection, filters, before, limit + 1)
        page = found[:limit]
        attempts = delivery_log.attempts_of(connection, [one.id for one in page])
    following = next_page(request, page[-1].id if len(found) > limit else None)
    response.headers.update(link_to(following))
    return DeliveryPage(
        items=[tell_delivery(one, attempts[one.id]) for one in page], next=following
    )


@router.get("/{delivery_id}", summary="One message and how it went")
def get_delivery(
    delivery_id: Number, surveillance: SurveillanceDep, principal: Operator
) -> DeliveryDocument:
    """A message to one recipient with every attempt to deliver it."""
    require_network(principal)
    with surveillance.database.read() as connection:
        delivery = recipients.find_delivery(connection, delivery_id)
        attempts = delivery_log.attempts_of(connection, [delivery_id])
    return tell_delivery(delivery, attempts[delivery_id])


@router.post(
    "/{delivery_id}/replay",
    summary="Send a message again",
    status_code=202,
    responses={409: {"description": "It waits still, or its recipient is switched off"}},
)
def replay(
    delivery_id: Number, response: Response, surveillance: SurveillanceDep, principal: Operator
) -> DeliveryDocument:
    """Whatever became of it: sent once more, at once, under the same `message_id`, by which a
    receiver that took it already knows it again."""
    require_network(principal)
    delivery = recipients.replay(surveillance, delivery_id, principal.actor)
    response.headers["location"] = f"/v1/deliveries/{delivery.id}"
    return tell_delivery(delivery, ())
