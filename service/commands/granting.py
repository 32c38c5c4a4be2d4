"""What keys and clients are granted, as it is typed.

In:     scopes, facilities, a name, a last day.
Out:    the same, or a complaint that says how it is written.
Source: docs/access.md.
"""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import typer

SCOPES = ("events:write", "rates:read", "alerts:manage", "patients:read", "manage")
FACILITY = re.compile(r"[A-Za-z0-9._:-]{1,64}")
NAME_LENGTH = 128


def known_scope(scope: str) -> str:
    """A scope that there is."""
    if scope not in SCOPES:
        raise typer.BadParameter(f"no such scope: use any of {', '.join(SCOPES)}")
    return scope


def facility_name(name: str) -> str:
    """A facility as events write it."""
    if not FACILITY.fullmatch(name):
        raise typer.BadParameter("a facility has 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
    return name


def short_name(name: str) -> str:
    """A name for people to recognise."""
    if not 0 < len(name.strip()) <= NAME_LENGTH:
        raise typer.BadParameter(f"a name has 1 to {NAME_LENGTH} characters")
    return name.strip()


def calendar_date(text: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a date is written YYYY-MM-DD") from None


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a calendar day is over in the zone."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def last_instant(day: date | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When a grant ends whose last day this is; refuses a day that is over."""
    if day is None:
        return None
    until = end_of(day, zone)
    if until <= now:
        raise typer.BadParameter("that day is over", param_hint="'--expires'")
    return until
