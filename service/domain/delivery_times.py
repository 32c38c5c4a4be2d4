"""When something is told, and when it is tried again.

In:     instants with their zone, quiet hours, the time of a digest, numbers of failures, chance.
Out:    instants, and seconds to wait.
Source: docs/delivery.md; docs/decisions/0020-delivery.md. Back-off with jitter: M. Brooker,
        "Exponential Backoff and Jitter", AWS Architecture Blog, 2015 ("equal jitter").
"""

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.recipients import QuietHours, Recipient

MOST_DOUBLINGS = 40
ONE_DAY = timedelta(days=1)


class Patience(NamedTuple):
    """Seconds before the first and at most before any further attempt; for how long it is tried."""

    first: float = 5.0
    most: float = 900.0
    keep: timedelta = timedelta(days=3)


def seconds_to_wait(failures: int, chance: float, patience: Patience) -> float:
    """How long to wait after so many failures in a row, with `chance` from 0 to below 1.

    Doubles from `first` up to `most`; between half of that and all of it, by chance, so that many
    who failed at once do not come back at once.

    >>> [seconds_to_wait(n, 0.0, Patience(4, 60)) for n in (1, 2, 3, 9)]
    [2.0, 4.0, 8.0, 30.0]
    """
    doublings = min(max(failures - 1, 0), MOST_DOUBLINGS)
    return min(patience.most, patience.first * 2.0**doublings) * (1 + chance) / 2


def earliest(recipient: Recipient, at: datetime) -> datetime:
    """When news of `at` that is not urgent may go out: after quiet hours, in the digest."""
    if recipient.digest_at is not None:
        at = next_time(recipient.digest_at, recipient.zone, at)
    return after_quiet(recipient.quiet_hours, recipient.zone, at)


def after_quiet(quiet: QuietHours | None, zone: ZoneInfo, at: datetime) -> datetime:
    """The first instant from `at` on that is outside the quiet hours, in UTC.

    Where clocks go back, an hour that comes twice is quiet twice.

    >>> quiet = QuietHours(time(22), time(7))
    >>> after_quiet(quiet, ZoneInfo("UTC"), datetime(2026, 3, 1, 23, 15, tzinfo=UTC)).isoformat()
    '2026-03-02T07:00:00+00:00'
    """
    while quiet is not None and is_quiet(quiet, zone, at):
        at = next_time(quiet.ends, zone, at)
    return at.astimezone(UTC)


def is_quiet(quiet: QuietHours, zone: ZoneInfo, at: datetime) -> bool:
    """Is the instant within the quiet hours, whose end is not? The same time twice: never."""
    now = at.astimezone(zone).time()
    if quiet.begins <= quiet.ends:
        return quiet.begins <= now < quiet.ends
    return now >= quiet.begins or now < quiet.ends


def next_time(clock: time, zone: ZoneInfo, at: datetime) -> datetime:
    """The first instant after `at` at which local clocks show that time, in UTC.

    A time that is skipped where clocks go forward is taken as if they had not.

    >>> next_time(time(7), ZoneInfo("Europe/Berlin"), datetime(2026, 7, 1, 6, tzinfo=UTC)).hour
    5
    """
    day = at.astimezone(zone).date()
    candidates = (
        datetime.combine(day + ONE_DAY * ahead, clock, zone).replace(fold=fold).astimezone(UTC)
        for ahead in (-1, 0, 1, 2)
        for fold in (0, 1)
    )
    return min(found for found in candidates if found > at)
