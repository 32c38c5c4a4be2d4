"""The gaps between cases: the limits against the distributions themselves."""

import numpy as np
import pytest
from scipy import stats

from service.stats.g_chart import TAIL, day_gap_limits, expected_gap_limits


@pytest.mark.parametrize("per_day", [1e-6, 0.003, 0.05, 0.7, 5.0])
def test_the_limits_in_days_are_the_widest_that_are_not_rarer_than_the_tail(per_day: float) -> None:
    found = day_gap_limits(per_day)
    assert found is not None
    gap = stats.geom(1 - np.exp(-per_day), loc=-1)
    assert found.centre == pytest.approx(gap.mean(), rel=1e-6)
    assert gap.cdf(found.lower - 1) <= TAIL * (1 + 1e-9) < gap.cdf(found.lower)
    assert gap.sf(found.upper) <= TAIL * (1 + 1e-9)
    assert gap.sf(found.upper - 1) > TAIL or found.upper == 0


def test_the_limits_in_expected_cases_are_those_of_an_exponential() -> None:
    found = expected_gap_limits(0.01)
    assert found.lower == pytest.approx(stats.expon.ppf(0.01))
    assert found.upper == pytest.approx(stats.expon.isf(0.01))


def test_where_nothing_is_expected_there_is_no_limit() -> None:
    assert day_gap_limits(0.0) is None
    limits = day_gap_limits(1e6)
    assert limits is not None
    assert tuple(limits) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("tail", [0.0, 0.5, -1.0, float("nan")])
def test_a_tail_out_of_range_is_refused(tail: float) -> None:
    with pytest.raises(ValueError, match="tail"):
        expected_gap_limits(tail)
    with pytest.raises(ValueError, match="tail"):
        day_gap_limits(0.1, tail)
    with pytest.raises(ValueError, match="negative"):
        day_gap_limits(-0.1)
