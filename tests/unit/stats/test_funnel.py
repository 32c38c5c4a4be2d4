"""Control limits against scipy's own Poisson distribution, and what holds for any count."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from service.stats.funnel import (
    control_limits,
    expected_grid,
    overdispersion,
    position,
)

levels = st.sampled_from([0.5, 0.9, 0.95, 0.998])
expectations = st.floats(1e-3, 1e6) | st.floats(0.5, 30.0)


@given(expected=expectations, level=levels)
def test_the_limits_are_the_interpolated_quantiles_of_the_distribution(
    expected: float, level: float
) -> None:
    found = control_limits(expected, level)
    distribution = stats.poisson(expected)
    for p, limit, shift in [((1 - level) / 2, found.lower, 0), ((1 + level) / 2, found.upper, 1)]:
        count = int(distribution.ppf(p))
        while distribution.cdf(count) <= p:
            count += 1
        left_over = (distribution.cdf(count) - p) / distribution.pmf(count)
        assert limit == pytest.approx(max(0.0, count - left_over + shift) / expected, rel=1e-6)


@given(expected=expectations)
def test_the_wider_limits_lie_outside(expected: float) -> None:
    warning, alarm = control_limits(expected, 0.95), control_limits(expected, 0.998)
    assert 0.0 <= alarm.lower <= warning.lower
    assert warning.upper <= alarm.upper


@given(expected=st.floats(1e-3, 2000.0), level=st.sampled_from([0.95, 0.998]))
def test_either_limit_is_passed_no_more_often_than_it_says(expected: float, level: float) -> None:
    found = control_limits(expected, level)
    tail = (1 - level) / 2 * (1 + 1e-9)
    distribution = stats.poisson(expected)
    lower, upper = found.lower * expected, found.upper * expected
    assert distribution.cdf(math.ceil(lower) - 1) <= tail
    assert distribution.sf(math.floor(upper)) <= tail
    # One count nearer would be passed more often.
    assert distribution.cdf(math.ceil(lower)) >= (1 - level) / 2 - 1e-12
    assert distribution.sf(math.floor(upper) - 1) >= (1 - level) / 2 - 1e-12


@given(observed=st.integers(0, 10_000), expected=st.floats(1e-3, 1e4))
def test_the_place_is_where_the_limits_put_it(observed: int, expected: float) -> None:
    ratio = observed / expected
    warning, alarm = control_limits(expected, 0.95), control_limits(expected, 0.998)
    where = position(observed, expected)
    assert (where == "inside") == (warning.lower <= ratio <= warning.upper)
    assert where.endswith("99.8%") == (not alarm.lower <= ratio <= alarm.upper)
    assert where.startswith("above") == (ratio > warning.upper)


@pytest.mark.parametrize("expected", [1e-12, 1e-6, 1e6, 1e9, 1e12])
def test_the_ends_of_the_scale_are_finite(expected: float) -> None:
    for level in (0.95, 0.998):
        found = control_limits(expected, level)
        assert 0.0 <= found.lower <= 1.0
        assert math.isfinite(found.upper)
    assert position(0, 1e-12) == "inside"
    assert position(round(1e6), 1e6) == "inside"
    wide = control_limits(1e6)
    assert (wide.lower, wide.upper) == pytest.approx((1 - 1.96e-3, 1 + 1.96e-3), rel=1e-5)


@pytest.mark.parametrize("expected", [0.0, -1.0, math.inf, math.nan])
def test_nothing_expected_has_no_limits(expected: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        control_limits(expected)


def test_overdispersion_draws_the_outermost_tenth_in() -> None:
    expected = [100.0] * 20
    calm = [90, 110] * 10
    assert overdispersion(calm, expected) == (1.0, 20, 2)
    wild = [*calm[:-2], 0, 1000]
    assert overdispersion(wild, expected).phi == 1.0
    few = overdispersion([90, 110, 1000], [100.0, 100.0, 100.0])
    assert few.winsorised == 0
    assert few.phi == pytest.approx((1 + 1 + 90**2) / 3)
    assert overdispersion([5, 0], [0.0, 0.0]) == (None, 0, 0)


def test_the_curve_is_drawn_over_what_is_expected() -> None:
    assert expected_grid([]) == expected_grid([0.0]) == []
    assert expected_grid([3.0, 3.0]) == [3.0]
    drawn = expected_grid([0.0, 2.0, 500.0])
    assert (len(drawn), drawn[0], drawn[-1]) == (200, pytest.approx(2.0), pytest.approx(500.0))
