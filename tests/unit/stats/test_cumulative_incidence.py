"""Cumulative incidence: small charts worked by hand, and what holds for any."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.stats.cumulative_incidence import cumulative_incidence

Rows = list[tuple[int, int, int]]

rows = st.lists(
    st.tuples(st.integers(-1, 20), st.integers(1, 15), st.integers(0, 3)).map(
        lambda row: (row[0], row[0] + row[1], row[2])
    ),
    min_size=1,
    max_size=40,
)


def columns(of: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    entry, exit_, cause = np.array(of, dtype=np.int64).T
    return entry, exit_, cause


def test_infection_and_death_add_up_with_those_spared() -> None:
    """Five from the index date: infected day 2, dead day 2, infected day 4, lost day 4, well to 9.

    Day 2: five at risk, F = 1/5, S = 3/5. Day 4: three at risk (the loss comes after the
    infection), F = 1/5 + 3/5 x 1/3 = 2/5, S = 2/5.
    """
    curve = cumulative_incidence([-1] * 5, [2, 2, 4, 4, 9], [1, 2, 1, 0, 0])
    assert curve.times.tolist() == [2, 4]
    assert curve.at_risk.tolist() == [5, 3]
    assert curve.events.tolist() == [1, 1]
    assert curve.competing.tolist() == [1, 0]
    assert curve.estimate == pytest.approx([0.2, 0.4])
    assert curve.event_free == pytest.approx([0.6, 0.4])
    assert curve.variance == "aalen"


def test_the_day_of_the_index_date_counts() -> None:
    """Infected on day 0 itself: at risk on that day, because entry is the day before."""
    curve = cumulative_incidence([-1, -1], [0, 30], [1, 0])
    assert curve.at(0).at_risk == 2
    assert curve.at(0).estimate == 0.5
    assert curve.at(-1).estimate == 0.0


def test_a_patient_first_seen_on_day_45_is_at_risk_from_that_day() -> None:
    curve = cumulative_incidence([-1, -1, 44], [44, 45, 60], [1, 1, 0])
    assert curve.at_risk.tolist() == [2, 2]
    assert curve.estimate == pytest.approx([0.5, 0.75])


def test_a_patient_lost_and_found_is_two_rows() -> None:
    """Seen to day 10, back from day 21, infected day 25; another well throughout."""
    curve = cumulative_incidence([-1, 20, -1], [10, 25, 40], [0, 1, 0])
    assert [curve.at(day).at_risk for day in (10, 11, 20, 21)] == [2, 1, 1, 2]
    assert curve.at(25).estimate == 0.5


def test_beyond_the_last_day_of_follow_up_nothing_is_known() -> None:
    curve = cumulative_incidence([-1, -1], [5, 90], [1, 0])
    assert curve.at(90).estimate == 0.5
    found = curve.at(91)
    assert (found.estimate, found.std_error, found.at_risk, found.events) == (None, None, 0, 1)
    assert (found.interval.lower, found.interval.upper) == (None, None)


def test_once_everyone_has_had_an_event_the_curve_is_complete() -> None:
    curve = cumulative_incidence([-1, -1], [5, 9], [1, 2])
    assert curve.at(365).estimate == 0.5


def test_before_any_event_the_incidence_is_zero_without_an_interval() -> None:
    found = cumulative_incidence([-1, -1], [5, 9], [0, 0]).at(4)
    assert (found.estimate, found.std_error, found.at_risk) == (0.0, 0.0, 2)
    assert (found.interval.lower, found.interval.upper) == (None, None)


def test_no_row_no_curve() -> None:
    curve = cumulative_incidence([], [], [])
    assert curve.times.size == 0
    found = curve.at(100)
    assert (found.estimate, found.at_risk, found.events) == (None, 0, 0)


@given(of=rows)
def test_causes_and_the_event_free_share_add_up_to_one(of: Rows) -> None:
    entry, exit_, cause = columns(of)
    curves = [
        cumulative_incidence(entry, exit_, np.where(cause == 0, 0, np.where(cause == code, 1, 2)))
        for code in (1, 2, 3)
    ]
    total = sum(curve.estimate for curve in curves) + curves[0].event_free
    assert np.allclose(total, 1.0, rtol=0, atol=1e-12)


@given(of=rows)
def test_a_share_rises_within_0_to_1_and_limits_hold_it(of: Rows) -> None:
    for interval in ("loglog", "log", "plain"):
        curve = cumulative_incidence(*columns(of), interval=interval)
        assert np.all(np.diff(curve.estimate) >= 0)
        assert np.all((curve.estimate >= 0) & (curve.estimate <= 1 + 1e-12))
        assert np.all(curve.at_risk >= curve.events + curve.competing)
        known = ~np.isnan(curve.lower)
        assert np.all(curve.lower[known] <= curve.estimate[known] + 1e-12)
        assert np.all(curve.estimate[known] <= curve.upper[known] + 1e-12)


@given(of=rows)
def test_the_variance_is_the_sum_as_printed(of: Rows) -> None:
    """Carried forward day by day, it equals the double sum of Andersen et al. 1993, eq. 4.4.20."""
    curve = cumulative_incidence(*columns(of))
    events_free_before = np.concatenate(([1.0], curve.event_free[:-1]))
    for place in range(curve.times.size):
        total = 0.0
        for earlier in range(place + 1):
            n, d = int(curve.at_risk[earlier]), int(curve.events[earlier])
            other, left = int(curve.competing[earlier]), curve.event_free[earlier]
            gained = curve.estimate[place] - curve.estimate[earlier]
            r = gained / left if left > 1e-12 else 0.0
            total += (events_free_before[earlier] ** 2 / n**3) * (
                (1 - r) ** 2 * d * (n - d)
                + r**2 * other * (n - other)
                + 2 * r * (1 - r) * d * other
            )
        assert curve.std_error[place] ** 2 == pytest.approx(total, rel=1e-9, abs=1e-14)


@given(of=rows, shuffle=st.randoms())
def test_the_order_of_rows_does_not_matter(of: Rows, shuffle: Random) -> None:
    mixed = list(of)
    shuffle.shuffle(mixed)
    one, other = (cumulative_incidence(*columns(part)) for part in (of, mixed))
    assert np.array_equal(one.estimate, other.estimate)
    assert np.array_equal(one.std_error, other.std_error)


@given(of=rows, cut=st.integers(0, 34))
def test_cutting_a_spell_in_two_changes_nothing(of: Rows, cut: int) -> None:
    """A new regimen or phase splits a patient's time into rows; the curve must not see it."""
    parts: Rows = []
    for entry, exit_, cause in of:
        if entry < cut < exit_:
            parts += [(entry, cut, 0), (cut, exit_, cause)]
        else:
            parts.append((entry, exit_, cause))
    whole, split = (cumulative_incidence(*columns(part)) for part in (of, parts))
    assert np.array_equal(whole.at_risk, split.at_risk)
    assert np.array_equal(whole.estimate, split.estimate)
    assert np.array_equal(whole.std_error, split.std_error)


def test_a_hundred_thousand_rows() -> None:
    random = np.random.default_rng(3)
    exits = random.integers(0, 3_650, 100_000)
    found = cumulative_incidence(
        np.full(exits.shape, -1), exits, random.integers(0, 3, exits.shape)
    )
    assert found.times.size == 3_650
    assert float(found.estimate[-1]) < 1.0


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        cumulative_incidence([0], [1, 2], [0, 0])
    with pytest.raises(ValueError, match="exit must be after entry"):
        cumulative_incidence([3], [3], [1])
    with pytest.raises(ValueError, match="negative"):
        cumulative_incidence([0], [3], [-1])
    with pytest.raises(ValueError, match="unknown interval"):
        cumulative_incidence([0], [3], [1], interval="arcsine")
