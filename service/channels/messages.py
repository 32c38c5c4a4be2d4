"""What is said: the same facts for every channel, and never of a patient.

In:     deliveries, the address under which people reach this service.
Out:    a document, and lines for people.
Source: docs/delivery.md; Standard Webhooks, "Payload structure".
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from service.store.outbox import Delivery

DIGEST = "alert.digest"
TEST = "test"

SENTENCES: Mapping[str, str] = {
    "alert.opened": "A new alert",
    "alert.updated": "An alert has changed",
    "alert.merged": "An older alert took over the cases of this one",
    "alert.acknowledged": "An alert was acknowledged",
    "alert.closed": "An alert was closed",
    "alert.reopened": "An alert was opened again",
    "alert.escalated": "Nobody has acknowledged an alert",
    TEST: "This is a test of Graftwatch",
}


def message_id_of(deliveries: Sequence[Delivery]) -> str:
    """The id by which a receiver knows a message again; a digest's says which ones it holds."""
    if len(deliveries) == 1:
        return deliveries[0].message_id
    together = "\n".join(one.message_id for one in deliveries)
    return f"msg_{sha256(together.encode()).hexdigest()[:32]}"


def document_of(deliveries: Sequence[Delivery], public_url: str | None) -> dict[str, Any]:
    """What a webhook is sent: `type`, `timestamp`, `data`; several deliveries are a digest."""
    items = [_item(delivery, public_url) for delivery in deliveries]
    if len(items) == 1:
        return items[0]
    return {"type": DIGEST, "timestamp": items[-1]["timestamp"], "data": {"items": items}}


def subject_of(deliveries: Sequence[Delivery]) -> str:
    """One line for a person: how bad, what, where."""
    if len(deliveries) > 1:
        return f"[Graftwatch] {len(deliveries)} changes of alerts"
    (delivery,) = deliveries
    if delivery.alert_id is None:
        return "[Graftwatch] test"
    facts = delivery.facts
    where = ", ".join(facts["facilities"]) or "the network"
    return f"[Graftwatch] {facts['severity']}: {delivery.event.partition('.')[2]} at {where}"


def text_of(deliveries: Sequence[Delivery], public_url: str | None) -> str:
    """The lines of an e-mail."""
    return "\n\n".join(_paragraph(delivery, public_url) for delivery in deliveries) + "\n"


def address_of(alert_id: str, public_url: str | None) -> str | None:
    """The alert's page, where people reach this service."""
    return f"{public_url.rstrip('/')}/alerts/{alert_id}" if public_url else None


def _item(delivery: Delivery, public_url: str | None) -> dict[str, Any]:
    data = {name: value for name, value in delivery.facts.items() if name != "happened_at"}
    if delivery.alert_id is not None:
        data["url"] = address_of(delivery.alert_id, public_url)
    timestamp = delivery.facts.get("happened_at") or _instant(delivery.created_at)
    return {"type": delivery.event, "timestamp": timestamp, "data": data}


def _paragraph(delivery: Delivery, public_url: str | None) -> str:
    lines = [f"{SENTENCES[delivery.event]}."]
    if delivery.alert_id is not None:
        facts = delivery.facts
        told = {
            "Alert": facts["alert"],
            "Severity": facts["severity"],
            "Status": facts["status"],
            "Kind": facts["kind"],
            "Facilities": ", ".join(facts["facilities"]) or "the network",
            "Monitor": facts["monitor"],
            "When": facts["happened_at"],
            "Page": address_of(delivery.alert_id, public_url),
        }
        lines += [f"{name}: {value}" for name, value in told.items() if value]
    return "\n".join(lines)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
