"""g-charts: the gaps between consecutive cases, and how long or short they may be by chance.

In:     how many cases are expected in one step (a day, or one expected case).
Out:    the centre line and the probability limits of a gap.
Source: Benneyan, Health Care Manag Sci 2001;4:305-318 (doi 10.1023/A:1011846412909); for limits by
        probability 2001;4:319-336 (doi 10.1023/A:1011806727354). Three standard deviations of a
        normal distribution cut off 0.00135 at each end.

With p = 1 - exp(-mu) the chance of a case on a day that expects mu, the whole days between two
cases are geometric, P(gap >= x) = exp(-mu x) for x = 0, 1, 2, ...; measured in expected cases the
gap is exponential with mean 1, however the expectation varies.
"""

from math import exp, expm1, floor, log, log1p
from typing import NamedTuple

TAIL = 0.00135
"""Of a normal distribution beyond three standard deviations, on one side."""

TIE = 1e-9


class GapLimits(NamedTuple):
    """The mean gap, and the least and greatest gap that are not rarer than the tail."""

    centre: float
    lower: float
    upper: float


def expected_gap_limits(tail: float = TAIL) -> GapLimits:
    """Of a gap measured in expected cases.

    >>> print(*(f"{x:.5f}" for x in expected_gap_limits()))
    1.00000 0.00135 6.60765
    """
    return GapLimits(1.0, -log1p(-_sound(tail)), -log(tail))


def day_gap_limits(expected_per_day: float, tail: float = TAIL) -> GapLimits | None:
    """Of a gap in days, with so many cases expected every day; None where none is expected.

    A gap is 0 where two cases come on one day. ValueError for a negative expectation.

    >>> print(*(f"{x:.2f}" for x in day_gap_limits(0.05)))
    19.50 0.00 132.00
    """
    if not expected_per_day >= 0:
        raise ValueError("expected_per_day must not be negative")
    _sound(tail)
    if expected_per_day < 1e-12:
        return None
    centre = exp(-expected_per_day) / -expm1(-expected_per_day)
    lower = floor(-log1p(-tail) / expected_per_day + TIE)
    upper = floor(-log(tail) / expected_per_day + TIE)
    return GapLimits(centre, float(lower), float(upper))


def _sound(tail: float) -> float:
    if not 0.0 < tail < 0.5:
        raise ValueError(f"the tail must lie between 0 and 0.5, not {tail}")
    return tail
