"""What came of an attempt to deliver something, and what follows from it.

In:     the status of an HTTP answer; how a recipient did before; chance.
Out:    `Outcome`; the recipient's `Health` after it, and when the message is tried again.
Source: RFC 9110; Standard Webhooks, "Deliverability and reliability"; docs/delivery.md.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from service.domain.delivery_times import Patience, seconds_to_wait

Result = Literal["delivered", "refused", "failed", "blocked", "gone"]
"""`refused` speaks of the message; `failed` and `blocked` of the recipient, to whom nothing else
can be told for now either; `gone` of a recipient that wishes to hear no more."""

RESULTS: tuple[Result, ...] = ("delivered", "refused", "failed", "blocked", "gone")

GONE = 410
OF_THE_MESSAGE = frozenset({400, 413, 415, 422})
OF_THE_RECIPIENT = frozenset({"failed", "blocked"})

LONGEST_WAIT_ASKED = 3600.0
"""Seconds: who asks to be left alone for longer is asked again after so long."""


class Outcome(NamedTuple):
    """How it went; `reason` is a word of ours, never the other side's."""

    result: Result
    status: int | None = None
    reason: str | None = None
    retry_after: float | None = None
    """Seconds that the other side asked to be left alone."""


def outcome_of(status: int, retry_after: str | None = None) -> Outcome:
    """What an HTTP status means.

    >>> outcome_of(204).result, outcome_of(302).result, outcome_of(410).result
    ('delivered', 'failed', 'gone')
    >>> outcome_of(503, "30").retry_after
    30.0
    """
    if 200 <= status < 300:
        return Outcome("delivered", status)
    if status == GONE:
        return Outcome("gone", status)
    if status in OF_THE_MESSAGE:
        return Outcome("refused", status)
    wait = retry_after.strip() if retry_after else ""
    seconds = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 7 else None
    return Outcome("failed", status, "redirect" if 300 <= status < 400 else None, seconds)


class Health(NamedTuple):
    """How sending to a recipient went lately: failures in a row, since when, until when to wait."""

    failures: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None

    def after(self, outcome: Outcome, now: datetime, chance: float, patience: Patience) -> "Health":
        """How it stands after an attempt; whoever answered at all is well again."""
        if outcome.result not in OF_THE_RECIPIENT:
            return Health()
        failures = self.failures + 1
        asked = min(outcome.retry_after or 0.0, LONGEST_WAIT_ASKED)
        wait = max(asked, seconds_to_wait(failures, chance, patience))
        return Health(failures, self.failing_since or now, now + timedelta(seconds=wait))

    def is_given_up(self, now: datetime, patience: Patience) -> bool:
        """Has it failed for so long that what waited as long is not tried any more?"""
        return self.failing_since is not None and now - self.failing_since >= patience.keep


def next_try(
    attempts: int, failing_since: datetime | None, now: datetime, chance: float, patience: Patience
) -> datetime | None:
    """When a message that was refused, now for the `attempts`th time, is tried again; None: never.

    >>> next_try(1, None, datetime(2026, 3, 1), 0.0, Patience(10.0)).second
    5
    """
    if failing_since is not None and now - failing_since >= patience.keep:
        return None
    return now + timedelta(seconds=seconds_to_wait(attempts, chance, patience))
