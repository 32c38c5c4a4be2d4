"""The mean cumulative function: its variance against its own derivative, and its edges."""

import numpy as np
import pytest

from service.stats.mean_cumulative import RecurrentRows, mean_cumulative_function

NOBODY = RecurrentRows([], [], [], [], [], [])


def by_weights(rows, weights, horizon, estimator):
    """The estimate where each subject counts so many times, day by day."""
    entry, exit_, subject, died, event_day, event_subject = (np.asarray(part) for part in rows)
    days = np.unique(np.concatenate((event_day, exit_[died.astype(bool)])))
    alive, mean = 1.0, 0.0
    for day in days[days <= horizon]:
        at_risk = weights[subject[(entry < day) & (day <= exit_)]].sum()
        mean += alive * weights[event_subject[event_day == day]].sum() / at_risk
        if estimator == "ghosh_lin":
            alive *= 1 - weights[subject[(exit_ == day) & (died == 1)]].sum() / at_risk
    return mean


@pytest.mark.parametrize("estimator", ["ghosh_lin", "nelson_aalen"])
@pytest.mark.parametrize("seed", range(4))
def test_the_variance_is_the_sum_of_squared_derivatives(estimator, seed):
    """Late entries, a gap for every third subject, deaths, ties; derivatives by difference."""
    draw = np.random.default_rng(seed)
    rows, events = [], []
    for subject in range(14):
        start = int(draw.integers(-1, 5))
        for run in range(1 + (subject % 3 == 0)):
            stop = start + int(draw.integers(3, 15))
            last = run == (subject % 3 == 0)
            rows.append((start, stop, subject, int(last and draw.random() < 0.5)))
            events += [(int(draw.integers(start + 1, stop + 1)), subject) for _ in range(2)]
            start = stop + 3
    given = RecurrentRows(*zip(*rows, strict=True), *zip(*events, strict=True))
    found = mean_cumulative_function(given, estimator=estimator)
    for horizon in (4, 9, 14):
        moved = []
        for subject in range(14):
            step = np.zeros(14)
            step[subject] = 1e-6
            up, down = (by_weights(given, 1 + s, horizon, estimator) for s in (step, -step))
            moved.append((up - down) / 2e-6)
        at = found.at(horizon)
        assert at.estimate == pytest.approx(by_weights(given, np.ones(14), horizon, estimator))
        assert at.std_error == pytest.approx(np.sqrt(np.sum(np.square(moved))), rel=1e-6)


def test_one_patient_always_at_risk_has_had_what_was_counted():
    found = mean_cumulative_function(RecurrentRows([-1], [30], [0], [0], [0, 0, 5], [0, 0, 0]))
    assert [found.at(day).estimate for day in (0, 4, 5, 30)] == [2, 2, 3, 3]
    assert found.at(31).estimate is None
    assert found.at(30).std_error == 0


def test_the_dead_have_no_more_under_one_estimator_and_might_have_under_the_other():
    """Two followed, one dies on day 10; the other is infected on day 20."""
    rows = RecurrentRows([-1, -1], [10, 30], [0, 1], [1, 0], [20], [1])
    assert mean_cumulative_function(rows).at(30).estimate == 0.5
    assert mean_cumulative_function(rows, estimator="nelson_aalen").at(30).estimate == 1.0


def test_once_all_have_died_the_value_stands():
    rows = RecurrentRows([-1, -1], [10, 12], [0, 1], [1, 1], [3], [0])
    assert mean_cumulative_function(rows).at(400).estimate == 0.5
    assert mean_cumulative_function(rows, estimator="nelson_aalen").at(400).estimate is None


def test_nobody_and_no_event():
    assert mean_cumulative_function(NOBODY).at(5).estimate is None
    quiet = mean_cumulative_function(RecurrentRows([-1], [9], [0], [0], [], [])).at(9)
    assert (quiet.estimate, quiet.std_error) == (0, 0)
    assert (quiet.interval.lower, quiet.interval.upper) == (None, None)


@pytest.mark.parametrize(
    ("rows", "how"),
    [
        (RecurrentRows([3], [3], [0], [0], [], []), {}),
        (RecurrentRows([-1], [3, 4], [0], [0], [], []), {}),
        (RecurrentRows([-1], [3], [0], [0], [1], []), {}),
        (NOBODY, {"estimator": "kaplan"}),
        (NOBODY, {"interval": "loglog"}),
    ],
)
def test_what_means_nothing_is_refused(rows, how):
    with pytest.raises(ValueError, match=r"must|needs|unknown"):
        mean_cumulative_function(rows, **how)
