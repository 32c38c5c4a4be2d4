"""When a rule of counts first signals, exactly: from a fresh start, looked at once a day.

In:     the last day on which so many cases still signal, and the mean number of cases a day.
Out:    the chance of a signal by the last look, the median and the mean day of it.
Source: the Markov chain of `service.stats.maxsprt` (Kulldorff et al., Seq Anal 2011;30:58-78), from
        one last day to the next.

Where a count's evidence only falls as time goes by, n cases signal up to a last day d(n), which
rises with n. The rule is silent up to day t exactly if there were fewer than n cases on day d(n)
for every d(n) below t, and too few on day t.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from service.stats.scaled_gamma import Numbers

Whole = NDArray[np.int64]

NEGLIGIBLE = 1e-10
"""Silent series: beyond, nothing changes in the digits that are told."""

ADDED_DAY_BY_DAY = 16
"""A longer stretch is integrated: a day of it expects little, and half a day's fall is added."""


class Crossing(NamedTuple):
    """The chance of a signal by the last look; median and mean day, None where under half do.

    The mean is over the series that signal; both are counted from 1, the first day.
    """

    probability: float
    median: float | None
    mean: float | None


class Stretch(NamedTuple):
    """Days after `since`, up to `until`, on which `needed` cases signal.

    `silent[j]` is the chance of no signal up to `since` and j cases by then.
    """

    since: int
    until: int
    needed: int
    silent: Numbers

    def silence(self, day: int, mean_per_day: float) -> float:
        """The chance of no signal up to the day."""
        missing = self.needed - 1 - np.arange(self.needed)
        return float(self.silent @ special.pdtr(missing, mean_per_day * (day - self.since)))

    def days(self, mean_per_day: float) -> float:
        """The sum of that chance over the days since ... until - 1."""
        length = self.until - self.since
        if length <= ADDED_DAY_BY_DAY:
            days = range(self.since, self.until)
            return sum(self.silence(day, mean_per_day) for day in days)
        # Mean time from j cases on: E min(Poisson, needed - j) / rate.
        tails = special.pdtrc(np.arange(self.needed), mean_per_day * length)
        integral = float(self.silent @ np.cumsum(tails)[::-1]) / mean_per_day
        fall = float(self.silent.sum()) - self.silence(self.until, mean_per_day)
        return integral + fall / 2.0


def crossing(
    last_days: Whole, fewest: int, mean_per_day: float, *, last_look: int, first_look: int = 1
) -> Crossing:
    """When `fewest`, `fewest` + 1, ... cases, which signal up to `last_days`, are first seen.

    `last_days` must not fall; looks are at the end of each day from `first_look` to `last_look`,
    1 being the first day. More cases than `last_days` has entries signal nothing.

    One case suffices on the first three days:

    >>> found = crossing(np.array([3]), 1, 0.5, last_look=3)
    >>> f"{found.probability:.4f}, day {found.median:g}, mean {found.mean:.4f}"
    '0.7769, day 2, mean 1.6798'
    """
    if not mean_per_day > 0:
        return Crossing(0.0, None, None)
    stretches: list[Stretch] = []
    reached = np.flatnonzero(last_days >= first_look)
    start = int(reached[0]) if reached.size and last_look >= first_look else last_days.size
    now, silent = 0, np.zeros(fewest + start)
    silent[:1] = 1.0
    for needed, last in enumerate(last_days[start:].tolist(), fewest + start):
        until = min(last, last_look)
        if until > now:
            stretches.append(Stretch(now, until, needed, silent))
            silent = np.convolve(silent, _poisson(needed, mean_per_day * (until - now)))[:needed]
            now = until
        if now >= last_look or silent.sum() < NEGLIGIBLE:
            break
        silent = np.append(silent, 0.0)
    return _summed(stretches, float(silent.sum()), mean_per_day, first_look)


def _summed(
    stretches: list[Stretch], silence: float, mean_per_day: float, first_look: int
) -> Crossing:
    probability = min(max(1.0 - silence, 0.0), 1.0)
    if not stretches or probability < 0.5:
        return Crossing(probability if stretches else 0.0, None, None)
    total = sum(stretch.days(mean_per_day) for stretch in stretches)
    # Before the first look nothing can signal, whatever the count.
    total += first_look - stretches[0]._replace(until=first_look).days(mean_per_day)
    mean = (total - silence * stretches[-1].until) / probability
    halved = next(s for s in stretches if s.silence(s.until, mean_per_day) <= 0.5)
    low, high = max(halved.since, first_look - 1), halved.until
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if halved.silence(middle, mean_per_day) <= 0.5 else (middle, high)
    return Crossing(probability, float(high), mean)


def _poisson(most: int, mean: float) -> Numbers:
    """The chances of 0, 1, ..., `most` cases, as far as any is to be had."""
    counts = np.arange(min(most, int(mean + 12.0 * mean**0.5) + 40) + 1, dtype=np.float64)
    chances: Numbers = np.exp(special.xlogy(counts, mean) - special.gammaln(counts + 1.0) - mean)
    return chances
