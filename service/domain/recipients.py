"""Recipients: who wishes to hear of alerts, how, and when not.

In:     nothing.
Out:    `Recipient`, one way of telling somebody, with what it wishes to hear.
Source: docs/delivery.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

Channel = Literal["webhook", "email", "alertmanager"]
Severity = Literal["warning", "critical"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the least to the most severe."""

RANK: Mapping[str, int] = {name: rank for rank, name in enumerate(SEVERITIES)}


class QuietHours(NamedTuple):
    """From when until when nobody wants to be woken, by local clocks; over midnight too."""

    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Recipient:
    """One way of telling somebody.

    `facilities` is None for all of them. With `escalate_after_minutes` it hears only of alerts that
    nobody has acknowledged for so long; with `digest_at` what is not critical comes once a day.
    """

    id: str
    name: str
    channel: Channel
    target: str = ""
    facilities: tuple[str, ...] | None = None
    least_severity: Severity = "warning"
    quiet_hours: QuietHours | None = None
    timezone: str = "UTC"
    escalate_after_minutes: int | None = None
    digest_at: time | None = None
    is_enabled: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """Whose clocks count for it."""
        return ZoneInfo(self.timezone)


def is_severe_enough(severity: str, least: str) -> bool:
    """Is a severity at least the other? One that is not known is never too little.

    >>> is_severe_enough("warning", "critical"), is_severe_enough("critical", "warning")
    (False, True)
    """
    return RANK.get(severity, len(RANK)) >= RANK[least]


def faults_of(recipient: Recipient) -> list[tuple[str, str]]:
    """Each field that means nothing together with the others, and what to do about it."""
    quiet = recipient.quiet_hours
    is_relayed = recipient.channel == "alertmanager"
    told_later = {
        "quiet_hours": quiet,
        "digest_at": recipient.digest_at,
        "escalate_after_minutes": recipient.escalate_after_minutes,
    }
    faults = [
        (field, "Alertmanager gathers, mutes and escalates by its own rules: leave it out.")
        for field, value in told_later.items()
        if is_relayed and value is not None
    ]
    if quiet is not None and quiet.begins == quiet.ends:
        faults.append(("quiet_hours", "Quiet hours that end when they begin are none, or all."))
    if recipient.digest_at is not None and recipient.escalate_after_minutes is not None:
        faults.append(("digest_at", "What nobody acknowledged is not put off: leave one out."))
    if recipient.facilities is not None and not recipient.facilities:
        faults.append(("facilities", "Name a facility, or leave it out to hear of all."))
    return faults
