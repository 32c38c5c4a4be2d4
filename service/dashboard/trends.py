"""How counts went, year by year: a small curve beside a rate, and the same in words.

In:     the table of all time and those of the last years, in order, and what hides small counts.
Out:    a `Trend` for each stratum and one for all.
Source: docs/dashboard.md; docs/decisions/0017-small-cells.md.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from service.dashboard import words
from service.domain.small_cells import mask_of
from service.domain.windows import Window, calendar_windows
from service.pipeline.rates import RateRow, RateTable

YEARS = 8


class Trend(NamedTuple):
    """Cases of each year, none of them where they are hidden; the last year is not over."""

    years: tuple[str, ...]
    cases: tuple[int, ...]

    @property
    def told(self) -> str:
        """The same for whoever hears the page.

        >>> Trend(("2025", "2026"), (3, 0)).told
        'Cases by year: 2025 3, 2026 so far 0'
        >>> Trend(("2025", "2026"), ()).told
        'Cases by year: hidden'
        """
        if not self.cases:
            return f"Cases by year: {words.HIDDEN}"
        parts = [
            f"{year}{' so far' if year == self.years[-1] else ''} {count:,}"
            for year, count in zip(self.years, self.cases, strict=True)
        ]
        return f"Cases by year: {', '.join(parts)}"


def last_years(today: int) -> list[Window]:
    """The years that are drawn, up to the present day."""
    year = date.fromordinal(today).year
    return list(calendar_windows("year", date(year - YEARS + 1, 1, 1).toordinal(), today))


def trends_of(
    table: RateTable, tables: Sequence[RateTable], windows: Sequence[Window], hidden_below: int
) -> tuple[list[Trend], Trend | None]:
    """The trend of each row of the table of all time, in its order, and of all patients.

    A trend is shown whole or not at all: its sum stands beside it, so that one missing year, or
    what came before the first, would be known by subtraction.
    """
    (dimension,) = table.definition.by
    years = tuple(window.name for window in windows)
    names = [str(row.stratum[dimension]) for row in table.rows]
    of_years = [{str(row.stratum[dimension]): row for row in one.rows} for one in tables]
    lines = [
        _with_earlier(row, [one.get(name) for one in of_years])
        for name, row in zip(names, table.rows, strict=True)
    ]
    whole = _with_earlier(table.total, [one.total for one in tables]) if table.total else None
    sizes = [float(row.estimate.person_days) for row in table.rows]
    masks = [
        mask_of([line[at] for line in lines], sizes, whole[at] if whole else None, hidden_below)
        for at in range(len(years) + 1)
    ]
    trends = [
        _trend(years, line, is_hidden=any(mask.rows[at] for mask in masks))
        for at, line in enumerate(lines)
    ]
    is_whole_hidden = any(mask.total for mask in masks)
    return trends, _trend(years, whole, is_hidden=is_whole_hidden) if whole else None


def _trend(years: tuple[str, ...], line: Sequence[int], *, is_hidden: bool) -> Trend:
    return Trend(years, () if is_hidden else tuple(line[1:]))


def _with_earlier(row: RateRow, of_years: Sequence[RateRow | None]) -> list[int]:
    """The cases before the first year, and those of each year; none where nobody was there."""
    counts = [0 if one is None else one.estimate.cases for one in of_years]
    return [max(row.estimate.cases - sum(counts), 0), *counts]
