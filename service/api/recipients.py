"""Recipients: who is told of alerts.

In:     `GET|POST /v1/recipients`, `GET|PATCH|DELETE /v1/recipients/{id}`,
        `POST /v1/recipients/{id}/test`, `POST /v1/recipients/{id}/rotate-secret`.
Out:    documents; a secret once, when it is made.
Source: docs/delivery.md.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.api.delivery_documents import DeliveryDocument, tell_delivery
from service.api.dependencies import Operator, SurveillanceDep, WaysDep
from service.api.network_access import require_network
from service.api.parameters import only_parameters
from service.api.recipient_documents import (
    NewRecipient,
    NewRecipientDocument,
    RecipientChange,
    RecipientDocument,
    RecipientList,
    SecretDocument,
    tell_new_recipient,
    tell_recipient,
)
from service.pipeline import recipients
from service.store.recipients import all_recipients

router = APIRouter(prefix="/v1/recipients", tags=["delivery"])


@router.get("", summary="Who is told of alerts")
def get_recipients(surveillance: SurveillanceDep, principal: Operator) -> RecipientList:
    """Every recipient, switched off ones too, with whether the last attempt succeeded."""
    require_network(principal)
    with surveillance.database.read() as connection:
        return RecipientList(items=[tell_recipient(kept) for kept in all_recipients(connection)])


@router.post("", summary="Have somebody told of alerts", status_code=201)
def add_recipient(
    body: NewRecipient,
    response: Response,
    surveillance: SurveillanceDep,
    ways: WaysDep,
    principal: Operator,
) -> NewRecipientDocument:
    """A webhook, e-mail addresses, or Alertmanager. A webhook's secret is shown this once: what
    is sent is signed with it. What happened before is not told."""
    require_network(principal)
    recipient = body.recipient(recipients.new_id())
    kept, secret = recipients.add_recipient(surveillance, ways, recipient, principal.actor)
    response.headers["location"] = f"/v1/recipients/{recipient.id}"
    return tell_new_recipient(kept, secret)


@router.get("/{recipient_id}", summary="One recipient")
def get_recipient(
    recipient_id: str, surveillance: SurveillanceDep, principal: Operator
) -> RecipientDocument:
    """A recipient, and whether the last attempt succeeded."""
    require_network(principal)
    with surveillance.database.read() as connection:
        return tell_recipient(recipients.find_recipient(connection, recipient_id))


@router.patch("/{recipient_id}", summary="Change a recipient, or switch it on or off")
def change_recipient(
    recipient_id: str,
    body: RecipientChange,
    surveillance: SurveillanceDep,
    ways: WaysDep,
    principal: Operator,
) -> RecipientDocument:
    """What is left out stays. Switched off, what waits for it is taken back; each can be sent by
    `POST /v1/deliveries/{id}/replay` once it is on again."""
    require_network(principal)
    kept = recipients.change_recipient(
        surveillance, ways, recipient_id, body.fields(), principal.actor
    )
    return tell_recipient(kept)


@router.delete("/{recipient_id}", summary="Tell somebody no more", status_code=204)
def remove_recipient(recipient_id: str, surveillance: SurveillanceDep, principal: Operator) -> None:
    """What waits for it is taken back; the log of what it was told stays."""
    require_network(principal)
    recipients.remove_recipient(surveillance, recipient_id, principal.actor)


@router.post(
    "/{recipient_id}/test",
    summary="Have a recipient told that this is a test",
    status_code=202,
    responses={409: {"description": "The recipient is switched off"}},
)
def test_recipient(
    recipient_id: str, response: Response, surveillance: SurveillanceDep, principal: Operator
) -> DeliveryDocument:
    """Sent at once, in quiet hours too; how it went is told at the address in `Location`."""
    require_network(principal)
    delivery = recipients.send_test(surveillance, recipient_id, principal.actor)
    response.headers["location"] = f"/v1/deliveries/{delivery.id}"
    return tell_delivery(delivery, ())


@router.post(
    "/{recipient_id}/rotate-secret",
    summary="Give a webhook a new secret",
    dependencies=[only_parameters("overlap_hours")],
    responses={409: {"description": "Only webhooks have a secret"}},
)
def rotate_secret(
    recipient_id: str,
    surveillance: SurveillanceDep,
    principal: Operator,
    overlap_hours: Annotated[
        int, Query(ge=0, le=24 * 30, description="For so long it is signed with both.")
    ] = 24,
) -> SecretDocument:
    """The new secret, shown this once. Until the overlap ends each message carries a signature by
    either, so a receiver may change over at any moment between."""
    require_network(principal)
    overlap = timedelta(hours=overlap_hours)
    secret = recipients.rotate_secret(surveillance, recipient_id, overlap, principal.actor)
    return SecretDocument(secret=secret, previous_until=surveillance.clock() + overlap)
