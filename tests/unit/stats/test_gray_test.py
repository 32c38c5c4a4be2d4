"""Gray's test where there is little or nothing to compare, and what it does not depend on."""

import numpy as np
import pytest

from service.stats.gray_test import GrayTest, gray_test


@pytest.mark.parametrize(
    ("rows", "freedom"),
    [
        (([], [], [], []), 0),
        (([-1], [3], [1], [0]), 0),
        (([-1, -1], [3, 5], [0, 2], [0, 1]), 1),
        (([-1, -1], [3, 3], [1, 1], [0, 1]), 1),
    ],
    ids=["nobody", "one group", "no case", "everybody on one day"],
)
def test_nothing_to_compare_is_no_statistic(rows, freedom):
    assert gray_test(*rows) == GrayTest(None, freedom, None)


def test_neither_order_nor_names_of_groups_matter():
    draw = np.random.default_rng(7)
    entry = draw.integers(-1, 20, 90)
    stop = entry + draw.integers(1, 40, 90)
    cause, group = draw.integers(0, 3, 90), draw.integers(0, 3, 90)
    found = gray_test(entry, stop, cause, group)
    order = draw.permutation(90)
    again = gray_test(entry[order], stop[order], cause[order], np.array([9, 4, 7])[group[order]])
    assert found.statistic is not None
    assert again.statistic == pytest.approx(found.statistic, rel=1e-9)


def test_its_p_is_uniform_where_the_groups_are_alike():
    """1,000 series of 120, one in six entering late: 5% of the tests reject, within chance."""
    draw = np.random.default_rng(11)
    rejected = 0
    for _ in range(1000):
        entry = np.where(draw.random(120) < 1 / 6, draw.integers(0, 30, 120), -1)
        stop = entry + 1 + draw.geometric(1 / 40, 120)
        cause = draw.choice(3, 120, p=[0.3, 0.4, 0.3])
        found = gray_test(entry, stop, cause, draw.integers(0, 2, 120))
        assert found.p_value is not None
        rejected += found.p_value < 0.05
    assert 25 <= rejected <= 80


@pytest.mark.parametrize(
    "rows",
    [([-1], [3, 4], [1], [0]), ([3], [3], [1], [0]), ([-1], [3], [-1], [0]), ([-1], [3], [1], [])],
)
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match=r"must|needs"):
        gray_test(*rows)
