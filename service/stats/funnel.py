"""Funnel plot: how far a ratio of observed to expected may lie from 1 by chance alone.

In:     cases observed and expected, one pair for each facility.
Out:    exact Poisson control limits of the ratio, the place of a point among them, overdispersion.
Source: Spiegelhalter, Stat Med 2005;24:1185-1202 (doi 10.1002/sim.1970) for interpolated exact
        limits; Seaton & Manktelow, BMC Med Res Methodol 2012;12:98 (doi 10.1186/1471-2288-12-98)
        for limits that are passed with no more than the probability they name.

With r the smallest count with P(X <= r) > p and a = (P(X <= r) - p) / P(X = r), the lower limit is
(r - a) / E, exact and without the jumps of whole counts; below 0 it is 0. The upper one is the same
seen from above, (r - a + 1) / E: r - a itself would be passed more often than it says, by 8 % at 1
expected instead of 2.5 %.
"""

from collections.abc import Sequence
from math import floor, inf, sqrt
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import special

from service.stats.interval import tail_of

Position: TypeAlias = Literal["below 99.8%", "below 95%", "inside", "above 95%", "above 99.8%"]

LIMITS_METHOD = "poisson_exact_interpolated"
WARNING_LEVEL = 0.95
ALARM_LEVEL = 0.998
WINSORISED = 0.1
"""The share of facilities at either end whose deviation is drawn in to the next one's."""


class ControlLimits(NamedTuple):
    """The ratios between which a share `level` of facilities lies where all have the ratio 1."""

    lower: float
    upper: float
    level: float


class Overdispersion(NamedTuple):
    """The mean square of standardised deviations: 1 where nothing but chance is at work.

    `phi` is None without facilities; `winsorised` counts those drawn in at either end.
    """

    phi: float | None
    facilities: int
    winsorised: int


def control_limits(expected: float, level: float = WARNING_LEVEL) -> ControlLimits:
    """Control limits of observed/expected; ValueError unless expected is above 0 and finite.

    Where the true ratio is 1, either limit is passed with probability (1 - level)/2 at most.

    >>> limits = control_limits(10.0)
    >>> f"{limits.lower:.4f} {limits.upper:.4f}"
    '0.3775 1.7160'
    """
    if not 0.0 < expected < inf:
        raise ValueError("expected must be above 0 and finite")
    tail = tail_of(level)
    lower = max(0.0, _interpolated_quantile(tail, expected))
    upper = _interpolated_quantile(1.0 - tail, expected) + 1.0
    return ControlLimits(lower / expected, upper / expected, level)


def position(observed: int, expected: float) -> Position:
    """The place of a point: outside a limit where the ratio lies beyond it.

    >>> position(12, 10.0), position(18, 10.0), position(22, 10.0), position(3, 10.0)
    ('inside', 'above 95%', 'above 99.8%', 'below 95%')
    """
    ratio = observed / expected
    alarm = control_limits(expected, ALARM_LEVEL)
    warning = control_limits(expected, WARNING_LEVEL)
    places: tuple[tuple[bool, Position], ...] = (
        (ratio > alarm.upper, "above 99.8%"),
        (ratio < alarm.lower, "below 99.8%"),
        (ratio > warning.upper, "above 95%"),
        (ratio < warning.lower, "below 95%"),
    )
    return next((place for holds, place in places if holds), "inside")


def expected_grid(expected: Sequence[float], points: int = 200) -> list[float]:
    """Numbers expected at which to draw the limits: from the least to the most, evenly in logs.

    >>> [round(x, 3) for x in expected_grid([0.0, 1.0, 100.0], points=3)]
    [1.0, 10.0, 100.0]
    """
    drawn = [x for x in expected if x > 0.0]
    if not drawn:
        return []
    if min(drawn) == max(drawn):
        return [drawn[0]]
    return [float(x) for x in np.geomspace(min(drawn), max(drawn), points)]


def overdispersion(observed: Sequence[int], expected: Sequence[float]) -> Overdispersion:
    """Phi over all facilities with an expected number, from (O - E)/sqrt(E) winsorised.

    Below ten facilities there is nothing to draw in.

    >>> overdispersion([12, 6, 10], [10.0, 10.0, 10.0]).phi
    0.6666666666666666
    """
    deviations = sorted(
        (o - e) / sqrt(e) for o, e in zip(observed, expected, strict=True) if e > 0.0
    )
    if not deviations:
        return Overdispersion(None, 0, 0)
    drawn_in = int(WINSORISED * len(deviations))
    z = np.clip(deviations, deviations[drawn_in], deviations[-1 - drawn_in])
    return Overdispersion(float(np.mean(z**2)), len(deviations), drawn_in)


def _interpolated_quantile(p: float, mean: float) -> float:
    """The count at which the straight lines between the points of the distribution reach p."""
    # Cornish and Fisher's expansion lies within a few counts; step to the exact one from there.
    z = float(special.ndtri(p))
    count = max(0.0, floor(mean + z * sqrt(mean) + (z * z - 1.0) / 6.0))
    while count > 0.0 and special.pdtr(count - 1.0, mean) > p:
        count -= 1.0
    while special.pdtr(count, mean) <= p:
        count += 1.0
    up_to = float(special.pdtr(count, mean))
    below = float(special.pdtr(count - 1.0, mean)) if count else 0.0
    return count - (up_to - p) / (up_to - below)
