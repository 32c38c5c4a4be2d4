"""MaxSPRT: what a critical value must mean, at the edges too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.stats.maxsprt import (
    MaxsprtPlan,
    latest_signal,
    log_likelihood_ratio,
    maxsprt_alpha,
    maxsprt_critical_value,
    maxsprt_performance,
)

counts = st.integers(0, 10**6)
means = st.floats(0.0, 1e6)
values = st.floats(0.01, 50.0)


@given(counts, means)
def test_no_excess_is_no_evidence_and_an_excess_is_some(cases: int, expected: float) -> None:
    found = float(log_likelihood_ratio(cases, expected))
    assert found >= 0
    assert not np.isnan(found)
    if cases <= expected:
        assert found == 0
    if cases > 0 and expected == 0:
        assert found == np.inf


@given(counts, means)
def test_another_case_never_weakens_the_evidence(cases: int, expected: float) -> None:
    assert log_likelihood_ratio(cases + 1, expected) >= log_likelihood_ratio(cases, expected)


@given(st.integers(1, 10**6), values)
def test_the_latest_signal_is_where_the_ratio_meets_the_critical_value(
    cases: int, value: float
) -> None:
    time = float(latest_signal(cases, value))
    assert 0 < time <= cases
    assert float(log_likelihood_ratio(cases, time)) == pytest.approx(value, rel=1e-6, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    horizon=st.floats(0.2, 40.0),
    least_cases=st.integers(1, 6),
    start=st.floats(0.0, 1.0),
    alpha=st.sampled_from([0.001, 0.01, 0.05, 0.2]),
)
def test_alpha_is_never_exceeded_and_missed_only_where_it_jumps(
    horizon: float, least_cases: int, start: float, alpha: float
) -> None:
    plan = MaxsprtPlan(horizon=horizon, least_cases=least_cases, start=start * horizon)
    if maxsprt_alpha(plan, 1e-9) <= alpha:
        with pytest.raises(ValueError, match="rarer"):
            maxsprt_critical_value(plan, alpha)
        return
    found = maxsprt_critical_value(plan, alpha)
    assert found.alpha <= alpha + 1e-11
    assert maxsprt_alpha(plan, found.value) == pytest.approx(found.alpha, abs=1e-12)
    assert maxsprt_alpha(plan, found.value * (1 - 1e-6)) > found.alpha - 1e-12
    if plan.start == 0:
        assert found.alpha == pytest.approx(alpha, abs=1e-11)


def test_power_grows_with_the_rate_ratio_and_the_time_to_signal_shrinks() -> None:
    plan = MaxsprtPlan(horizon=20.0)
    found = [maxsprt_performance(plan, 3.628123, rate_ratio=ratio) for ratio in (1, 1.5, 2, 4, 10)]
    assert np.all(np.diff([one.power for one in found]) > 0)
    assert np.all(np.diff([one.time_watched for one in found]) < 0)


def test_the_chain_against_a_simulation_with_a_late_start() -> None:
    plan, value, ratio = MaxsprtPlan(horizon=8.0, least_cases=2, start=2.0), 2.0, 1.6
    random = np.random.default_rng(3)
    arrivals = np.cumsum(random.exponential(1 / ratio, (20_000, 60)), axis=1)
    numbers = np.arange(1, 61)
    looks = np.maximum(arrivals, plan.start)
    at_start = (arrivals <= plan.start).sum(axis=1, keepdims=True)
    cases = np.maximum(numbers, at_start)
    signals = (log_likelihood_ratio(cases, looks) >= value) & (cases >= 2) & (looks <= plan.horizon)
    signals &= (arrivals > plan.start) | (numbers == at_start)
    time = np.where(signals, looks, np.inf).min(axis=1)
    found = maxsprt_performance(plan, value, rate_ratio=ratio)
    assert found.power == pytest.approx(np.mean(time < np.inf), abs=0.012)
    assert found.time_to_signal == pytest.approx(time[time < np.inf].mean(), abs=0.06)


def test_a_start_next_to_nothing_is_no_delay() -> None:
    at_once = maxsprt_critical_value(MaxsprtPlan(horizon=1.0)).value
    late = maxsprt_critical_value(MaxsprtPlan(horizon=1.0, start=2e-313)).value
    assert late == pytest.approx(at_once, abs=1e-9)


def test_a_long_horizon_still_works() -> None:
    assert maxsprt_alpha(MaxsprtPlan(horizon=1_000.0), 4.0) < 0.1


@pytest.mark.parametrize(
    ("horizon", "least_cases", "start"), [(0, 1, 0), (2_000, 1, 0), (5, 0, 0), (5, 1, 6)]
)
def test_an_impossible_plan_is_refused(horizon: float, least_cases: int, start: float) -> None:
    with pytest.raises(ValueError):
        MaxsprtPlan(horizon, least_cases, start)


def test_numbers_out_of_range_are_refused() -> None:
    plan = MaxsprtPlan(horizon=1.0)
    with pytest.raises(ValueError, match="negative"):
        log_likelihood_ratio(-1, 1.0)
    with pytest.raises(ValueError, match="alpha"):
        maxsprt_critical_value(plan, 1.0)
    with pytest.raises(ValueError, match="above 0"):
        maxsprt_performance(plan, 3.0, rate_ratio=0.0)
    with pytest.raises(ValueError, match="rarer"):
        maxsprt_critical_value(MaxsprtPlan(horizon=0.01), 0.05)
