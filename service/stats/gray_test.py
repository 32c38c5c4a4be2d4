"""Gray's test: do groups differ in the cumulative incidence of one cause?

In:     runs of days at risk with their causes, as for `cumulative_incidence`, and a group for each.
Out:    `GrayTest`: a chi-square statistic, its degrees of freedom and p.
Source: Gray, Ann Stat 1988;16:1141-1154 (rho = 0), with the variance that allows for ties, as in
        R's cmprsk (Gray); numbers at risk that grow by delayed entry stand in for those of cmprsk.

On each day the cases of a group are held against its share of those that would still be at risk
of the subdistribution, R_k (1 - F_k) / S_k. The variance carries, for each group k, the sums that a
later day needs of the days before: c of the weights, v2 and v3 of the martingales of S_k.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from service.stats.cumulative_incidence import EVENT, checked_rows

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GrayTest:
    """No statistic and no p where there is nothing to compare: fewer than two groups with anybody
    at risk on a day with a case, or a variance that is singular."""

    statistic: float | None
    degrees_of_freedom: int
    p_value: float | None


def gray_test(
    entry: ArrayLike,
    exit: ArrayLike,  # noqa: A002 - the name the field gives it
    cause: ArrayLike,
    group: ArrayLike,
) -> GrayTest:
    """Compare the cause coded 1 between the groups, every other cause above 0 competing.

    `group` holds whole numbers, one for each row; the rest is as for `cumulative_incidence`, and so
    are the errors. Under late entry a curve can run out while others still enter: from then on that
    group, or where the pooled curve has reached 1 every group, adds nothing.

    >>> days, causes = [3, 5, 7, 9, 2, 4, 6, 8], [1, 1, 2, 0, 2, 0, 2, 1]
    >>> found = gray_test([-1] * 8, days, causes, [0] * 4 + [1] * 4)
    >>> print(round(found.statistic, 4), found.degrees_of_freedom, round(found.p_value, 4))
    0.3313 1 0.5649
    """
    entry_days, exit_days, causes = checked_rows(entry, exit, cause)
    groups, places = np.unique(np.asarray(group), return_inverse=True)
    if places.shape != exit_days.shape:
        raise ValueError("group must have one number for each row")
    score = _Score(groups.size)
    for day in np.unique(exit_days[causes > 0]).tolist():
        at_risk = (entry_days < day) & (day <= exit_days)
        ends = exit_days == day
        score.add(
            np.bincount(places[at_risk], minlength=groups.size).astype(np.float64),
            np.bincount(places[ends & (causes == EVENT)], minlength=groups.size).astype(np.float64),
            np.bincount(places[ends & (causes > EVENT)], minlength=groups.size).astype(np.float64),
        )
    return score.test()


class _Score:
    """The score of each group and its variance, carried from day to day."""

    def __init__(self, groups: int) -> None:
        self.score = np.zeros(groups)
        self.variance = np.zeros((groups, groups))
        self.event_free = np.ones(groups)
        self.incidence = np.zeros(groups)
        self.pooled = 0.0
        self.c = np.zeros((groups, groups))
        self.v2 = np.zeros((groups, groups))
        self.v3 = np.zeros(groups)

    def add(self, at_risk: Numbers, events: Numbers, competing: Numbers) -> None:
        """One day: how many of each group were at risk, had the event, had another cause."""
        before = self.event_free.copy()
        live = before > 0  # late entries to a group whose curve has run out say nothing
        at_risk, events, competing = at_risk * live, events * live, competing * live
        present = at_risk > 0
        risk = np.where(present, at_risk, 1.0)
        weight = np.divide(at_risk, before, out=np.zeros(before.size), where=live)
        expecting = weight * (1.0 - self.incidence)
        total, every = weight.sum(), events.sum()
        self.event_free = np.where(present, before * (risk - events - competing) / risk, before)
        self.incidence = self.incidence + np.where(present, before * events / risk, 0.0)
        if every and self.pooled < 1.0:
            self.score += events - every * expecting / expecting.sum()
            pooled_before, self.pooled = self.pooled, self.pooled + every / total
            a = np.diag(weight) - np.outer(weight, weight) / total
            self.c += a * every / (total * (1.0 - pooled_before))
            self._add_events(a, before, at_risk, total, every)
        if competing.any():
            self._add_competing(before, at_risk, competing)

    def _add_events(
        self, a: Numbers, before: Numbers, at_risk: Numbers, total: float, every: float
    ) -> None:
        for k in np.flatnonzero(at_risk).tolist():
            after = self.event_free[k]
            t4 = 1.0 - (1.0 - self.pooled) / after if after > 0 else 1.0
            tied = 1.0 - (every - 1.0) / (total * before[k] - 1.0) if every > 1 else 1.0
            self._carry(
                k, a[:, k] - t4 * self.c[:, k], t4, tied * before[k] * every / (total * at_risk[k])
            )

    def _add_competing(self, before: Numbers, at_risk: Numbers, competing: Numbers) -> None:
        for k in np.flatnonzero(competing).tolist():
            if self.event_free[k] > 0:
                t4 = (1.0 - self.pooled) / self.event_free[k]
                many = competing[k] > 1
                tied = 1.0 - (competing[k] - 1.0) / (at_risk[k] - 1.0) if many else 1.0
                step = tied * before[k] ** 2 * competing[k] / at_risk[k] ** 2
                self._carry(k, t4 * self.c[:, k], -t4, step)

    def _carry(self, k: int, term: Numbers, t4: float, step: float) -> None:
        self.variance += np.outer(term, term) * step
        self.v2[:, k] += term * t4 * step
        self.v3[k] += t4 * t4 * step

    def test(self) -> GrayTest:
        """The statistic over all groups but one, whose score follows from the others'."""
        free = max(self.score.size - 1, 0)
        across = self.c @ self.v2.T
        whole = self.variance + (self.c * self.v3) @ self.c.T + across + across.T
        score, variance = self.score[:free], whole[:free, :free]
        if not free or np.linalg.matrix_rank(variance) < free:
            return GrayTest(None, free, None)
        statistic = float(score @ np.linalg.solve(variance, score))
        return GrayTest(statistic, free, float(special.chdtrc(free, statistic)))
