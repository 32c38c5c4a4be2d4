"""How long reports take, estimated so that those still on their way do not bias it.

In:     lags in days, and for each the longest lag that could have been seen by now.
Out:    `LagDistribution`: the share reported within so many days, its quantiles, and the share of
        a window still to come.
Source: Kalbfleisch & Lawless, J Am Stat Assoc 1989;84:360-372; Brookmeyer & Liao, Am J Epidemiol
        1990;132:355-365: the product-limit estimate in reverse time; docs/methods.md 9.

Only reports with lag <= limit are known (right truncation). Going down from the longest lag, the
reports at risk of lag u are those with lag <= u <= limit: F(x) = prod over u > x of (1 - d_u/n_u).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST = 10
"""A lag is looked at only as far as so many reports could have shown it."""


@dataclass(frozen=True, slots=True)
class LagDistribution:
    """F(0), F(1), ... F(horizon) = 1: shares given that the report comes within the horizon.

    `reports` are those it rests on; `missing_days[k]` is the sum of 1 - F over lags below k.
    """

    reports: int
    shares: NDArray[np.float64]
    missing_days: NDArray[np.float64]

    @classmethod
    def of(cls, reports: int, shares: NDArray[np.float64]) -> Self:
        """With the running sum that makes a window two look-ups."""
        return cls(reports, shares, np.concatenate(([0.0], np.cumsum(1.0 - shares))))

    @property
    def horizon_days(self) -> int:
        """The longest lag looked at; longer ones are unknown to it."""
        return len(self.shares) - 1

    def share_reported(self, days: int) -> float:
        """The share of reports that arrive within so many days."""
        return 0.0 if days < 0 else float(self.shares[min(days, self.horizon_days)])

    def quantile(self, share: float) -> int:
        """The fewest days within which at least the share arrives."""
        return int(np.searchsorted(self.shares, share - 1e-12))

    def share_still_to_come(self, start_day: int, end_day: int, known_day: int) -> float:
        """The mean over the days of a window, each alike, of what is not yet reported of them.

        The window may not end after `known_day` nor before its start (ValueError).
        """
        if not start_day <= end_day <= known_day:
            raise ValueError("a window starts before it ends, and ends when it is known at latest")
        last = len(self.missing_days) - 1
        youngest, oldest = min(known_day - end_day, last), min(known_day - start_day + 1, last)
        missing = float(self.missing_days[oldest] - self.missing_days[youngest])
        return min(1.0, max(0.0, missing / (end_day - start_day + 1)))


def lag_distribution(
    lags: ArrayLike, limits: ArrayLike, counts: Sequence[int] | None = None
) -> LagDistribution | None:
    """The reverse-time estimate; None with fewer than `FEWEST` reports.

    `lags` and `limits` are whole days, one per report (or per `counts` alike ones); ValueError for
    a lag below 0 or above its limit, or where lengths differ. The horizon is the longest lag that
    at least `FEWEST` reports could have shown. Twelve reports of old events, half of them after
    2 days, and six of today's, which can have no lag but 0: of the old ones half came at once.

    >>> found = lag_distribution([0] * 6 + [2] * 6 + [0] * 6, [2] * 12 + [0] * 6)
    >>> found.shares.tolist(), found.quantile(0.5), found.quantile(0.9)
    ([0.5, 0.5, 1.0], 0, 2)
    """
    lag, limit = np.asarray(lags, dtype=np.int64), np.asarray(limits, dtype=np.int64)
    count = np.ones_like(lag) if counts is None else np.asarray(counts, dtype=np.int64)
    if not lag.shape == limit.shape == count.shape:
        raise ValueError("lags, limits and counts go together")
    if (lag < 0).any() or (lag > limit).any():
        raise ValueError("a lag lies between 0 and its limit")
    if count.sum() < FEWEST:
        return None
    by_limit = np.bincount(limit, weights=count)
    could_show = np.cumsum(by_limit[::-1])[::-1]
    horizon = int(np.flatnonzero(could_show >= FEWEST)[-1])
    within = lag <= horizon
    lag, limit, count = lag[within], np.minimum(limit[within], horizon), count[within]
    if not count.sum():
        return None
    size = horizon + 1
    arrived = np.bincount(lag, weights=count, minlength=size)
    closed = np.bincount(limit, weights=count, minlength=size)
    at_risk = np.cumsum(arrived) - np.concatenate(([0.0], np.cumsum(closed)[:-1]))
    stays = 1.0 - np.divide(arrived, at_risk, out=np.zeros(size), where=at_risk > 0)
    later = np.concatenate((stays[1:], [1.0]))
    shares: NDArray[np.float64] = np.cumprod(later[::-1], dtype=np.float64)[::-1]
    return LagDistribution.of(int(count.sum()), shares)
