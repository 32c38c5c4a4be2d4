"""Deliveries as documents.

In:     what is kept of a message and of each attempt.
Out:    documents, without a word of what was said.
Source: docs/delivery.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.store.delivery_log import Attempt
from service.store.outbox import Delivery

DELIVERY: dict[str, Any] = {
    "id": 812,
    "message_id": "msg_3c1f0a5e9b7d4e2f8a6b1c0d9e8f7a65",
    "recipient": "r-5d1f60a3b8e94c27",
    "event": "alert.opened",
    "alert": "alert-1180-0",
    "state": "delivered",
    "created_at": "2026-03-01T12:00:00Z",
    "due_at": "2026-03-01T12:00:00Z",
    "finished_at": "2026-03-01T12:00:01Z",
    "replay_of": None,
    "attempts": [
        {
            "at": "2026-03-01T12:00:01Z",
            "outcome": "delivered",
            "status": 204,
            "reason": None,
            "milliseconds": 84,
        }
    ],
}


class AttemptDocument(BaseModel):
    """One try."""

    at: datetime
    outcome: Literal["delivered", "refused", "failed", "blocked", "gone"]
    status: int | None = Field(description="What the other side answered, where it did.")
    reason: str | None = Field(description="A word on why; never the other side's own words.")
    milliseconds: int


class DeliveryDocument(BaseModel):
    """A message to one recipient, and every attempt to deliver it."""

    model_config = ConfigDict(json_schema_extra={"example": DELIVERY})

    id: int
    message_id: str = Field(description="Stays the same however often it is sent: `webhook-id`.")
    recipient: str
    event: str
    alert: str | None
    state: Literal["waiting", "delivered", "failed", "cancelled"]
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    replay_of: int | None
    attempts: list[AttemptDocument]


class DeliveryPage(BaseModel):
    """Deliveries, the newest first."""

    items: list[DeliveryDocument]
    next: str | None


def tell_delivery(delivery: Delivery, attempts: Sequence[Attempt]) -> DeliveryDocument:
    """A delivery's document."""
    return DeliveryDocument(
        id=delivery.id,
        message_id=delivery.message_id,
        recipient=delivery.recipient_id,
        event=delivery.event,
        alert=delivery.alert_id,
        state=delivery.state,  # type: ignore[arg-type]
        created_at=delivery.created_at,
        due_at=delivery.due_at,
        finished_at=delivery.finished_at,
        replay_of=delivery.replay_of,
        attempts=[
            AttemptDocument(
                at=one.attempted_at,
                outcome=one.outcome,  # type: ignore[arg-type]
                status=one.status,
                reason=one.reason,
                milliseconds=one.milliseconds,
            )
            for one in attempts
        ],
    )
