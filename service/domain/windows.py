"""Windows: a stretch of time cut along the calendar.

In:     the first and the last day wanted, and how to cut.
Out:    `Window`s in order, each named as people name it, cut ends marked as partial.
Source: ISO 8601 for weeks (they begin on Monday); docs/methods.md 1: both ends are included.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from service.domain.days import FAR_FUTURE_DAY, Days

Interval: TypeAlias = Literal["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True, slots=True)
class Window:
    """One period of the calendar as far as it lies in the time asked for.

    `partial` says that it is not the whole period; `days` begin before it where figures are
    added up from the start.
    """

    name: str
    days: Days
    partial: bool


@dataclass(frozen=True, slots=True)
class Period:
    """How to cut: the first day of the period that a date lies in, its length and its name."""

    first: Callable[[date], date]
    longest_days: int
    name: Callable[[date], str]

    def days_of(self, day: int) -> Days:
        """The whole period around a day."""
        first = self.first(date.fromordinal(day))
        beyond = first.toordinal() + self.longest_days
        if beyond > FAR_FUTURE_DAY:
            return Days(first.toordinal(), FAR_FUTURE_DAY)
        # By then the next period has begun, and the one after it has not.
        return Days(first.toordinal(), self.first(date.fromordinal(beyond)).toordinal() - 1)


PERIODS: Mapping[Interval, Period] = {
    "day": Period(lambda d: d, 1, date.isoformat),
    "week": Period(lambda d: d - timedelta(days=d.weekday()), 7, lambda d: f"{d:%G-W%V}"),
    "month": Period(lambda d: d.replace(day=1), 31, lambda d: f"{d:%Y-%m}"),
    "quarter": Period(
        lambda d: d.replace(month=d.month - (d.month - 1) % 3, day=1),
        92,
        lambda d: f"{d:%Y}-Q{(d.month + 2) // 3}",
    ),
    "year": Period(lambda d: d.replace(month=1, day=1), 366, lambda d: f"{d:%Y}"),
}


def calendar_windows(
    interval: Interval, start_day: int, end_day: int, *, cumulative: bool = False
) -> Iterator[Window]:
    """The periods from the first to the last day, in order; with `cumulative`, each from the start.

    >>> new_year = date(2026, 1, 1).toordinal()
    >>> for window in calendar_windows("month", new_year, new_year + 40):
    ...     print(window.name, window.days.end_day - window.days.start_day + 1, window.partial)
    2026-01 31 False
    2026-02 10 True
    """
    period = PERIODS[interval]
    day = start_day
    while day <= end_day:
        whole = period.days_of(day)
        first, last = max(whole.start_day, start_day), min(whole.end_day, end_day)
        yield Window(
            name=period.name(date.fromordinal(whole.start_day)),
            days=Days(start_day if cumulative else first, last),
            partial=(first, last) != tuple(whole),
        )
        day = last + 1
