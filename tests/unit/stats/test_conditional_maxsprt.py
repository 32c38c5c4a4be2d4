"""Conditional MaxSPRT: the chain is the process it stands for, wherever the history ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats import conditional_maxsprt
from service.stats.conditional_maxsprt import (
    ConditionalPlan,
    HistoryEnd,
    conditional_critical_value,
    conditional_log_likelihood_ratio,
    conditional_power,
    latest_signal_ratio,
)
from service.stats.maxsprt import MaxsprtPlan, maxsprt_critical_value

values = st.floats(0.01, 50.0)


@given(st.integers(1, 10**4), st.integers(1, 10**4), values)
def test_the_latest_signal_ratio_too(cases: int, past: int, value: float) -> None:
    ratio = latest_signal_ratio(cases, past, value)
    assert 0 < ratio <= cases / past
    found = float(conditional_log_likelihood_ratio(cases, past, ratio))
    assert found == pytest.approx(value, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("history_end", HistoryEnd)
def test_the_conditional_chain_against_a_simulation(history_end: HistoryEnd) -> None:
    past, most, value, series = 5, 8, 2.5, 100_000
    random = np.random.default_rng(8)
    gap = {
        HistoryEnd.LIBERAL: np.zeros(series),
        HistoryEnd.EXACT: random.random(series),
        HistoryEnd.CONSERVATIVE: np.ones(series),
    }[history_end] * random.exponential(size=series)
    past_time = random.gamma(past, size=series) + gap
    times = np.cumsum(random.exponential(size=(series, most)), axis=1)
    ratio = conditional_log_likelihood_ratio(
        np.arange(1, most + 1), past, times / past_time[:, np.newaxis]
    )
    plan = ConditionalPlan(past, most_cases=most, history_end=history_end)
    assert conditional_power(plan, value) == pytest.approx(
        np.mean(np.any(ratio >= value, axis=1)), abs=0.003
    )


def test_the_later_the_history_ends_the_higher_the_critical_value() -> None:
    found = [
        conditional_critical_value(ConditionalPlan(20, most_cases=10, history_end=end)).value
        for end in (HistoryEnd.LIBERAL, HistoryEnd.EXACT, HistoryEnd.CONSERVATIVE)
    ]
    assert found == sorted(found)


def test_a_long_history_makes_the_conditional_test_the_plain_one() -> None:
    plain = maxsprt_critical_value(MaxsprtPlan(horizon=10.0)).value
    plan = ConditionalPlan(100_000, longest_ratio=1e-4)
    assert conditional_critical_value(plan).value == pytest.approx(plain, abs=0.001)


@pytest.mark.parametrize(
    "given_plan",
    [
        {"past_cases": 0, "most_cases": 5},
        {"past_cases": 5},
        {"past_cases": 5, "most_cases": 2, "least_cases": 3},
        {"past_cases": 5, "longest_ratio": 0.0},
        {"past_cases": 5_000, "longest_ratio": 1.0},
    ],
)
def test_an_impossible_conditional_plan_is_refused(given_plan: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        ConditionalPlan(**given_plan)


def test_both_sets_of_nodes_give_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = ConditionalPlan(200, most_cases=20)
    by_jacobi = conditional_power(plan, 3.0)
    monkeypatch.setattr(conditional_maxsprt, "MOST_FOR_JACOBI", 0)
    assert conditional_power(plan, 3.0) == pytest.approx(by_jacobi, abs=1e-11)
