"""Which answers are worth another try, and how long to wait before it.

In:     an answer's status and headers, how often was tried, a number from 0 to 1 left to chance.
Out:    seconds.
Source: RFC 9110, 10.2.3 (`Retry-After`); Brooker, "Exponential Backoff And Jitter" (AWS, 2015).

Many senders lose the network at the same instant and must not come back at the same instant: half
of each pause is left to chance.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_RETRY_AFTER = 3600.0


class Patience(NamedTuple):
    """How long to go on trying, and the pauses between."""

    seconds: float = 300.0
    first_pause: float = 0.5
    longest_pause: float = 30.0


def pause_before(
    attempt: int, patience: Patience, chance: float, wanted: float | None = None
) -> float:
    """Seconds before a further attempt, `attempt` of which have failed; `wanted` by the service.

    >>> patience = Patience(first_pause=1, longest_pause=8)
    >>> [pause_before(n, patience, 1.0) for n in (1, 2, 3, 4, 5)]
    [1.0, 2.0, 4.0, 8.0, 8.0]
    >>> pause_before(5, patience, 0.0), pause_before(1, patience, 0.0, wanted=20)
    (4.0, 20.5)
    """
    longest = min(patience.longest_pause, patience.first_pause * 2.0 ** min(attempt - 1, 60))
    pause = longest * (0.5 + 0.5 * chance)
    return pause if wanted is None else wanted + pause


def wanted_pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that `Retry-After` asks for, an hour at most; None where it asks for none.

    >>> now = datetime(2026, 3, 1, tzinfo=UTC)
    >>> wanted_pause({"retry-after": "5"}, now)
    5.0
    >>> wanted_pause({"retry-after": "Sun, 01 Mar 2026 00:00:20 GMT"}, now)
    20.0
    >>> wanted_pause({"retry-after": "soon"}, now), wanted_pause({}, now)
    (None, None)
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_RETRY_AFTER)
