"""The epidemic curve of an alert: its cases by week, month, quarter or year of onset.

In:     days of onset.
Out:    `Bars`, fine enough to see the shape and few enough to read.
Source: docs/dashboard.md.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from service.dashboard import words
from service.dashboard.bars import Bars
from service.domain.windows import Interval, calendar_windows

MOST_COLUMNS = 40
FINEST_FIRST: tuple[Interval, ...] = ("week", "month", "quarter", "year")


def epidemic_curve(onset_days: Sequence[int]) -> Bars | None:
    """The cases by onset; None without any."""
    if not onset_days:
        return None
    first, last = min(onset_days), max(onset_days)
    for interval in FINEST_FIRST:
        windows = list(calendar_windows(interval, first, last))
        if len(windows) <= MOST_COLUMNS:
            break
    found = Counter(
        next(window.name for window in windows if day in window.days) for day in onset_days
    )
    counts = tuple((window.name, found[window.name]) for window in windows)
    described = "; ".join(f"{name}: {count}" for name, count in counts if count)
    first_day, last_day = date.fromordinal(first), date.fromordinal(last)
    return Bars(
        id="onsets",
        title=f"Cases by {interval} of onset",
        description=f"{words.counted(len(onset_days), 'case')}, {first_day} to {last_day}. "
        f"{described}.",
        unit=f"{interval} of onset",
        counts=counts,
    )
