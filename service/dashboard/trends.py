"""How counts went, year by year: a small curve beside a rate, and the same in words.

In:     the tables of each year, in order, and what hides small counts.
Out:    a `Trend` for each stratum and one for all.
Source: docs/dashboard.md; docs/decisions/0017-small-cells.md: each year is a table of its own.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from service.dashboard import words
from service.domain.small_cells import mask_of
from service.domain.windows import Window, calendar_windows
from service.pipeline.rates import RateTable

YEARS = 8


class Trend(NamedTuple):
    """Cases of each year, None where they are hidden; the last year is not over."""

    years: tuple[str, ...]
    cases: tuple[int | None, ...]

    @property
    def told(self) -> str:
        """The same for whoever hears the page.

        >>> Trend(("2025", "2026"), (3, None)).told
        'Cases by year: 2025 3, 2026 so far hidden'
        """
        parts = [
            f"{year}{' so far' if year == self.years[-1] else ''} "
            f"{words.HIDDEN if count is None else format(count, ',')}"
            for year, count in zip(self.years, self.cases, strict=True)
        ]
        return f"Cases by year: {', '.join(parts)}"


def last_years(today: int) -> list[Window]:
    """The years that are drawn, up to the present day."""
    year = date.fromordinal(today).year
    return list(calendar_windows("year", date(year - YEARS + 1, 1, 1).toordinal(), today))


def trends_of(
    tables: Sequence[RateTable], windows: Sequence[Window], hidden_below: int
) -> tuple[Mapping[str, Trend], Trend]:
    """The trend of each stratum by its name, and of all patients."""
    cases: dict[str, list[int | None]] = defaultdict(list)
    whole: list[int | None] = []
    for table in tables:
        for name, count in _shown(table, hidden_below):
            (whole if name is None else cases[name]).append(count)
    years = tuple(window.name for window in windows)
    return {name: Trend(years, tuple(found)) for name, found in cases.items()}, Trend(
        years, tuple(whole)
    )


def _shown(table: RateTable, hidden_below: int) -> Iterator[tuple[str | None, int | None]]:
    """The counts of a year that may be shown, by stratum; that of all patients under None."""
    (dimension,) = table.definition.by
    total = table.total.estimate.cases if table.total else None
    mask = mask_of(
        [row.estimate.cases for row in table.rows],
        [row.estimate.person_days for row in table.rows],
        total,
        hidden_below,
    )
    for row, hid in zip(table.rows, mask.rows, strict=True):
        yield str(row.stratum[dimension]), None if hid else row.estimate.cases
    if total is not None:
        yield None, None if mask.total else total
