"""Enter what happened to an alert, and put into the outbox who is to be told of it.

In:     an alert as it then stands, what happened, the connection of the change's own transaction.
Out:    an entry of its history; messages that are kept exactly where the change is.
Source: docs/delivery.md; docs/decisions/0020-delivery.md.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.monitors.alerts import AlertState
from service.monitors.telling import ESCALATED, SETTLES, is_urgent, messages_of
from service.store import alerts as alert_store
from service.store import outbox
from service.store.alerts import SYSTEM
from service.store.engine import Connection
from service.store.recipients import all_recipients

TOLD_DETAIL = {"into": "merged_into", "outcome": "outcome"}
"""What is told of an entry's detail, and its name there. Nobody's words are."""


def note_happening(
    connection: Connection,
    alert: AlertState,
    happened: str,
    now: datetime,
    *,
    actor: str = SYSTEM,
    note: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Note in the alert's history what happened, and have the recipients told."""
    detail = detail or {}
    sequence = alert_store.add_history(
        connection, alert.id, happened, now, actor=actor, note=note, detail=detail
    )
    recipients = [kept.recipient for kept in all_recipients(connection)]
    if not recipients:
        return
    if happened in SETTLES:
        outbox.cancel_escalations(connection, alert.id, now)
    told = outbox.told_of(connection, alert.id)
    messages = messages_of(recipients, alert, happened, now, told)
    at_once = [one.recipient_id for one in messages if one.event != ESCALATED]
    if at_once and is_urgent(alert):
        outbox.hasten(connection, alert.id, at_once, now)
    if escalated := [one.recipient_id for one in messages if one.event == ESCALATED]:
        outbox.cancel_escalations(connection, alert.id, now, escalated)
    facts = facts_of(alert, sequence, now, detail)
    outbox.put_messages(connection, messages, alert.id, facts, now)


def facts_of(
    alert: AlertState, sequence: int, now: datetime, detail: Mapping[str, Any]
) -> dict[str, Any]:
    """What anybody may be told of an alert outside: which, where, how bad; no case, no figure."""
    return {
        "alert": alert.id,
        "kind": alert.kind,
        "monitor": alert.monitor_id,
        "severity": alert.severity,
        "status": alert.status,
        "facilities": list(alert.facilities),
        "sequence": sequence,
        "happened_at": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        **{TOLD_DETAIL[name]: detail[name] for name in TOLD_DETAIL if name in detail},
    }
