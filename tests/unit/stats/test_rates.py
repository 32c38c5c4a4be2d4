"""Rates: what holds for any count and any level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.interval import Interval
from service.stats.poisson_limits import POISSON_METHODS
from service.stats.rates import DAYS_PER_YEAR, poisson_interval, rate_estimate

METHODS = sorted(POISSON_METHODS)
counts = st.integers(0, 2_000) | st.integers(0, 10**6)
levels = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])


def limits(interval: Interval) -> tuple[float, float]:
    assert interval.lower is not None
    assert interval.upper is not None
    return interval.lower, interval.upper


@given(cases=counts, level=levels, method=st.sampled_from(METHODS))
def test_the_interval_contains_the_count(cases: int, level: float, method: str) -> None:
    lower, upper = limits(poisson_interval(cases, method, level))
    assert 0 <= lower <= cases < upper


@given(cases=counts, method=st.sampled_from(METHODS), two=st.tuples(levels, levels))
def test_a_higher_level_is_never_narrower(
    cases: int, method: str, two: tuple[float, float]
) -> None:
    inner = limits(poisson_interval(cases, method, min(two)))
    outer = limits(poisson_interval(cases, method, max(two)))
    assert outer[0] <= inner[0]
    assert inner[1] <= outer[1]


@given(cases=counts, level=levels)
def test_midp_lies_inside_exact(cases: int, level: float) -> None:
    midp = limits(poisson_interval(cases, "midp", level))
    exact = limits(poisson_interval(cases, "exact", level))
    assert exact[0] <= midp[0]
    assert midp[1] < exact[1]


@given(cases=counts, level=levels, method=st.sampled_from(METHODS))
def test_one_case_more_moves_both_limits_up(cases: int, level: float, method: str) -> None:
    fewer = limits(poisson_interval(cases, method, level))
    more = limits(poisson_interval(cases + 1, method, level))
    assert fewer[0] <= more[0]
    assert fewer[1] < more[1]


@pytest.mark.parametrize(
    ("method", "upper"), [("exact", 3.6888794541139354), ("midp", 2.995732273553991)]
)
def test_no_case_has_lower_limit_zero_and_a_two_sided_upper_one(method: str, upper: float) -> None:
    found = poisson_interval(0, method)
    assert found.lower == 0.0
    assert found.upper == pytest.approx(upper, rel=1e-14)
    assert (found.level, found.method) == (0.95, method)


@pytest.mark.parametrize("method", METHODS)
def test_a_million_cases_are_nearly_normal(method: str) -> None:
    lower, upper = limits(poisson_interval(10**6, method))
    assert lower == pytest.approx(10**6 - 1959.964, abs=2)
    assert upper == pytest.approx(10**6 + 1959.964, abs=4)


def test_byar_never_falls_below_zero() -> None:
    assert poisson_interval(1, "byar", 0.999).lower == 0.0


@given(
    cases=st.integers(0, 500),
    person_days=st.integers(1, 10**8),
    per=st.sampled_from([1.0, 100.0, 1e5]),
)
def test_the_rate_is_cases_over_person_time(cases: int, person_days: int, per: float) -> None:
    found = rate_estimate(cases, person_days, per=per)
    lower, upper = limits(found.interval)
    assert found.person_years == person_days / DAYS_PER_YEAR
    assert found.rate == pytest.approx(per * cases / (person_days / 365.25), rel=1e-14)
    assert found.rate is not None
    assert lower <= found.rate <= upper


def test_per_thousand_person_days() -> None:
    """Three infections in 1,500 days on the ward: 2 per 1000 days."""
    found = rate_estimate(3, 1_500, per=1000.0, unit="person_days", method="midp")
    assert found.rate == pytest.approx(2.0)
    assert (found.per, found.unit, found.interval.method) == (1000.0, "person_days", "midp")


def test_without_person_time_there_is_no_rate() -> None:
    found = rate_estimate(0, 0)
    assert found.rate is None
    assert (found.interval.lower, found.interval.upper) == (None, None)
    assert found.person_years == 0.0


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        poisson_interval(3, level=level)


def test_what_cannot_be_a_count_is_refused() -> None:
    with pytest.raises(ValueError, match="cases"):
        poisson_interval(-1)
    with pytest.raises(ValueError, match="unknown method"):
        poisson_interval(1, "wald")
    with pytest.raises(ValueError, match="person_days"):
        rate_estimate(1, -1)
