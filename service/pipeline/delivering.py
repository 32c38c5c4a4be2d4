"""One attempt at delivering, before and after: what goes next, and what follows from how it went.

In:     a leased recipient; the outcome of an attempt.
Out:    the deliveries to send together; what became of them, kept.
Source: docs/delivery.md; docs/decisions/0020-delivery.md.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from service.channels.alertmanager import REPEATED_AFTER, Standing
from service.channels.ways import Parcel
from service.domain.audit_chain import Actor
from service.domain.delivery_outcomes import OF_THE_RECIPIENT, Outcome, next_try
from service.domain.delivery_times import Patience, after_quiet
from service.domain.recipients import Recipient
from service.monitors.telling import is_told
from service.monitors.visibility import is_visible
from service.store import alerts as alert_store
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


MOST_STANDING = 1000
"""Alerts that Alertmanager is told of at a time, the newest first."""


class Tried(NamedTuple):
    """An attempt at one message."""

    parcel: Parcel
    outcome: Outcome
    at: datetime
    milliseconds: int
    chance: float


def next_parcel(connection: Connection, kept: KeptRecipient, now: datetime) -> Parcel | None:
    """What to send next, in one message: one delivery, or all that are gathered in a digest.

    What is not urgent and has come into quiet hours is put off to their end. Alertmanager is told
    of all that stands, whatever of it is new.
    """
    recipient = kept.recipient
    if recipient.channel == "alertmanager":
        return _next_for_alertmanager(connection, kept, now)
    due = outbox.due_for(connection, recipient.id, now)
    until = after_quiet(recipient.quiet_hours, recipient.zone, now)
    if until > now:
        outbox.put_off(connection, [one.id for one in due if not one.is_urgent], until)
        due = [one for one in due if one.is_urgent]
    if due and due[0].is_in_digest:
        return Parcel(kept, [one for one in due if one.is_in_digest])
    return Parcel(kept, due[:1]) if due else None


def note_tried(connection: Connection, sender: str, tried: Tried, patience: Patience) -> bool:
    """Keep how an attempt went; may the sender go on with this recipient?"""
    kept, deliveries, _ = tried.parcel
    outcome, now = tried.outcome, tried.at
    health = kept.health.after(outcome, now, tried.chance, patience)
    goes_on = outcome.result in ("delivered", "refused")
    until = now + LEASE if goes_on else None
    holds = recipient_store.keep_lease(connection, kept.recipient.id, sender, until, health)
    if outcome.result == "delivered" and kept.recipient.channel == "alertmanager":
        recipient_store.refresh_at(connection, kept.recipient.id, now + REPEATED_AFTER)
    for delivery in deliveries:
        values = _became(delivery, tried, patience)
        outbox.note_attempt(connection, delivery.id, now, **values)
    if outcome.result in OF_THE_RECIPIENT and health.is_given_up(now, patience):
        outbox.give_up(connection, kept.recipient.id, now - patience.keep, now)
    attempt = (now, outcome.result, outcome.status, outcome.reason, tried.milliseconds)
    add_attempts(connection, [Attempt(one.id, *attempt) for one in deliveries])
    if outcome.result == "gone":
        switch_off_for_good(connection, kept, now)
    return goes_on and holds


def _next_for_alertmanager(
    connection: Connection, kept: KeptRecipient, now: datetime
) -> Parcel | None:
    deliveries = outbox.due_for(connection, kept.recipient.id, now)
    if not deliveries and (kept.refresh_at is None or kept.refresh_at > now):
        return None
    about = {one.alert_id for one in deliveries if one.alert_id is not None}
    return Parcel(kept, deliveries, standing_for(connection, kept.recipient, about))


def standing_for(
    connection: Connection, recipient: Recipient, about: Collection[str]
) -> list[Standing]:
    """Every open alert that the recipient wishes to hear of; of those `about`, the ended ones."""
    merged = alert_store.merged_alerts(connection)
    unclosed = alert_store.alerts_after(
        connection, {"status": ("open", "acknowledged")}, None, MOST_STANDING
    )
    standing = [
        Standing(kept.state, kept.opened_at)
        for kept in unclosed
        if kept.state.id not in merged and is_told(recipient, kept.state)
    ]
    ended = sorted(set(about) - {one.alert.id for one in standing})
    found = (alert_store.find_alert(connection, alert_id) for alert_id in ended)
    return standing + [
        Standing(kept.state, kept.opened_at, has_ended=True)
        for kept in found
        if kept is not None and is_visible(kept.state, recipient.facilities)
    ]


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
