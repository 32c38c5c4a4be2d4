"""Empirical Bayes: each facility's ratio drawn towards that of all, the fewer its cases the more.

In:     cases observed and expected, one pair for each facility.
Out:    `Prior`, estimated from all of them, and each facility's `Posterior`.
Source: Clayton & Kaldor, Biometrics 1987;43:671-681 (doi 10.2307/2532003): O ~ Poisson(ratio * E),
        ratios ~ Gamma; the hyperparameters by maximum likelihood of the marginal, which is
        negative binomial.

With dispersion k (the squared coefficient of variation of the ratios) and mean m the gamma has
shape 1/k and rate 1/(k m). For each k the m of greatest likelihood solves
sum (O - m E) / (1 + k m E) = 0, which falls in m; k is then sought along that profile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from service.stats.interval import Interval, tail_of

Numbers: TypeAlias = NDArray[np.float64]

METHOD = "gamma_poisson"
NO_CASE = "no case anywhere"
ONE_FACILITY = "one facility has nothing to be drawn towards"
NO_SPREAD = "facilities differ no more than chance would have them"
NOTHING_EXPECTED = "nothing expected"
MOST_DISPERSION = 1e6
LEAST_SPREAD = 1e-4
"""Dispersion times the largest expected number below this cannot be told from none."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The spread of the facilities' ratios; `dispersion` 0 where there is none, and `reason` why.

    `mean` is None where nothing was expected anywhere.
    """

    mean: float | None
    dispersion: float
    facilities: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Posterior:
    """A facility's ratio drawn towards the mean; `reason` tells what is not given and why."""

    ratio: float | None
    interval: Interval
    reason: str | None


def prior(observed: Sequence[int], expected: Sequence[float]) -> Prior:
    """The prior that makes the counts likeliest; facilities with nothing expected say nothing.

    Without spread beyond chance, with one facility, or without a case the dispersion is 0 and the
    mean is all cases over all expected.

    >>> found = prior([2, 9, 25, 4], [8.0, 10.0, 9.0, 13.0])
    >>> f"{found.mean:.3f} {found.dispersion:.3f}"
    '1.054 0.752'
    >>> prior([9, 10, 11], [10.0, 10.0, 10.0]).reason
    'facilities differ no more than chance would have them'
    """
    if any(o < 0 for o in observed) or not all(0.0 <= e < inf for e in expected):
        raise ValueError("observed and expected must be finite and not negative")
    kept = [(o, e) for o, e in zip(observed, expected, strict=True) if e > 0.0]
    if not kept:
        return Prior(None, 0.0, 0, NOTHING_EXPECTED)
    cases, at_risk = (np.array(column, dtype=np.float64) for column in zip(*kept, strict=True))
    pooled = float(cases.sum() / at_risk.sum())
    if len(kept) == 1 or pooled == 0.0:
        return Prior(pooled, 0.0, len(kept), ONE_FACILITY if len(kept) == 1 else NO_CASE)
    dispersion = _likeliest_dispersion(cases, at_risk, pooled)
    if dispersion == 0.0:
        return Prior(pooled, 0.0, len(kept), NO_SPREAD)
    return Prior(_likeliest_mean(dispersion, cases, at_risk), dispersion, len(kept))


def posterior(observed: int, expected: float, prior: Prior, level: float = 0.95) -> Posterior:
    """The ratio given the prior: gamma with shape 1/k + O and rate 1/(k m) + E.

    Without dispersion everybody has the mean, and no interval: it would claim certainty.

    >>> found = posterior(0, 2.0, Prior(1.0, 0.5, 8))
    >>> f"{found.ratio:.2f} ({found.interval.lower:.2f} to {found.interval.upper:.2f})"
    '0.50 (0.06 to 1.39)'
    """
    nothing = Interval(None, None, level, METHOD)
    if not expected or prior.mean is None:
        return Posterior(None, nothing, NOTHING_EXPECTED)
    if prior.dispersion == 0.0:
        return Posterior(prior.mean, nothing, prior.reason)
    shape = 1.0 / prior.dispersion + observed
    rate = 1.0 / (prior.dispersion * prior.mean) + expected
    tail = tail_of(level)
    lower = float(special.gammaincinv(shape, tail)) / rate
    upper = float(special.gammainccinv(shape, tail)) / rate
    return Posterior(shape / rate, Interval(lower, upper, level, METHOD), None)


def log_likelihood(dispersion: float, mean: float, observed: Numbers, expected: Numbers) -> float:
    """The log of the marginal probability of all counts, but for what no parameter changes.

    Dispersion 0 is the Poisson limit.
    """
    means = mean * expected
    if dispersion == 0.0:
        return float(np.sum(special.xlogy(observed, means) - means))
    shape = 1.0 / dispersion
    some = observed > 0
    # ln Γ(a + O) - ln Γ(a) + O ln k, by the beta function: two large log-gammas would cancel.
    rising = special.gammaln(observed[some]) - special.betaln(shape, observed[some])
    return float(
        np.sum(rising + observed[some] * np.log(dispersion))
        + np.sum(special.xlogy(observed, means))
        - np.sum((observed + shape) * np.log1p(dispersion * means))
    )


def _likeliest_mean(dispersion: float, observed: Numbers, expected: Numbers) -> float:
    def score(mean: float) -> float:
        return float(np.sum((observed - mean * expected) / (1.0 + dispersion * mean * expected)))

    highest = float(np.max(observed / expected))  # beyond it every term is negative
    return float(scipy.optimize.brentq(score, 0.0, highest * (1.0 + 1e-9), xtol=1e-300, rtol=1e-14))


def _likeliest_dispersion(observed: Numbers, expected: Numbers, pooled: float) -> float:
    """Along the profile of the likelihood; 0 where no spread is likelier than none."""

    def against(log_dispersion: float) -> float:
        dispersion = float(np.exp(log_dispersion))
        mean = _likeliest_mean(dispersion, observed, expected)
        return -log_likelihood(dispersion, mean, observed, expected)

    least = LEAST_SPREAD / (pooled * float(expected.max()))
    grid = np.linspace(np.log(min(least, 1.0)), np.log(MOST_DISPERSION), 60)
    values = [against(x) for x in grid]
    best = int(np.argmin(values))
    around = (grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)])
    found = scipy.optimize.minimize_scalar(
        against, bounds=around, method="bounded", options={"xatol": 1e-10}
    )
    without = -log_likelihood(0.0, pooled, observed, expected)
    at_edge = best == 0 or found.fun >= without
    return 0.0 if at_edge else float(np.exp(found.x))
