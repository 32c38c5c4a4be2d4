"""Cumulative incidence of a first infection, group by group, beside the rate of the same cohort.

In:     a `RateDefinition` (whom, which infection, from when to when) and an `IncidenceChoice`.
Out:    `IncidenceTable`: an Aalen-Johansen curve and a rate for each group and over all, and
        Gray's test between groups.
Source: docs/methods.md 5; docs/api-rates.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from service.domain.competing_risks import (
    CASE,
    CENSORED,
    IncidenceRow,
)
from service.domain.contributions import DIED, MARKER_OF, RETRANSPLANTED
from service.domain.figures import NUMERATOR, Group, RateDefinition
from service.pipeline.incidence_cohorts import (
    BY_COURSE,
    Followed,
    followed_courses,
    groups_of,
    require_followed,
    require_recipients,
)
from service.stats.cumulative_incidence import cumulative_incidence
from service.stats.curve import CumulativeIncidence, CumulativeIncidenceCurve
from service.stats.gray_test import GrayTest, gray_test
from service.stats.rates import RateEstimate, rate_estimate
from service.store.engine import Connection

COMPETING: Mapping[str, str] = {"death": DIED, **MARKER_OF, "retransplant": RETRANSPLANTED}
"""What may be named as competing, and how the ledger marks it."""


@dataclass(frozen=True, slots=True)
class IncidenceChoice:
    """How the curve is drawn: up to which day, against what, with which limits.

    `competing` holds names of `COMPETING`; death always competes.
    """

    horizon_days: int = 365
    competing: tuple[str, ...] = ("death",)
    interval: str = "loglog"
    variance: str = "aalen"

    @property
    def markers(self) -> tuple[str, ...]:
        """The ledger's markers of what competes."""
        return tuple(COMPETING[name] for name in self.competing)


@dataclass(frozen=True, slots=True)
class IncidenceFigure:
    """One group: the curve, its value at the horizon, and the rate of the same days and cases."""

    stratum: dict[str, str]
    recipients: int
    curve: CumulativeIncidenceCurve
    found: CumulativeIncidence
    competing: Mapping[str, int]
    rate: RateEstimate
    followed_days: int


@dataclass(frozen=True, slots=True)
class IncidenceTable:
    """The groups asked for, all together, and the test between them; None where none is due."""

    definition: RateDefinition
    rows: tuple[IncidenceFigure, ...]
    total: IncidenceFigure | None
    test: GrayTest | None
    why_no_test: str | None


def incidence_table(
    connection: Connection,
    definition: RateDefinition,
    choice: IncidenceChoice,
    *,
    position: int | None = None,
) -> IncidenceTable:
    """The curves of a definition, as known at a position (None: now).

    Raises `BadQuery` where nobody was followed up to the horizon.
    """
    require_recipients(definition)
    rows: list[IncidenceFigure] = []
    followed: list[Followed] = []
    for group in definition.groups:
        followed = followed_courses(connection, definition, choice.markers, group, position)
        rows += _figures(definition, choice, group, followed)
    total = None
    if (whole := definition.total) is not None:
        if definition.groups != (whole,):
            followed = followed_courses(connection, definition, choice.markers, whole, position)
        total = _figure(definition, choice, {}, [one.rows for one in followed])
        require_followed(
            choice.horizon_days, total.recipients, total.found.estimate, total.followed_days
        )
    why = _why_no_test(definition, rows)
    return IncidenceTable(
        definition, tuple(rows), total, None if why else _test(definition, choice, followed), why
    )


def _figures(
    definition: RateDefinition, choice: IncidenceChoice, group: Group, followed: Sequence[Followed]
) -> Iterator[IncidenceFigure]:
    """A figure for each group of recipients and each kind of case seen in any of them."""
    by_course = [name for name in definition.by if name in BY_COURSE]
    by_case = [name for name in definition.by if name in NUMERATOR and name != "infection_type"]
    members: dict[tuple[str, ...], list[Followed]] = defaultdict(list)
    for one in followed:
        for values in groups_of(by_course, one.history):
            members[values].append(one)
    kinds = {
        tuple(one.first.terms[name] for name in by_case)
        for one in followed
        if one.first and one.rows[-1].cause == CASE
    }
    for values, kind in product(sorted(members), sorted(kinds) if by_case else [()]):
        asked = dict(zip(by_case, kind, strict=True))
        named = {
            **dict(zip(by_course, values, strict=True)),
            **asked,
            "infection_type": group.infection_type,
        }
        stratum = {name: named[name] for name in definition.by}
        yield _figure(definition, choice, stratum, [one.under(asked) for one in members[values]])


def _figure(
    definition: RateDefinition,
    choice: IncidenceChoice,
    stratum: dict[str, str],
    courses: Sequence[Sequence[IncidenceRow]],
) -> IncidenceFigure:
    rows = [row for course in courses for row in course]
    horizon = choice.horizon_days
    curve = cumulative_incidence(
        *_columns(rows),
        level=definition.level,
        interval=choice.interval,
        variance=choice.variance,
    )
    found = curve.at(horizon)
    at_risk = sum(max(0, min(row.exit, horizon) - row.entry) for row in rows)
    return IncidenceFigure(
        stratum=stratum,
        recipients=sum(any(row.entry < horizon for row in course) for course in courses),
        curve=curve,
        found=found,
        competing=Counter(
            row.cause for row in rows if row.cause not in (CENSORED, CASE) and row.exit <= horizon
        ),
        rate=rate_estimate(
            found.events,
            at_risk,
            per=definition.per,
            unit=definition.unit,
            method=definition.ci,
            level=definition.level,
        ),
        followed_days=max((row.exit for row in rows), default=0),
    )


def _columns(rows: Sequence[IncidenceRow]) -> tuple[list[int], list[int], list[int]]:
    """Entry, exit and cause as the statistics want them."""
    codes = {CENSORED: 0, CASE: 1}
    return (
        [row.entry for row in rows],
        [row.exit for row in rows],
        [codes.get(row.cause, 2) for row in rows],
    )


def _test(
    definition: RateDefinition, choice: IncidenceChoice, followed: Sequence[Followed]
) -> GrayTest:
    """Gray's test between the groups over the days up to the horizon."""
    horizon = choice.horizon_days
    groups: list[str] = []
    rows: list[IncidenceRow] = []
    for one in followed:
        ((*values,),) = groups_of(definition.by, one.history)
        for row in one.rows:
            if row.entry < horizon:
                rows.append(
                    row if row.exit <= horizon else row._replace(exit=horizon, cause=CENSORED)
                )
                groups.append("\x1f".join(values))
    _, numbers = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)
    return gray_test(*_columns(rows), numbers)


def _why_no_test(definition: RateDefinition, rows: Sequence[IncidenceFigure]) -> str | None:
    if not definition.by or len(rows) < 2:
        return "There is one group."
    if "agent" in definition.by:
        return "Agents overlap: a recipient may be in several groups."
    if any(name in NUMERATOR for name in definition.by):
        return "The rows are of the same recipients."
    return None
