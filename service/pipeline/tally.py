"""Person-days and cases of a population, read from the ledger's sums for any number of windows.

In:     a `RateDefinition`, the windows wanted, and the position to speak for (None: now).
Out:    `Tally`: what each group of rows takes as time at risk and as cases, by stored values.
Source: docs/methods.md 3 to 6.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.domain.contributions import FOLLOW_UP
from service.domain.days import Days
from service.domain.figures import FirstOf, Group, RateDefinition
from service.store import sums
from service.store.engine import Connection
from service.store.sums import PerWindow, Values

CASES_OF: Mapping[FirstOf | None, Callable[[sums.CaseCount], int]] = {
    None: lambda count: count.cases,
    "type": lambda count: count.first_of_type,
    "any": lambda count: count.first_of_any,
}
"""Which of the counted episodes a group takes as its cases."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Person-days by stored values and risk set; cases by stored values; all by window."""

    person_days: Mapping[tuple[Values, str], PerWindow]
    counts: Sequence[sums.CaseCount]
    windows: Sequence[Days]

    def at_risk(self, group: Group) -> Iterator[tuple[Values, PerWindow]]:
        """Each stratum's days of follow-up less those the group takes out."""
        for (values, risk_set), follow_up in self.person_days.items():
            if risk_set == FOLLOW_UP:
                taken_out = self.person_days.get((values, group.taken_out or ""))
                yield values, follow_up if taken_out is None else follow_up - taken_out

    def cases_of(self, group: Group) -> Iterator[tuple[Values, PerWindow]]:
        """The group's cases."""
        cases_of = CASES_OF[group.first_of]
        found: dict[Values, list[tuple[int, int]]] = defaultdict(list)
        for count in self.counts:
            is_asked = not group.infection_types or count.infection_type in group.infection_types
            if is_asked and (cases := cases_of(count)):
                values = tuple(value or "unknown" for value in count.values)
                found[values].append((count.onset_day or 0, cases))
        for values, by_day in found.items():
            yield values, self._in_windows(by_day)

    def nothing(self) -> PerWindow:
        """No day, or no case, in any window."""
        return np.zeros(len(self.windows), dtype=np.int64)

    def _in_windows(self, by_day: list[tuple[int, int]]) -> PerWindow:
        if len(self.windows) == 1:  # summed in the database: no day is given, none is needed
            return np.array([sum(cases for _, cases in by_day)])
        days, cases = np.array(sorted(by_day), dtype=np.int64).T
        starts, ends = np.array(self.windows, dtype=np.int64).T
        so_far = np.concatenate(([0], np.cumsum(cases)))
        in_windows: PerWindow = (
            so_far[np.searchsorted(days, ends, side="right")]
            - so_far[np.searchsorted(days, starts, side="left")]
        )
        return in_windows


def tally(
    connection: Connection,
    definition: RateDefinition,
    groups: Iterable[Group],
    stored_denominator: Values,
    numerator: Values,
    windows: Sequence[Days],
    position: int | None,
) -> Tally:
    """Read what the groups of rows need, and nothing else."""
    groups = tuple(groups)
    filters = store_filters(definition, groups)
    risk_sets = sorted({FOLLOW_UP, *(group.taken_out for group in groups if group.taken_out)})
    counts = sums.case_counts(
        connection,
        filters,
        (*stored_denominator, *numerator),
        start_day=min(window.start_day for window in windows),
        end_day=max(window.end_day for window in windows),
        by_day=len(windows) > 1,
        position=position,
    )
    return Tally(
        person_days=sums.person_days(
            connection, filters, stored_denominator, risk_sets, windows, position=position
        ),
        counts=list(counts),
        windows=windows,
    )


def store_filters(
    definition: RateDefinition, groups: Iterable[Group] = ()
) -> dict[str, tuple[str, ...]]:
    """The filters as the store applies them: default statuses written out.

    Infection types are those of the groups, because a total of any infection is of any, also
    where its rows are of some types.
    """
    of_groups = [group.infection_types for group in groups]
    types = {name for types in of_groups if types for name in types} if all(of_groups) else set()
    return {
        **definition.filters,
        "status": definition.statuses,
        "infection_type": tuple(sorted(types)),
    }
