"""What is typed and shown of recipients.

In:     options as typed; recipients.
Out:    the same, checked; short words for a table.
Source: docs/delivery.md.
"""

import re
from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from service.domain.recipients import CHANNELS, SEVERITIES, QuietHours, Recipient

if TYPE_CHECKING:
    from service.store.recipients import KeptRecipient

FACILITY = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def known_channel(channel: str) -> str:
    """A channel there is."""
    if channel not in CHANNELS:
        raise typer.BadParameter(f"no such channel: use one of {', '.join(CHANNELS)}")
    return channel


def known_severity(severity: str) -> str:
    """A severity there is."""
    if severity not in SEVERITIES:
        raise typer.BadParameter(f"no such severity: use one of {', '.join(SEVERITIES)}")
    return severity


def facility_name(name: str) -> str:
    """What may be the name of a facility."""
    if not FACILITY.fullmatch(name):
        raise typer.BadParameter("a facility has 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
    return name


def known_zone(name: str) -> str:
    """A time zone there is."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise typer.BadParameter("an IANA time zone such as Europe/Berlin") from None
    return name


def clock(text: str) -> time:
    """A time of day."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise typer.BadParameter("a time of day is written HH:MM") from None


def quiet_hours(text: str) -> QuietHours:
    """From when until when, with a dash between."""
    begins, _, ends = text.partition("-")
    return QuietHours(clock(begins), clock(ends))


def are_quiet_hours(text: str | None) -> str | None:
    """The same text, if quiet hours can be read from it."""
    if text is not None:
        quiet_hours(text)
    return text


def what_it_hears(recipient: Recipient) -> str:
    """Which facilities, and from which severity on."""
    where = "all" if recipient.facilities is None else ", ".join(recipient.facilities)
    return f"{where}; {recipient.least_severity} or worse"


def when_it_hears(recipient: Recipient) -> str:
    """At once, or when instead."""
    quiet, digest_at = recipient.quiet_hours, recipient.digest_at
    parts = [
        f"quiet {quiet.begins:%H:%M}-{quiet.ends:%H:%M}" if quiet else "",
        f"digest {digest_at:%H:%M}" if digest_at else "",
        f"after {recipient.escalate_after_minutes} min" if recipient.escalate_after_minutes else "",
    ]
    said = ", ".join(filter(None, parts))
    return f"{said} ({recipient.timezone})" if said else "at once"


def state_of(kept: "KeptRecipient") -> str:
    """Whether it is told, in a word or two."""
    if not kept.recipient.is_enabled:
        return f"off: {kept.disabled_because}" if kept.disabled_because else "off"
    since = kept.health.failing_since
    return f"failing since {since:%Y-%m-%d %H:%M}" if since else "well"
