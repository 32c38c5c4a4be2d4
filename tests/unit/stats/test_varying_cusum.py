"""The CUSUM of an expectation that varies: the plain chart where it does not, and its promise."""

import numpy as np
import pytest

from service.stats.cusum import cusum_design
from service.stats.varying_cusum import cusum_threshold, varying_cusum


def test_on_a_rung_the_threshold_is_the_plain_design() -> None:
    assert cusum_threshold(0.05, 2.0, 3650.0) == cusum_design(0.05, 2.0, 3650.0).threshold


def test_where_a_case_comes_once_in_centuries_one_suffices() -> None:
    path, thresholds = varying_cusum([0, 1, 0], [0.0, 1e-7, 1e-12])
    assert path.signals.tolist() == [False, True, True]
    assert np.all(thresholds < 1)


@pytest.mark.parametrize(("low", "high"), [(0.0005, 0.005), (0.01, 0.3), (0.5, 5.0)])
def test_false_alarms_stay_about_as_rare_while_the_expectation_swings(
    low: float, high: float
) -> None:
    wanted = 365.0
    expected = low + (high - low) * (0.5 - 0.5 * np.cos(np.arange(200_000) / 500))
    cases = np.random.default_rng(9).poisson(expected)
    _, thresholds = varying_cusum(cases, expected, days_between_false_alarms=wanted)
    now, alarms = 0.0, 0
    for change in ((cases - expected / np.log(2.0)) / thresholds).tolist():
        now = max(0.0, now + change)
        if now >= 1.0:
            now, alarms = 0.0, alarms + 1
    assert 0.88 * wanted < expected.size / alarms < 1.35 * wanted


def test_the_extremes_are_numbers() -> None:
    for cases, expected in ([[0], [0.0]], [[10**6], [10.0**6]], [[0] * 3, [1e6] * 3], [[], []]):
        path, _ = varying_cusum(cases, expected)
        assert np.all(np.isfinite(path.cusum))


@pytest.mark.parametrize(("cases", "expected"), [([1], [1, 2]), ([-1], [1]), ([1], [-1])])
def test_what_is_no_series_is_refused(cases: list[int], expected: list[float]) -> None:
    with pytest.raises(ValueError):
        varying_cusum(cases, expected)
