"""A directly standardised rate where the numbers run out, and where they are huge."""

from math import inf, log, nan

import pytest

from service.stats.direct_standardisation import NO_PERSON_TIME, NO_WEIGHT, direct_rate
from service.stats.rates import poisson_interval


def test_no_case_has_a_rate_of_0_and_an_upper_limit() -> None:
    found = direct_rate([0, 0], [100.0, 50.0], [1, 3])
    assert (found.rate, found.interval.lower, found.reason) == (0.0, 0.0, None)
    assert found.interval.upper == pytest.approx(-log(0.025) * 0.75 / 50)
    assert found.interval.method == "fay_feuer"


@pytest.mark.parametrize("cases", [0, 3])
def test_a_stratum_the_standard_has_without_person_time_leaves_no_rate(cases: int) -> None:
    found = direct_rate([2, cases], [100.0, 0.0], [1, 1])
    assert (found.rate, found.reason) == (None, NO_PERSON_TIME)
    assert (found.interval.lower, found.interval.upper) == (None, None)


def test_a_stratum_without_weight_is_left_out() -> None:
    assert direct_rate([2, 9], [100.0, 0.0], [1, 0]) == direct_rate([2], [100.0], [1])
    assert direct_rate([1], [1.0], [0]).reason == NO_WEIGHT
    assert direct_rate([], [], []).reason == NO_WEIGHT


def test_one_stratum_is_the_exact_poisson_rate() -> None:
    found, exact = direct_rate([7], [200.0], [5.0]), poisson_interval(7).scaled(1 / 200)
    assert found.rate == pytest.approx(7 / 200)
    assert found.interval.lower == pytest.approx(exact.lower, rel=1e-12)
    assert found.interval.upper == pytest.approx(exact.upper, rel=1e-12)


def test_a_million_cases_and_tiny_weights_stay_in_range() -> None:
    found = direct_rate([10**6, 1], [1e9, 1e-3], [1.0, 1e-12])
    lower, upper = found.interval.lower, found.interval.upper
    assert lower is not None
    assert upper is not None
    assert 0 < lower < (found.rate or 0) < upper < inf


@pytest.mark.parametrize(
    ("cases", "person_time", "weights", "level"),
    [
        ([1], [1.0], [1], 1.0),
        ([1], [1.0], [1], nan),
        ([-1], [1.0], [1], 0.95),
        ([1], [nan], [1], 0.95),
        ([1], [1.0], [inf], 0.95),
        ([1, 2], [1.0], [1], 0.95),
    ],
)
def test_what_is_no_number_of_people_is_refused(cases, person_time, weights, level) -> None:
    with pytest.raises(ValueError, match="must"):
        direct_rate(cases, person_time, weights, level)
