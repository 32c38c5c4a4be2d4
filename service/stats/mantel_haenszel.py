"""One rate ratio over strata: what remains when the strata are held fixed.

In:     `Counts` of each stratum.
Out:    `AdjustedRatio`: the Mantel-Haenszel ratio, its interval, p, and how far the strata differ.
Source: ratio: Rothman & Boice 1979; interval: Greenland & Robins 1985 (doi 10.2307/2530643), as
        epiR epi.2by2 and Stata ir; p and heterogeneity: Breslow & Day 1987, Statistical Methods in
        Cancer Research II, chapter 3 (IARC).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

from scipy import special

from service.stats.interval import Interval, normal_deviate
from service.stats.rate_ratios import NO_CASE, NO_REFERENCE_CASE, Counts

NO_STRATUM_WITH_BOTH = "no stratum with person-time on both sides"
NO_COMPARED_CASE = "no case in the group compared: no interval"


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Do the strata's ratios differ? A small p says that one ratio for all of them hides that."""

    chi_square: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True, slots=True)
class AdjustedRatio:
    """The ratio over all strata; `reason` tells what is not given and why.

    Without a case on one side the interval, which needs logarithms, does not exist. Only strata
    with person-time on both sides and a case say anything: `informative_strata`.
    """

    ratio: float | None
    interval: Interval
    p_value: float | None
    heterogeneity: Heterogeneity | None
    informative_strata: int
    reason: str | None


def mantel_haenszel(strata: Sequence[Counts], level: float = 0.95) -> AdjustedRatio:
    """The rate ratio adjusted for the strata.

    ValueError for a level outside (0, 1).

    Smoking and coronary death among British doctors in five age groups (Doll & Hill 1966):

    >>> smokers = [(32, 52_407), (104, 43_248), (206, 28_612), (186, 12_663), (102, 5_317)]
    >>> others = [(2, 18_790), (12, 10_673), (28, 5_710), (28, 2_585), (31, 1_462)]
    >>> found = mantel_haenszel([Counts(*a, *b) for a, b in zip(smokers, others)])
    >>> f"{found.ratio:.4f} ({found.interval.lower:.4f} to {found.interval.upper:.4f})"
    '1.4247 (1.1547 to 1.7578)'
    """
    deviate = normal_deviate(level)
    both = [one for one in strata if one.person_time and one.reference_person_time]
    told = [one for one in both if one.all_cases]
    nothing = Interval(None, None, level, "greenland_robins")
    if not told:
        reason = NO_CASE if both else NO_STRATUM_WITH_BOTH
        return AdjustedRatio(None, nothing, None, None, 0, reason)
    compared = sum(one.cases * (1.0 - _share(one)) for one in told)
    reference = sum(one.reference_cases * _share(one) for one in told)
    variance = sum(one.all_cases * _share(one) * (1.0 - _share(one)) for one in told)
    p_value = _p_value((compared - reference) / sqrt(variance))
    if not reference:
        return AdjustedRatio(None, nothing, p_value, None, len(told), NO_REFERENCE_CASE)
    ratio = compared / reference
    if not compared:
        return AdjustedRatio(0.0, nothing, p_value, None, len(told), NO_COMPARED_CASE)
    width = deviate * sqrt(variance / compared / reference)
    limits = Interval(ratio * exp(-width), ratio * exp(width), level, "greenland_robins")
    return AdjustedRatio(ratio, limits, p_value, _heterogeneity(told, ratio), len(told), None)


def _share(one: Counts) -> float:
    return one.person_time / (one.person_time + one.reference_person_time)


def _p_value(deviate: float) -> float:
    return float(2.0 * special.ndtr(-abs(deviate)))


def _heterogeneity(told: Sequence[Counts], ratio: float) -> Heterogeneity | None:
    """Cases of each stratum against those expected under one ratio for all."""
    if len(told) < 2:
        return None
    chi_square = 0.0
    for one in told:
        share = 1.0 / (1.0 + 1.0 / (ratio * one.time_odds))
        spread = one.all_cases * share * (1.0 - share)
        chi_square += (one.cases - one.all_cases * share) ** 2 / spread
    freedom = len(told) - 1
    return Heterogeneity(chi_square, freedom, float(special.chdtrc(freedom, chi_square)))
