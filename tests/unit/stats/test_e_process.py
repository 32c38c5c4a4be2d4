"""The e-process: exact where it can be worked out, and finite everywhere."""

from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from service.stats.e_process import excess_path, first_crossing, log_e_value
from service.stats.scaled_gamma import log_scaled_upper_gamma

counts = st.integers(0, 10**6)
means = st.floats(0.0, 1e6)


def exact_log_h(cases: int, point: Decimal) -> float:
    """ln(e^x x^-(n+1) Gamma(n+1, x)) by its recurrence h(n) = (1 + n h(n-1)) / x, 40 digits."""
    getcontext().prec = 40
    h = 1 / point
    for n in range(1, cases + 1):
        h = (1 + n * h) / point
    return float(h.ln())


@pytest.mark.parametrize("point", [0.5, 3.0, 31.0, 33.0, 120.5, 2_000.0, 1e6])
@pytest.mark.parametrize("cases", [0, 1, 2, 30, 31, 32, 120, 2_000, 20_000])
def test_the_scaled_gamma_function_against_forty_digits(cases: int, point: float) -> None:
    found = float(log_scaled_upper_gamma(cases + 1, point))
    assert found == pytest.approx(exact_log_h(cases, Decimal(point)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("point", [990_000.5, 1_000_000.5, 1_001_000.5, 1_030_000.5, 1_060_000.5])
def test_a_million_cases_to_ten_digits(point: float) -> None:
    found = float(log_scaled_upper_gamma(1_000_001, point))
    assert found == pytest.approx(exact_log_h(1_000_000, Decimal(point)), abs=1e-9)


@pytest.mark.parametrize(("cases", "expected"), [(0, 1.0), (3, 1.0), (10, 3.2), (40, 20.0)])
@pytest.mark.parametrize(("shape", "rate"), [(1.0, 0.5), (2.5, 2.5), (0.5, 0.1)])
def test_it_is_the_likelihood_ratio_mixed_over_rate_ratios_above_one(
    cases: int, expected: float, shape: float, rate: float
) -> None:
    def weight(theta: float) -> float:
        return float(theta ** (shape - 1) * np.exp(-rate * theta))

    def likelihood_ratio(theta: float) -> float:
        return float(theta**cases * np.exp(-(theta - 1) * expected))

    mixed, _ = integrate.quad(
        lambda theta: weight(theta) * likelihood_ratio(theta), 1, np.inf, epsabs=0, limit=500
    )
    whole = special.gamma(shape) * special.gammaincc(shape, rate) / rate**shape
    found = float(log_e_value(cases, expected, shape=shape, rate=rate))
    assert found == pytest.approx(np.log(mixed / whole), rel=1e-6)


def test_nothing_expected_and_nothing_seen_is_no_evidence() -> None:
    assert float(log_e_value(0, 0.0)) == 0.0


@given(cases=counts, expected=means)
def test_always_finite(cases: int, expected: float) -> None:
    assert np.isfinite(log_e_value(cases, expected))


@given(cases=counts, expected=means)
def test_one_case_more_is_more_evidence(cases: int, expected: float) -> None:
    # theta > 1, so a case raises every likelihood ratio in the mixture.
    assert log_e_value(cases + 1, expected) > log_e_value(cases, expected)


@given(cases=counts, expected=means, more=st.floats(1e-3, 1e3))
def test_more_expected_is_less_evidence(cases: int, expected: float, more: float) -> None:
    fewer = float(log_e_value(cases, expected))
    assert float(log_e_value(cases, expected + more)) <= fewer + 1e-9 * max(1.0, abs(fewer))


@given(expected=st.floats(0.01, 60.0))
def test_its_mean_under_the_null_is_one(expected: float) -> None:
    """The law behind the promise: over Poisson counts of the null the e-value averages to 1."""
    cases = np.arange(20_000)  # rate ratios of hundreds are rare, but they count in the mean
    log_chance = special.xlogy(cases, expected) - expected - special.gammaln(cases + 1)
    mean = np.sum(np.exp(log_chance + log_e_value(cases, expected)))
    assert mean == pytest.approx(1.0, rel=1e-9)


def test_it_takes_whole_tables() -> None:
    found = log_e_value(np.arange(4)[:, None], np.array([0.0, 1.0, 2.0]))
    assert found.shape == (4, 3)
    assert found[3, 1] == log_e_value(3, 1.0)


def test_a_path_keeps_the_highest_evidence_seen() -> None:
    """Three infections in the first week, none for a year: the warning stands."""
    path = excess_path(np.array([7, 100, 372]), np.array([3, 3, 3]), np.array([0.05, 0.7, 2.6]))
    assert path.running_max_log_e.tolist() == [path.log_e[0]] * 3
    assert path.log_e[2] < path.log_e[1] < path.log_e[0]
    assert first_crossing(path, np.log(20)) == 0


def test_the_first_crossing_is_the_day_the_threshold_is_reached() -> None:
    path = excess_path(np.arange(1, 7), np.arange(1, 7), np.full(6, 1.0))
    index = first_crossing(path, np.log(20))
    assert index is not None
    assert path.log_e[index - 1] < np.log(20) <= path.log_e[index]
    assert first_crossing(path, float(path.log_e[2])) == 2
    assert first_crossing(path, 1e9) is None


def test_an_empty_path_never_crosses() -> None:
    path = excess_path(np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.array([]))
    assert path.running_max_log_e.size == 0
    assert first_crossing(path, 0.0) is None


def test_what_makes_no_sense_is_refused() -> None:
    days, cases, expected = np.array([1, 2]), np.array([0, 1]), np.array([0.5, 1.0])
    with pytest.raises(ValueError, match="one length"):
        excess_path(days, cases[:1], expected)
    with pytest.raises(ValueError, match="ascend"):
        excess_path(days[::-1], cases, expected)
    with pytest.raises(ValueError, match="not fall"):
        excess_path(days, cases[::-1], expected)
    with pytest.raises(ValueError, match="not fall"):
        excess_path(days, cases, expected[::-1])
    with pytest.raises(ValueError, match="negative"):
        log_e_value(-1, 1.0)
    with pytest.raises(ValueError, match="negative"):
        log_e_value(1, float("nan"))
    with pytest.raises(ValueError, match="above 0"):
        log_e_value(1, 1.0, rate=0.0)
