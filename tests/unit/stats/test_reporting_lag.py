"""The lag of reports: by hand, and against a truth of which only the reported part is seen."""

import numpy as np
import pytest

from service.stats.reporting_lag import FEWEST, lag_distribution


def test_by_hand() -> None:
    """
    lag      0    1    2      could show (limit >= lag)
    old      4    4    4      limit 2: twelve
    newer    5    5           limit 1: ten
    F(1) = 1 - 4/12;  F(0) = F(1) (1 - 9/18), the eighteen being those of lag <= 1 <= limit
    """
    found = lag_distribution([0, 1, 2, 0, 1], [2, 2, 2, 1, 1], [4, 4, 4, 5, 5])
    assert found is not None
    assert found.reports == 22
    assert found.shares == pytest.approx([1 / 3, 2 / 3, 1])
    # today 2/3 is missing, yesterday 1/3, before that nothing
    assert found.share_still_to_come(10, 10, 10) == pytest.approx(2 / 3)
    assert found.share_still_to_come(9, 10, 10) == pytest.approx(1 / 2)
    assert found.share_still_to_come(1, 10, 10) == pytest.approx(1 / 10)
    assert found.share_still_to_come(1, 8, 10) == 0
    assert [found.quantile(share) for share in (0.3, 0.5, 2 / 3, 1)] == [0, 1, 1, 2]


def test_reports_still_on_their_way_do_not_bias_it() -> None:
    """Most events are recent: the lags seen are too short, their estimate is not."""
    chance = np.random.default_rng(20261123)
    ages = chance.integers(0, 60, 40_000) ** 2 // 60  # days ago, many of them few
    lags = np.minimum(chance.geometric(0.1, ages.size) - 1, 59)
    seen = lags <= ages
    found = lag_distribution(lags[seen], ages[seen])
    assert found is not None
    for day in (0, 2, 6, 13, 29):
        truth = 1 - 0.9 ** (day + 1)
        assert found.share_reported(day) == pytest.approx(truth, abs=0.02)
    assert np.mean(lags[seen] <= 6) > 1 - 0.9**7 + 0.1
    for age in (0, 5, 20):  # a day's reports, over the share reported, are its events
        expected = np.sum(seen & (ages == age)) / found.share_reported(age)
        assert expected == pytest.approx(np.sum(ages == age), rel=0.15)


def test_too_few_tell_nothing_and_a_lonely_long_lag_does_not_tell_all() -> None:
    assert lag_distribution([], []) is None
    assert lag_distribution([0] * (FEWEST - 1), [5] * (FEWEST - 1)) is None
    found = lag_distribution([300] + [1] * 50, [300] + [20] * 50)
    assert found is not None
    assert (found.horizon_days, found.reports, found.share_reported(1)) == (20, 50, 1.0)
    assert found.share_reported(-1) == 0


@pytest.mark.parametrize(("lags", "limits"), [([-1], [3]), ([4], [3]), ([1, 2], [3])])
def test_what_no_lag_can_be(lags: list[int], limits: list[int]) -> None:
    with pytest.raises(ValueError, match=r"lag|together"):
        lag_distribution(lags, limits)
