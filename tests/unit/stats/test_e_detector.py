"""The e-detector: the recursion by hand, and never a number lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.e_detector import RATE_RATIOS, first_rise, log_mean, log_step, rise_path

counts = st.integers(0, 10**6)
means = st.floats(0.0, 1e6)
days = st.lists(st.tuples(counts, means), min_size=1, max_size=30)


def test_the_recursion_written_out() -> None:
    cases, expected = [0, 2, 0, 1, 3], [0.1, 0.3, 0.0, 0.2, 0.4]
    theta, r, means_of_r = np.array(RATE_RATIOS), np.zeros(5), []
    for n, mu in zip(cases, expected, strict=True):
        r = (r + 1) * theta**n * np.exp(-(theta - 1) * mu)
        means_of_r.append(r.mean())
    path = rise_path(cases, expected)
    assert np.exp(path.log_mean) == pytest.approx(means_of_r)
    assert np.exp(path.log_r[-1]) == pytest.approx(r)


def test_without_cases_and_without_expectation_it_counts_days() -> None:
    assert np.exp(rise_path([0] * 7, [0.0] * 7).log_mean) == pytest.approx(np.arange(1, 8))


@given(days)
def test_no_number_is_lost_however_large(series: list[tuple[int, float]]) -> None:
    cases, expected = zip(*series, strict=True)
    path = rise_path(cases, expected)
    assert np.all(np.isfinite(path.log_r))
    assert np.all(np.isfinite(path.log_mean))


@given(days, st.data())
def test_another_case_raises_the_evidence(
    series: list[tuple[int, float]], data: st.DataObject
) -> None:
    cases, expected = (np.array(row) for row in zip(*series, strict=True))
    day = data.draw(st.integers(0, len(series) - 1))
    more = cases.copy()
    more[day] += 1
    before, after = rise_path(cases, expected).log_mean, rise_path(more, expected).log_mean
    assert np.all(after >= before)
    assert after[day] > before[day] or before[day] > 1e5


@given(days, st.data())
def test_a_restart_forgets_all_before_it(
    series: list[tuple[int, float]], data: st.DataObject
) -> None:
    cases, expected = (np.array(row) for row in zip(*series, strict=True))
    day = data.draw(st.integers(0, len(series) - 1))
    whole = rise_path(cases, expected, restarts=[day])
    fresh = rise_path(cases[day:], expected[day:])
    assert np.array_equal(whole.log_mean[day:], fresh.log_mean)


@given(days)
def test_one_step_at_a_time_is_the_path(series: list[tuple[int, float]]) -> None:
    cases, expected = zip(*series, strict=True)
    log_r = np.full(5, -np.inf)
    for n, mu in series:
        log_r = log_step(log_r, n, mu)
    assert rise_path(cases, expected).log_r[-1] == pytest.approx(log_r, rel=1e-12, abs=1e-12)


def test_twenty_years_of_days() -> None:
    random = np.random.default_rng(2)
    path = rise_path(random.poisson(3.0, 7_300), np.full(7_300, 3.0))
    assert np.all(np.isfinite(path.log_r))


def test_a_sudden_rise_is_found_and_a_quiet_series_is_not() -> None:
    assert first_rise(rise_path([0] * 500, [0.05] * 500)) is None
    assert first_rise(rise_path([0] * 300 + [1] * 10, [0.05] * 310)) in range(300, 306)


def test_nothing_at_all_is_no_evidence() -> None:
    assert rise_path([], []).log_mean.shape == (0,)
    assert first_rise(rise_path([], [])) is None
    assert float(log_mean(np.full(5, -np.inf))) == -np.inf


@pytest.mark.parametrize(
    ("cases", "expected", "options"),
    [
        ([1], [0.1, 0.2], {}),
        ([-1], [0.1], {}),
        ([1], [-0.1], {}),
        ([1], [0.1], {"rate_ratios": (1.0,)}),
        ([1], [0.1], {"restarts": [1]}),
        ([1], [float("nan")], {}),
    ],
)
def test_numbers_out_of_range_are_refused(
    cases: list[int], expected: list[float], options: dict[str, object]
) -> None:
    with pytest.raises(ValueError):
        rise_path(cases, expected, **options)  # type: ignore[arg-type]
