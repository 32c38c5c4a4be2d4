"""The watched interval: its ends, its edges, its extremes."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.confidence_sequence import anytime_rate_interval, log_evidence_against
from service.stats.rates import poisson_interval

cases = st.integers(1, 3_000) | st.integers(1, 10**6)
years = st.floats(1 / 365.25, 1e7)
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def limits(cases: int, years: float, level: float = 0.95) -> tuple[float, float]:
    interval = anytime_rate_interval(cases, years, level=level)
    assert interval.lower is not None
    assert interval.upper is not None
    return interval.lower, interval.upper


def test_ten_cases_in_a_hundred_person_years() -> None:
    """3.2 to 23.0 per 100 person-years, where the one-look interval reads 4.8 to 18.4."""
    lower, upper = limits(10, 100.0)
    assert (round(100 * lower, 1), round(100 * upper, 1)) == (3.2, 23.0)
    one_look = poisson_interval(10)
    assert one_look.lower == pytest.approx(4.8, abs=0.05)
    assert one_look.upper == pytest.approx(18.4, abs=0.05)


@given(cases=cases, years=years, level=levels)
def test_the_ends_are_the_rates_just_refuted(cases: int, years: float, level: float) -> None:
    for end in limits(cases, years, level):
        evidence = float(log_evidence_against(end, cases, years))
        # lnGamma of a million cases has ten digits to give.
        assert evidence == pytest.approx(-log(1 - level), abs=1e-8 + 1e-14 * cases)


@given(cases=cases, years=years, level=levels)
def test_the_interval_contains_the_rate(cases: int, years: float, level: float) -> None:
    lower, upper = limits(cases, years, level)
    assert 0 < lower < cases / years < upper


@given(cases=cases, years=years)
def test_a_higher_level_is_wider(cases: int, years: float) -> None:
    inner, outer = limits(cases, years, 0.9), limits(cases, years, 0.99)
    assert outer[0] < inner[0]
    assert inner[1] < outer[1]


@given(cases=st.integers(0, 10**5), years=st.floats(0.01, 1e6), level=levels)
def test_watching_costs_width(cases: int, years: float, level: float) -> None:
    watched, one_look = limits(cases, years, level), poisson_interval(cases, "midp", level)
    assert one_look.lower is not None
    assert one_look.upper is not None
    assert watched[0] <= one_look.lower / years
    assert one_look.upper / years <= watched[1]


@given(years=years)
def test_no_case_has_lower_limit_zero(years: float) -> None:
    lower, upper = limits(0, years)
    assert lower == 0.0
    evidence = float(log_evidence_against(upper, 0, years))
    assert evidence == pytest.approx(log(20), rel=1e-12)


def test_without_person_time_there_is_no_interval() -> None:
    for count in (0, 4):
        found = anytime_rate_interval(count, 0.0)
        assert (found.lower, found.upper) == (None, None)
        assert (found.level, found.method) == (0.95, "anytime")


@pytest.mark.parametrize(
    ("cases", "years"),
    [(1, 1e-9), (1, 1e12), (3, 1e-300), (10**6, 1e-3), (10**6, 1e12), (10**9, 1e9)],
)
def test_far_beyond_what_the_w_function_reaches(cases: int, years: float) -> None:
    lower, upper = limits(cases, years)
    assert 0 < lower < cases / years < upper < float("inf")
    tolerance = 1e-8 + 1e-14 * cases
    for end in (lower, upper):
        assert float(log_evidence_against(end, cases, years)) == pytest.approx(
            log(20), abs=tolerance
        )


def test_the_reference_rate_decides_where_it_is_shortest() -> None:
    def width(reference_rate: float) -> float:
        found = anytime_rate_interval(20, 1_000.0, reference_rate=reference_rate)
        assert found.lower is not None
        assert found.upper is not None
        return found.upper - found.lower

    assert width(0.02) < width(0.5)
    assert width(0.02) < width(0.0001)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        anytime_rate_interval(-1, 1.0)
    with pytest.raises(ValueError, match="negative"):
        anytime_rate_interval(1, -1.0)
    with pytest.raises(ValueError, match="level"):
        anytime_rate_interval(1, 1.0, level=1.0)
