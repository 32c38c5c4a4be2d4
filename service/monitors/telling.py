"""Who is told of what happened to an alert, and when.

In:     recipients, the alert as it then stands, what happened, what each was told of it before.
Out:    `Message`s to be kept for sending; which ones no longer matter.
Source: docs/delivery.md; docs/decisions/0020-delivery.md.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from service.domain.delivery_times import after_quiet, earliest
from service.domain.recipients import Recipient, is_severe_enough
from service.monitors.alerts import AlertState
from service.monitors.visibility import is_visible

ESCALATED = "alert.escalated"

EVENT_OF: Mapping[str, str] = {
    "opened": "alert.opened",
    "updated": "alert.updated",
    "supported": "alert.updated",
    "unsupported": "alert.updated",
    "merged": "alert.merged",
    "acknowledged": "alert.acknowledged",
    "closed": "alert.closed",
    "reopened": "alert.reopened",
}
"""What is told of each entry of an alert's history. Comments are not: they are people's words."""

SETTLES = frozenset({"acknowledged", "closed", "merged"})
"""What makes an escalation needless."""


class Told(NamedTuple):
    """A message of an alert that is kept and was not taken back."""

    recipient_id: str
    event: str
    due_at: datetime
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """To be told to one recipient, from `due_at` on; what is urgent knows no quiet hours."""

    recipient_id: str
    event: str
    due_at: datetime
    is_urgent: bool
    is_in_digest: bool = False


def messages_of(
    recipients: Iterable[Recipient],
    alert: AlertState,
    happened: str,
    now: datetime,
    told: Collection[Told] = (),
) -> list[Message]:
    """One message for each recipient that is to hear of it.

    An escalation takes the place of one that waits for the same recipient: of an alert that has
    become critical, it knows no quiet hours any more.
    """
    event = EVENT_OF.get(happened)
    if event is None:
        return []
    found = (
        _message(recipient, alert, happened, now, [m for m in told if m.recipient_id == one])
        for recipient in recipients
        for one in (recipient.id,)
        if recipient.is_enabled and is_visible(alert, recipient.facilities)
    )
    return [message for message in found if message is not None]


def is_told(recipient: Recipient, alert: AlertState) -> bool:
    """Does the recipient wish to hear of such an alert, and may it?"""
    is_severe = is_severe_enough(alert.severity, recipient.least_severity)
    return is_severe and is_visible(alert, recipient.facilities)


def is_urgent(alert: AlertState) -> bool:
    """Is somebody to be woken?"""
    return is_severe_enough(alert.severity, "critical")


def _message(
    recipient: Recipient,
    alert: AlertState,
    happened: str,
    now: datetime,
    told: Collection[Told],
) -> Message | None:
    is_severe = is_severe_enough(alert.severity, recipient.least_severity)
    if recipient.escalate_after_minutes is None:
        return _at_once(recipient, alert, happened, now) if is_severe or told else None
    escalations = [message for message in told if message.event == ESCALATED]
    if any(message.due_at <= now for message in escalations):
        return _at_once(recipient, alert, happened, now)
    if not is_severe or alert.status != "open" or happened in SETTLES:
        return None
    due_at = now + timedelta(minutes=recipient.escalate_after_minutes)
    if not is_urgent(alert):
        due_at = after_quiet(recipient.quiet_hours, recipient.zone, due_at)
        return None if escalations else Message(recipient.id, ESCALATED, due_at, is_urgent=False)
    if any(message.is_urgent for message in escalations):
        return None
    due_at = min([due_at, *(message.due_at for message in escalations)])
    return Message(recipient.id, ESCALATED, due_at, is_urgent=True)


def _at_once(recipient: Recipient, alert: AlertState, happened: str, now: datetime) -> Message:
    if is_urgent(alert):
        return Message(recipient.id, EVENT_OF[happened], now, is_urgent=True)
    return Message(
        recipient.id,
        EVENT_OF[happened],
        earliest(recipient, now),
        is_urgent=False,
        is_in_digest=recipient.digest_at is not None,
    )
