"""Shrinkage against direct numeric integration and a search over the whole plane."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from service.stats.empirical_bayes import (
    NO_CASE,
    NO_SPREAD,
    NOTHING_EXPECTED,
    ONE_FACILITY,
    Prior,
    log_likelihood,
    posterior,
    prior,
)

OBSERVED = [2, 9, 25, 4, 0, 13]
EXPECTED = [8.0, 10.0, 9.0, 13.0, 1.5, 6.0]

LIP_CANCER_OBSERVED = """
9 39 11 9 15 8 26 7 6 20 13 5 3 8 17 9 2 7 9 7 16 31 11 7 19 15 7 10 16 11 5 3 7 8 11 9 11 8 6 4
10 8 2 6 19 3 2 3 28 6 1 1 1 1 0 0
"""
LIP_CANCER_EXPECTED = """
1.4 8.7 3.0 2.5 4.3 2.4 8.1 2.3 2.0 6.6 4.4 1.8 1.1 3.3 7.8 4.6 1.1 4.2 5.5 4.4 10.5 22.7 8.8
5.6 15.5 12.5 6.0 9.0 14.4 10.2 4.8 2.9 7.0 8.5 12.3 10.1 12.7 9.4 7.2 5.3 18.8 15.8 4.3 14.6
50.7 8.2 5.6 9.3 88.7 19.6 3.4 3.6 5.7 7.0 4.2 1.8
"""
"""The 56 counties of Scotland 1975-1980, on which Clayton & Kaldor show their method."""


def by_integration(observed: int, expected: float, known: Prior) -> tuple[float, float]:
    """The marginal probability and the posterior mean, integrating over the ratio."""
    assert known.mean is not None
    shape = 1 / known.dispersion
    ratios = stats.gamma(shape, scale=known.mean / shape)

    def weighed(power: int) -> float:
        # Over probabilities instead of ratios: no density at 0 can be infinite there.
        def integrand(p: float) -> float:
            ratio = ratios.ppf(p)
            return float(ratio**power * stats.poisson.pmf(observed, ratio * expected))

        return float(integrate.quad(integrand, 0, 1, limit=400, epsabs=0, epsrel=1e-11)[0])

    marginal = weighed(0)
    return marginal, weighed(1) / marginal


@pytest.mark.parametrize("known", [Prior(1.0, 0.5, 6), Prior(1.3, 0.05, 6), Prior(0.8, 1.0, 6)])
def test_likelihood_and_mean_are_those_of_the_integral(known: Prior) -> None:
    assert known.mean is not None
    for observed, expected in zip(OBSERVED, EXPECTED, strict=True):
        marginal, mean = by_integration(observed, expected, known)
        found = log_likelihood(
            known.dispersion, known.mean, np.array([float(observed)]), np.array([expected])
        )
        constant = observed_constant(observed)
        assert found - constant == pytest.approx(math.log(marginal), rel=1e-6)
        assert posterior(observed, expected, known).ratio == pytest.approx(mean, rel=1e-6)


def observed_constant(observed: int) -> float:
    return math.lgamma(observed + 1)


def test_the_interval_holds_what_it_says() -> None:
    known = Prior(1.1, 0.6, 6)
    found = posterior(9, 10.0, known, level=0.9)
    ratios = stats.gamma(1 / 0.6 + 9, scale=1 / (1 / (0.6 * 1.1) + 10.0))
    assert (found.interval.lower, found.interval.upper) == pytest.approx(ratios.interval(0.9))


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (OBSERVED, EXPECTED),
        (
            [int(cases) for cases in LIP_CANCER_OBSERVED.split()],
            [float(cases) for cases in LIP_CANCER_EXPECTED.split()],
        ),
    ],
    ids=["six facilities", "lip cancer"],
)
def test_no_other_prior_is_likelier(observed: list[int], expected: list[float]) -> None:
    found = prior(observed, expected)
    assert found.mean is not None

    def surprise(logs: np.ndarray) -> float:
        dispersion, mean = (float(x) for x in np.exp(logs))
        shape = 1 / dispersion
        chance = shape / (shape + mean * np.array(expected))
        return float(-stats.nbinom.logpmf(observed, shape, chance).sum())

    starts = [np.log([k, m]) for k in (0.01, 0.5, 5.0) for m in (0.3, 1.0, 3.0)]
    searched = min(
        (optimize.minimize(surprise, s, method="Nelder-Mead", tol=1e-12) for s in starts),
        key=lambda one: one.fun,
    )
    assert (found.dispersion, found.mean) == pytest.approx(tuple(np.exp(searched.x)), rel=1e-5)
    assert found.reason is None


counts = st.lists(st.tuples(st.integers(0, 60), st.floats(0.01, 50.0)), min_size=2, max_size=12)


@given(counts)
def test_every_ratio_is_drawn_towards_the_mean_and_not_past_it(
    facilities: list[tuple[int, float]],
) -> None:
    observed, expected = [o for o, _ in facilities], [e for _, e in facilities]
    known = prior(observed, expected)
    assert known.mean is not None
    for o, e in facilities:
        found = posterior(o, e, known)
        assert found.ratio is not None
        low, high = sorted([o / e, known.mean])
        slack = 1e-9 * (1 + high)
        if known.dispersion:
            assert low - slack <= found.ratio <= high + slack
            assert found.interval.lower is not None
            assert found.interval.upper is not None
            assert found.interval.lower <= found.interval.upper
        else:
            assert found.ratio == known.mean


def test_the_fewer_cases_expected_the_farther_it_is_drawn() -> None:
    known = prior([1, 20, 100, 4], [2.0, 10.0, 50.0, 13.0])
    few, many = posterior(4, 2.0, known).ratio, posterior(400, 200.0, known).ratio
    assert few is not None
    assert many is not None
    assert few < many < 2.0


@pytest.mark.parametrize(
    ("observed", "expected", "mean", "reason"),
    [
        ([9, 10, 11], [10.0, 10.0, 10.0], 1.0, NO_SPREAD),
        ([0, 0], [1.0, 3.0], 0.0, NO_CASE),
        ([3], [2.0], 1.5, ONE_FACILITY),
        ([3, 0], [2.0, 0.0], 1.5, ONE_FACILITY),
        ([1, *[0] * 500], [1.0] * 501, 1 / 501, NO_SPREAD),
        ([], [], None, NOTHING_EXPECTED),
        ([0], [0.0], None, NOTHING_EXPECTED),
    ],
)
def test_without_spread_all_have_the_mean_and_no_interval(
    observed: list[int], expected: list[float], mean: float | None, reason: str
) -> None:
    known = prior(observed, expected)
    assert (known.mean, known.dispersion, known.reason) == (mean, 0.0, reason)
    found = posterior(2, 1.0, known)
    assert (found.ratio, found.interval.lower, found.reason) == (mean, None, reason)
    assert posterior(0, 0.0, Prior(1.0, 0.5, 3)).reason == NOTHING_EXPECTED


def test_a_million_expected_and_almost_none_stay_finite() -> None:
    small = prior([1_000_000, 1_010_000, 990_000], [1e6, 1e6, 1e6])
    # The variance beyond chance, as the method of moments has it: (1e4^2 * 2/3 - 1e6) / 1e12.
    assert small.dispersion == pytest.approx(6.57e-5, rel=1e-2)
    assert small.mean == pytest.approx(1.0)
    for observed, expected in [([1, 0], [1e-9, 1e6]), ([5000, 0, 0], [1.0, 1e5, 1e5])]:
        known = prior(observed, expected)
        for o, e in zip(observed, expected, strict=True):
            found = posterior(o, e, known)
            numbers = (found.ratio, found.interval.lower, found.interval.upper)
            assert all(n is not None and math.isfinite(n) for n in numbers)


def test_what_cannot_be_is_refused() -> None:
    for observed, expected in [([-1], [1.0]), ([1], [-1.0]), ([1], [math.nan])]:
        with pytest.raises(ValueError, match="finite"):
            prior(observed, expected)
