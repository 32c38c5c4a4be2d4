"""How surprising a Poisson count is under a given expectation.

In:     whole cases observed, the number expected.
Out:    p-values, each under the name of its definition.
Source: central and minlike: Fay 2010, R Journal 2(1):53-58; mid-P: Lancaster 1961;
        Byar: Breslow & Day 1987, p. 71, as in R's epiR epi.smr.

Two exact two-sided p-values are in use: `central` doubles the smaller tail and agrees with the
exact interval; `minlike` adds every outcome no likelier than the observed one, as R's poisson.test,
and may disagree with the interval about 0.05.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from math import ceil, floor, inf, log1p, sqrt

from scipy import special

SAME_LIKELIHOOD = log1p(1e-7)
"""Outcomes this close in log probability are equally likely, as in R's poisson.test."""


def _greater(observed: int, expected: float) -> float:
    return float(special.gammainc(observed, expected)) if observed else 1.0


def _less(observed: int, expected: float) -> float:
    return float(special.gammaincc(observed + 1, expected))


def _central(observed: int, expected: float) -> float:
    return min(1.0, 2.0 * min(_greater(observed, expected), _less(observed, expected)))


def _midp_greater(observed: int, expected: float) -> float:
    return (_greater(observed, expected) + _greater(observed + 1, expected)) / 2.0


def _midp_less(observed: int, expected: float) -> float:
    below = _less(observed - 1, expected) if observed else 0.0
    return (_less(observed, expected) + below) / 2.0


def _midp(observed: int, expected: float) -> float:
    return min(1.0, 2.0 * min(_midp_greater(observed, expected), _midp_less(observed, expected)))


def _log_probability(count: int, expected: float) -> float:
    if expected == 0.0:
        return 0.0 if count == 0 else -inf
    return float(special.xlogy(count, expected) - expected - special.gammaln(count + 1))


def _minlike(observed: int, expected: float) -> float:
    if observed == expected:
        return 1.0
    threshold = _log_probability(observed, expected) + SAME_LIKELIHOOD
    if observed < expected:
        # Beyond the mean the probabilities fall, so the first one low enough can be bisected for.
        start = ceil(expected)
        reach = 1
        while _log_probability(start + reach, expected) > threshold:
            reach *= 2
        far = range(start, start + reach + 1)
        first = bisect_left(far, 1, key=lambda k: int(_log_probability(k, expected) <= threshold))
        return min(1.0, _less(observed, expected) + _greater(start + first, expected))
    near = range(floor(expected) + 1)
    below = bisect_left(near, 1, key=lambda k: int(_log_probability(k, expected) > threshold))
    return min(1.0, _greater(observed, expected) + (_less(below - 1, expected) if below else 0.0))


def _byar(observed: int, expected: float) -> float:
    if expected == 0.0:
        return _central(observed, expected)
    count = observed if observed >= expected else observed + 1
    deviate = sqrt(9.0 * count) * (1.0 - 1.0 / (9.0 * count) - (expected / count) ** (1.0 / 3.0))
    return float(2.0 * special.ndtr(-abs(deviate)))


P_VALUES: Mapping[str, Callable[[int, float], float]] = {
    "greater": _greater,
    "less": _less,
    "central": _central,
    "minlike": _minlike,
    "midp_greater": _midp_greater,
    "midp_less": _midp_less,
    "midp": _midp,
    "byar": _byar,
}


def poisson_p_value(observed: int, expected: float, definition: str = "midp") -> float:
    """The p-value of `observed` cases where `expected` were expected.

    ValueError for a negative count or expectation, or an unknown definition.

    >>> f"{poisson_p_value(10, 6.135):.4f} {poisson_p_value(10, 6.135, 'minlike'):.4f}"
    '0.1420 0.1497'
    """
    if observed < 0 or not 0.0 <= expected < inf:
        raise ValueError("observed and expected must be finite and not negative")
    if definition not in P_VALUES:
        raise ValueError(f"unknown definition {definition!r}: one of {', '.join(P_VALUES)}")
    return P_VALUES[definition](observed, expected)
