"""The binomial count that is left when the total of two Poisson counts is given.

In:     whole counts, and the odds that a case falls to the first group.
Out:    tail probabilities for given odds, limits of the odds for given counts.
Source: Clopper & Pearson 1934 (doi 10.1093/biomet/26.4.404), by the inverse incomplete beta
        function; mid-P: Lancaster 1961 (doi 10.1080/01621459.1961.10482105); minlike: as R
        binom.test.

Everything is in odds, not probabilities: near 1 a probability has no digits left for its
complement, odds have all of them. Logarithms keep it in range for millions of cases.
"""

from bisect import bisect_left
from math import ceil, expm1, log, log1p
from sys import float_info
from typing import TypeAlias

import scipy
from scipy import special

from service.stats.interval import tail_of
from service.stats.p_values import SAME_LIKELIHOOD

Odds: TypeAlias = tuple[float | None, float | None]
"""Two limits of odds; None where there is none."""


def at_least(count: int, total: int, odds: float) -> float:
    """P(X >= count) of `total` cases that are the first group's with these odds.

    >>> at_least(1, 2, 1.0)
    0.75
    """
    if count <= 0:
        return 1.0
    if count > total:
        return 0.0
    if odds <= 1.0:
        return float(special.betainc(count, total - count + 1, odds / (1.0 + odds)))
    return float(special.betaincc(total - count + 1, count, 1.0 / (1.0 + odds)))


def at_most(count: int, total: int, odds: float) -> float:
    """P(X <= count): what the other group has at least, seen from there.

    >>> at_most(0, 2, 1.0)
    0.25
    """
    return at_least(total - count, total, 1.0 / odds)


def log_probability(count: int, total: int, odds: float) -> float:
    """ln P(X = count).

    >>> f"{log_probability(1, 2, 1.0):.6f}"
    '-0.693147'
    """
    ways = (
        special.gammaln(total + 1) - special.gammaln(count + 1) - special.gammaln(total - count + 1)
    )
    return float(ways - count * log1p(1.0 / odds) - (total - count) * log1p(odds))


def no_likelier(count: int, total: int, odds: float) -> float:
    """P of every outcome no likelier than `count`; the two-sided p of R's binom.test.

    >>> no_likelier(0, 2, 1.0)
    0.5
    """
    mean = total / (1.0 + 1.0 / odds)
    if count == mean:
        return 1.0
    if count < mean:
        return _lower_and_beyond(count, total, odds)
    return _lower_and_beyond(total - count, total, 1.0 / odds)


def _lower_and_beyond(count: int, total: int, odds: float) -> float:
    """Outcomes up to a count below the mean, and those above the mean that are no likelier."""
    threshold = log_probability(count, total, odds) + SAME_LIKELIHOOD
    # Beyond the mean the probabilities fall, so the first one low enough can be bisected for.
    start = max(count + 1, ceil(total / (1.0 + 1.0 / odds)))
    first = bisect_left(
        range(start, total + 1),
        1,
        key=lambda other: int(log_probability(other, total, odds) <= threshold),
    )
    return min(1.0, at_most(count, total, odds) + at_least(start + first, total, odds))


def exact_odds(count: int, other: int, level: float) -> Odds:
    """Clopper-Pearson limits as odds; no upper one where the other group has no case.

    >>> lower, upper = exact_odds(5, 5, 0.95)
    >>> f"{lower:.4f} {upper:.4f}"
    '0.2301 4.3451'
    """
    lower = _exact_lower(count, other, level)
    mirrored = _exact_lower(other, count, level)
    return lower, 1.0 / mirrored if mirrored else None


def _exact_lower(count: int, other: int, level: float) -> float:
    if not count:
        return 0.0
    tail = tail_of(level)
    share = special.betaincinv(count, other + 1, tail)
    return float(share / special.betainccinv(other + 1, count, tail))


def midp_odds(count: int, other: int, level: float) -> Odds:
    """Limits as odds with half the probability of `count` itself.

    >>> lower, upper = midp_odds(5, 5, 0.95)
    >>> f"{lower:.4f} {upper:.4f}"
    '0.2690 3.7168'
    """
    lower = _midp_lower(count, other, level)
    mirrored = _midp_lower(other, count, level)
    return lower, 1.0 / mirrored if mirrored else None


def _midp_lower(count: int, other: int, level: float) -> float:
    # The mean of two tails lies between their two quantiles, which brackets it for any count.
    if not count:
        return 0.0
    tail, total = tail_of(level), count + other
    if not other:  # as the level nears 0 this grows without end, and stays a number
        return 1.0 / expm1(max(-log1p(-level) / total, float_info.min))

    def excess(log_odds: float) -> float:
        odds = float(special.exp2(log_odds))
        return (at_least(count, total, odds) + at_least(count + 1, total, odds)) / 2.0 - tail

    low = log(_exact_lower(count, other, level), 2)
    high = log(_exact_lower(count + 1, other - 1, level), 2)
    return float(special.exp2(scipy.optimize.brentq(excess, low, high, xtol=1e-15, rtol=1e-15)))
