"""Alertmanager, which gathers, mutes and hands on alerts by its own rules.

In:     its address; the alerts that are open.
Out:    what came of telling it once.
Source: docs/delivery.md; Prometheus, "Alertmanager: Alerts API" (`/api/v2/alerts`), and what
        Prometheus itself does: it repeats what still holds, and what is not repeated ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from service.channels.messages import address_of
from service.channels.webhook import AGENT, TIMEOUT
from service.domain.delivery_outcomes import Outcome, outcome_of
from service.monitors.alerts import AlertState

REPEATED_AFTER = timedelta(seconds=60)
"""Alertmanager may be started anew and forgets: so often it is told of all that is open."""

HOLDS_FOR = 4 * REPEATED_AFTER
"""As Prometheus has it: an alert that was not repeated four times has ended."""

NAME = "GraftwatchAlert"


@dataclass(frozen=True, slots=True)
class AlertmanagerServer:
    """Where Alertmanager is, and what it wishes to see of whoever tells it something."""

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert, when it was opened, and whether it has ended."""

    alert: AlertState
    opened_at: datetime
    has_ended: bool = False


def documents_of(
    standing: Sequence[Standing], public_url: str | None, now: datetime
) -> list[dict[str, Any]]:
    """What Alertmanager is told: labels say which alert, annotations how it stands."""
    return [_document(one, public_url, now) for one in standing]


def document_of_test(now: datetime) -> dict[str, Any]:
    """An alert that ends at once, to see whether one arrives."""
    instant = _instant(now)
    labels = {"alertname": "GraftwatchTest", "severity": "none"}
    return {"labels": labels, "startsAt": instant, "endsAt": instant}


async def tell(server: AlertmanagerServer, documents: Sequence[Mapping[str, Any]]) -> Outcome:
    """Tell Alertmanager once."""
    headers = {"user-agent": AGENT}
    if server.token:
        headers["authorization"] = f"Bearer {server.token}"
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as client:
            address = f"{server.url.rstrip('/')}/api/v2/alerts"
            answer = await client.post(address, json=list(documents), headers=headers)
            outcome = outcome_of(answer.status_code, answer.headers.get("retry-after"))
    except (httpx.HTTPError, OSError) as fault:
        return Outcome("failed", reason=type(fault).__name__)
    # It is told of all that stands at once: what it refuses is no single message's fault.
    return outcome if outcome.result == "delivered" else outcome._replace(result="failed")


def _document(one: Standing, public_url: str | None, now: datetime) -> dict[str, Any]:
    alert = one.alert
    address = address_of(alert.id, public_url)
    where = ", ".join(alert.facilities) or "the network"
    return {
        "labels": {
            "alertname": NAME,
            "alert": alert.id,
            "kind": alert.kind,
            "monitor": alert.monitor_id,
            "severity": alert.severity,
            "facility": ",".join(alert.facilities),
        },
        "annotations": {
            "summary": f"{alert.severity} alert ({alert.kind}) at {where}",
            "status": alert.status,
        },
        "startsAt": _instant(one.opened_at),
        "endsAt": _instant(now if one.has_ended else now + HOLDS_FOR),
        **({"generatorURL": address} if address else {}),
    }


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
