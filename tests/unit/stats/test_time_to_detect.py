"""Time to detect: what the monitors themselves do to daily counts, simulated day by day."""

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from service.stats import time_to_detect as detecting
from service.stats.conditional_maxsprt import (
    ConditionalPlan,
    conditional_critical_value,
    conditional_log_likelihood_ratio,
    conditional_power,
)
from service.stats.cusum import cusum_design, run_length
from service.stats.e_detector import first_rise, rise_path
from service.stats.e_process import log_e_value
from service.stats.maxsprt import (
    MaxsprtPlan,
    log_likelihood_ratio,
    maxsprt_critical_value,
    maxsprt_performance,
)
from service.stats.share_shift import log_share_e_value
from service.stats.time_to_detect import TimeToDetect
from service.stats.time_to_detect_simulated import Cusum, Detector, watch
from service.stats.varying_cusum import varying_cusum

SERIES = 2_000
WATCHED = 200
"""Series that the monitors' own functions walk day by day."""
Counts = NDArray[np.int64]

PLAN = MaxsprtPlan(20.0)
LATE = MaxsprtPlan(20.0, least_cases=3, start=2.0)
PAST = ConditionalPlan(past_cases=30, most_cases=50)
CRITICAL = maxsprt_critical_value(PLAN).value
LATE_CRITICAL = maxsprt_critical_value(LATE).value
PAST_CRITICAL = conditional_critical_value(PAST).value

METHODS: dict[str, Callable[[float, float], TimeToDetect]] = {
    "e_process": lambda mu, r: detecting.e_process(0.05, expected_per_day=mu, rate_ratio=r),
    "maxsprt": lambda mu, r: detecting.maxsprt(PLAN, CRITICAL, expected_per_day=mu, rate_ratio=r),
    "late": lambda mu, r: detecting.maxsprt(LATE, LATE_CRITICAL, expected_per_day=mu, rate_ratio=r),
    "conditional": lambda mu, r: detecting.conditional_maxsprt(
        PAST, PAST_CRITICAL, expected_per_day=mu, rate_ratio=r
    ),
    "e_detector": lambda mu, r: detecting.e_detector(3650.0, expected_per_day=mu, rate_ratio=r),
    "cusum": lambda mu, r: detecting.cusum(3650.0, expected_per_day=mu, rate_ratio=r),
}


def signals_of_counts(method: str, cases: Counts, mu: float) -> NDArray[np.bool_]:
    """Does the monitor signal at the end of each day; series down, days across?"""
    seen = np.cumsum(cases, axis=1)
    expected = mu * np.arange(1, cases.shape[1] + 1)
    if method == "e_process":
        return log_e_value(seen, expected) >= log(20)
    if method == "conditional":
        ratio = conditional_log_likelihood_ratio(np.minimum(seen, 50), 30, expected / 30)
        return (ratio >= PAST_CRITICAL) & (seen - cases < 50)
    plan, value = (PLAN, CRITICAL) if method == "maxsprt" else (LATE, LATE_CRITICAL)
    looks = (expected >= plan.start - 1e-9) & (expected <= plan.horizon + 1e-9)
    enough = seen >= plan.least_cases
    return (log_likelihood_ratio(seen, expected) >= value) & looks & enough


@pytest.mark.parametrize("method", ["e_process", "maxsprt", "late", "conditional"])
@pytest.mark.parametrize(("mu", "rate_ratio"), [(0.05, 3.0), (0.8, 2.0), (6.0, 2.0)])
def test_counts_since_the_start_as_a_monitor_sees_them(
    method: str, mu: float, rate_ratio: float
) -> None:
    days = int(60 / mu)
    random = np.random.default_rng(101)
    signals = signals_of_counts(method, random.poisson(rate_ratio * mu, (SERIES, days)), mu)
    seen = signals.any(axis=1)
    first = np.where(seen, signals.argmax(axis=1) + 1.0, np.inf)
    found = METHODS[method](mu, rate_ratio)
    assert found.probability == pytest.approx(seen.mean(), abs=0.04)
    if found.median is not None and found.mean is not None:
        error = 4 * first[seen].std() / seen.sum() ** 0.5
        assert found.mean == pytest.approx(first[seen].mean(), abs=error)
    if found.median is not None:
        assert np.mean(first <= found.median) == pytest.approx(0.5, abs=0.06 + mu * 0.1)


def test_the_chain_looked_at_without_pause_is_that_of_maxsprt() -> None:
    exact = maxsprt_performance(PLAN, CRITICAL, rate_ratio=2.0)
    often = detecting.maxsprt(PLAN, CRITICAL, expected_per_day=0.001, rate_ratio=2.0)
    assert often.probability == pytest.approx(exact.power, abs=2e-4)
    assert often.mean is not None
    assert often.mean * 0.001 == pytest.approx(exact.time_to_signal, abs=0.02)
    liberal = detecting.conditional_maxsprt(
        PAST, PAST_CRITICAL, expected_per_day=0.02, rate_ratio=4.0
    )
    # Given the rate the new cases vary less than where the past ones, too, are drawn.
    assert liberal.probability > conditional_power(PAST, PAST_CRITICAL, rate_ratio=4.0)


@pytest.mark.parametrize(("mu", "rate_ratio"), [(0.02, 3.0), (0.2, 2.0), (3.0, 2.0)])
def test_rises_as_a_monitor_sees_them(mu: float, rate_ratio: float) -> None:
    random = np.random.default_rng(102)
    days = int(250 / mu**0.7)
    by_detector, by_cusum = [], []
    for _ in range(WATCHED):
        cases = random.poisson(rate_ratio * mu, days)
        first = first_rise(rise_path(cases, np.full(days, mu)), 3650.0)
        assert first is not None
        by_detector.append(first + 1)
        path, _ = varying_cusum(cases, np.full(days, mu))
        by_cusum.append(int(path.signals.argmax()) + 1)
    for method, seen in (("e_detector", by_detector), ("cusum", by_cusum)):
        found = METHODS[method](mu, rate_ratio)
        assert found.probability == 1.0
        assert found.mean == pytest.approx(np.mean(seen), abs=4 * np.std(seen) / WATCHED**0.5)


def test_the_simulated_cusum_takes_as_long_as_its_chain_says() -> None:
    design = cusum_design(0.2, 2.0, 3650.0)
    for mean in (0.4, 0.6, 1.0):
        steps = round(4 / 0.2885)
        chain = run_length(design.threshold, design.reference, mean, steps=max(steps, 14))
        rule = Cusum(design.reference, design.threshold)
        start = rule.fresh(20_000)
        days = watch(rule, mean, np.random.default_rng(103), state=start, last_day=36_525).days
        assert days.mean() == pytest.approx(chain, rel=0.015)


def test_days_alone_signal_nothing_and_the_first_case_after_them_does() -> None:
    """So little is expected that R grows by nearly 1 a day: past the threshold in 3,717 days."""
    mu = 1e-5
    assert first_rise(rise_path(np.zeros(4_000), np.full(4_000, mu)), 3650.0) is not None
    rule = Detector(mu, 3650.0)
    random = np.random.default_rng(104)
    quiet = watch(rule, 1e-12, random, state=rule.fresh(50), last_day=36_525)
    assert np.all(np.isinf(quiet.days))
    later = watch(rule, 0.01, random, state=quiet.state, last_day=36_525)
    assert later.days.mean() == pytest.approx(100.0, rel=0.5)


def test_a_series_may_be_watched_in_two_parts() -> None:
    rule = Detector(0.05, 1e9)
    days = rule.fresh(1)
    days = rule.cases(rule.quiet(days, np.array([10.0])), np.array([2]))
    path = rise_path([0] * 10 + [2], [0.05] * 11)
    assert days[0] == pytest.approx(np.exp(path.log_r[-1]))
    random = np.random.default_rng(105)
    half = watch(rule, 0.05, random, state=rule.fresh(4), last_day=100)
    assert np.all(np.isinf(half.days))
    assert np.all(watch(rule, 5.0, random, state=half.state, last_day=100).days < 30)


@pytest.mark.parametrize("rate_ratio", [2.0, 5.0])
def test_a_shift_in_shares_in_cases(rate_ratio: float) -> None:
    share = rate_ratio * 0.2 / (0.8 + rate_ratio * 0.2)
    random = np.random.default_rng(106)
    kind = np.cumsum(random.random((SERIES, 400)) < share, axis=1)
    signals = log_share_e_value(kind, np.arange(1, 401), 0.2) >= log(20)
    first = np.where(signals.any(axis=1), signals.argmax(axis=1) + 1, 400)
    found = detecting.share_shift(0.05, 0.2, rate_ratio=rate_ratio)
    assert found.unit == "cases"
    assert found.median == pytest.approx(np.median(first), rel=0.08, abs=1)
    assert found.mean == pytest.approx(first.mean(), abs=4 * first.std() / SERIES**0.5)


@pytest.mark.parametrize("method", METHODS)
def test_any_volume_has_an_answer(method: str) -> None:
    for mu in (0.0, 1e-12, 1e-6, 1e-3, 1.0, 1e3, 1e6):
        for rate_ratio in (1.5, 2.0, 1e3):
            found = METHODS[method](mu, rate_ratio)
            assert 0.0 <= found.probability <= 1.0
            assert (found.median is None) == (found.mean is None) == (found.probability < 0.5)
            if found.median is not None and found.mean is not None:
                assert 1.0 <= found.median <= found.horizon
                assert 1.0 <= found.mean <= found.horizon


@pytest.mark.parametrize("method", ["e_process", "cusum"])
def test_next_to_nothing_takes_more_than_a_hundred_years(method: str) -> None:
    found = METHODS[method](1e-6, 5.0)
    assert found.median is None
    assert found.horizon == 36_525


@pytest.mark.parametrize("method", ["e_process", "e_detector", "cusum"])
def test_a_flood_is_seen_on_the_first_day(method: str) -> None:
    assert METHODS[method](1e3, 2.0).median == 1.0


def test_a_test_whose_horizon_lies_within_the_first_day_never_looks() -> None:
    assert METHODS["maxsprt"](1e3, 5.0).probability == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_a_stronger_rise_is_seen_sooner(method: str) -> None:
    medians = [METHODS[method](0.1, rate_ratio).median or 1e9 for rate_ratio in (2.0, 3.0, 5.0)]
    assert medians == sorted(medians, reverse=True)


@pytest.mark.parametrize(("mu", "rate_ratio"), [(-1.0, 2.0), (0.1, 1.0), (float("nan"), 2.0)])
def test_no_rise_and_no_volume_have_no_answer(mu: float, rate_ratio: float) -> None:
    for method in METHODS.values():
        with pytest.raises(ValueError, match="rate_ratio"):
            method(mu, rate_ratio)
