"""Small cells in answers: what a key without `patients:read` is shown of a figure.

In:     a `Figure` as everybody with `patients:read` sees it, and the key's bound on counts.
Out:    the same with `suppressed` in each row, and null where a count was hidden or would tell one.
Source: docs/access.md, "Small cells"; docs/decisions/0017-small-cells.md.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from service.api.access import Principal
from service.api.formats import Figure, Row
from service.domain.small_cells import Mask, joined, mask_of
from service.errors import Forbidden

NEEDS_PATIENTS = "patients_scope_needed"
COARSE_HORIZONS = (30, 100, 180, 365)
"""Days since the index date, besides whole years."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Which fields of a row are counts of people or of what befell them, and which tell of counts.

    Names are joined by dots; a count that is a mapping is one count for each of its keys. `always`
    is hidden in every row. `size` is what stays known of a row: its person-time.
    """

    counts: tuple[str, ...]
    derived: tuple[str, ...]
    size: str | None
    always: tuple[str, ...] = ()

    def mask(self, rows: Sequence[Row], total: Row | None, below: int) -> Mask:
        """What is to be hidden of rows that add up to a total."""
        sizes = [float(found(row, self.size) or 0) if self.size else 0.0 for row in rows]
        sums = {} if total is None else self._numbers(total)
        numbers = [self._numbers(row) for row in rows]
        columns = dict.fromkeys(name for row in (*numbers, sums) for name in row)
        masks = [
            mask_of(
                [row.get(name, 0) for row in numbers],
                sizes,
                None if total is None else sums.get(name, 0),
                below,
            )
            for name in columns
        ]
        return joined([Mask((False,) * len(rows), total=False), *masks])

    def shown(self, row: Row, *, hidden: bool) -> dict[str, Any]:
        """A row, told whether it was hidden."""
        emptied = (*self.always, *(self.counts + self.derived if hidden else ()))
        kept = dict(row)
        for name in emptied:
            kept = without(kept, name.split("."))
        return {**kept, "suppressed": hidden}

    def _numbers(self, row: Row) -> dict[str, int]:
        """Every count of a row, by its name."""
        numbers: dict[str, int] = {}
        for name in self.counts:
            value = found(row, name)
            parts = value if isinstance(value, Mapping) else {"": value}
            numbers |= {f"{name}.{part}": n for part, n in parts.items() if n is not None}
        return numbers


def limits(name: str) -> tuple[str, str]:
    """The two ends of an interval; its level and method are no secret."""
    return f"{name}.lower", f"{name}.upper"


def a_rate(name: str = "") -> tuple[str, ...]:
    """What tells of the cases of a rate, wherever it stands."""
    return tuple(f"{name}{part}" for part in ("rate", *limits("ci")))


RATE = Cells(
    counts=("cases", "recipients"),
    derived=(*a_rate(), *limits("anytime_ci"), "expected_cases"),
    size="person_days",
)


def guarded(
    figure: Figure,
    below: int,
    cells: Cells,
    *,
    group: Callable[[Row], Hashable] | None = None,
) -> Figure:
    """The figure for a key to which counts from 1 to `below - 1` are not shown; 0 hides nothing.

    With `group`, the rows of a group add up to one of the window totals, and these to the total.
    """
    if not below:
        return figure
    if group is None:
        mask = cells.mask(figure.rows, figure.total, below)
        return replace(
            figure, rows=_rows(cells, figure.rows, mask), total=_total(cells, figure.total, mask)
        )
    tops = figure.window_totals or ()
    over_all = cells.mask(tops, figure.total, below)
    sums = {group(top): (top, hid) for top, hid in zip(tops, over_all.rows, strict=True)}
    parts: dict[Hashable, list[Row]] = {}
    for row in figure.rows:
        parts.setdefault(group(row), []).append(row)
    rows: list[Row] = []
    for name, part in parts.items():
        top, hid = sums.get(name, (None, False))
        mask = Mask((True,) * len(part), total=True) if hid else cells.mask(part, top, below)
        rows += _rows(cells, part, mask)
    return replace(
        figure,
        rows=rows,
        window_totals=_rows(cells, tops, over_all) if figure.window_totals is not None else None,
        total=_total(cells, figure.total, over_all),
    )


def hides(figure: Figure) -> bool:
    """Was anything hidden in a row of the figure, or in its total?"""
    rows = [*figure.rows, *(figure.window_totals or ()), *((figure.total,) if figure.total else ())]
    return any(row.get("suppressed") for row in rows)


def require_coarse(
    principal: Principal, start: date | None, end: date | None, today: date, *, past: bool
) -> None:
    """Raise `Forbidden` where a key without `patients:read` asks for days that are no whole months.

    The difference of two windows that differ by a day, or of two states of knowledge, is one day's
    cases or one report. `end` may be the present day.
    """
    if not principal.hidden_below:
        return
    last_days = end is None or end >= today or (end + timedelta(days=1)).day == 1
    if (start is not None and start.day != 1) or not last_days:
        raise Forbidden(
            "Without the scope `patients:read`, windows are whole months: `start` is the first day "
            "of a month, `end` the last one or left out.",
            code=NEEDS_PATIENTS,
        )
    if past:
        raise Forbidden(
            "Without the scope `patients:read`, figures are those of the present: leave `as_of` "
            "out.",
            code=NEEDS_PATIENTS,
        )


def require_coarse_horizon(principal: Principal, horizon_days: int) -> None:
    """Raise `Forbidden` where a key without `patients:read` could compare one day with the next."""
    usual = horizon_days in COARSE_HORIZONS or (horizon_days > 0 and horizon_days % 365 == 0)
    if principal.hidden_below and not usual:
        raise Forbidden(
            "Without the scope `patients:read`, `horizon` is "
            f"{', '.join(map(str, COARSE_HORIZONS))} or a multiple of 365 days.",
            code=NEEDS_PATIENTS,
        )


def require_patients(principal: Principal, what: str) -> None:
    """Raise `Forbidden` where a key without `patients:read` asks for what shows single cases."""
    if principal.hidden_below:
        raise Forbidden(
            f"{what} needs the scope `patients:read`: it would show counts below "
            f"{principal.hidden_below}.",
            code=NEEDS_PATIENTS,
        )


def found(row: Row, name: str) -> Any:
    """The value under a name joined by dots; None where there is none."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def without(row: Row, path: Sequence[str]) -> dict[str, Any]:
    """The row with null at a path, if there is anything.

    >>> without({"ci": {"lower": 1.0, "level": 0.95}}, ["ci", "lower"])
    {'ci': {'lower': None, 'level': 0.95}}
    """
    first, *others = path
    value = row.get(first)
    if value is None:
        return dict(row)
    return {**row, first: without(value, others) if others else None}


def _rows(cells: Cells, rows: Sequence[Row], mask: Mask) -> list[Row]:
    return [cells.shown(row, hidden=hid) for row, hid in zip(rows, mask.rows, strict=True)]


def _total(cells: Cells, total: Row | None, mask: Mask) -> Row | None:
    return None if total is None else cells.shown(total, hidden=mask.total)
