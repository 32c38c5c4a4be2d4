"""One attempt at delivering, before and after: what goes next, and what follows from how it went.

In:     a leased recipient; the outcome of an attempt.
Out:    the deliveries to send together; what became of them, kept.
Source: docs/delivery.md; docs/decisions/0020-delivery.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from service.domain.audit_chain import Actor
from service.domain.delivery_outcomes import OF_THE_RECIPIENT, Outcome, next_try
from service.domain.delivery_times import Patience, after_quiet
from service.store import audit, outbox
from service.store import recipients as recipient_store
from service.store.alerts import SYSTEM
from service.store.audit import AuditEntry
from service.store.delivery_log import Attempt, add_attempts
from service.store.engine import Connection
from service.store.outbox import DELIVERED, FAILED, Delivery
from service.store.recipients import KeptRecipient

LEASE = timedelta(seconds=60)
"""Several times as long as an attempt: who has died holds a recipient back for no longer."""


class Tried(NamedTuple):
    """An attempt at the deliveries of one message."""

    deliveries: Sequence[Delivery]
    outcome: Outcome
    at: datetime
    milliseconds: int
    chance: float


def next_deliveries(
    connection: Connection, kept: KeptRecipient, now: datetime
) -> Sequence[Delivery]:
    """What to send next, in one message: one delivery, or all that are gathered in a digest.

    What is not urgent and has come into quiet hours is put off to their end.
    """
    recipient = kept.recipient
    due = outbox.due_for(connection, recipient.id, now)
    until = after_quiet(recipient.quiet_hours, recipient.zone, now)
    if until > now:
        outbox.put_off(connection, [one.id for one in due if not one.is_urgent], until)
        due = [one for one in due if one.is_urgent]
    if due and due[0].is_in_digest:
        return [one for one in due if one.is_in_digest]
    return due[:1]


def note_tried(
    connection: Connection, kept: KeptRecipient, sender: str, tried: Tried, patience: Patience
) -> bool:
    """Keep how an attempt went; may the sender go on with this recipient?"""
    outcome, now = tried.outcome, tried.at
    health = kept.health.after(outcome, now, tried.chance, patience)
    goes_on = outcome.result in ("delivered", "refused")
    until = now + LEASE if goes_on else None
    holds = recipient_store.keep_lease(connection, kept.recipient.id, sender, until, health)
    for delivery in tried.deliveries:
        values = _became(delivery, tried, patience)
        outbox.note_attempt(connection, delivery.id, now, **values)
    if outcome.result in OF_THE_RECIPIENT and health.is_given_up(now, patience):
        outbox.give_up(connection, kept.recipient.id, now - patience.keep, now)
    attempt = (now, outcome.result, outcome.status, outcome.reason, tried.milliseconds)
    add_attempts(connection, [Attempt(one.id, *attempt) for one in tried.deliveries])
    if outcome.result == "gone":
        switch_off_for_good(connection, kept, now)
    return goes_on and holds


def switch_off_for_good(connection: Connection, kept: KeptRecipient, now: datetime) -> None:
    """Tell a recipient nothing more that answered it is gone; a person may switch it on again."""
    recipient = replace(kept.recipient, is_enabled=False)
    recipient_store.save_recipient(connection, recipient, disabled_because="gone")
    outbox.cancel_all(connection, recipient.id, now)
    facts = {"recipient": recipient.id, "why": "gone"}
    audit.append(connection, [AuditEntry(now, Actor(SYSTEM), "recipient_disabled", facts)])


def _became(delivery: Delivery, tried: Tried, patience: Patience) -> dict[str, Any]:
    """What is noted of a delivery; nothing where it waits as before."""
    result, now = tried.outcome.result, tried.at
    if result in OF_THE_RECIPIENT:
        return {}
    if result == "refused":
        again = next_try(delivery.attempts + 1, delivery.failing_since, now, tried.chance, patience)
        if again is not None:
            return {"due_at": again}
    return {"state": DELIVERED if result == "delivered" else FAILED, "finished_at": now}
