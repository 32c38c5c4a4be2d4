"""Person-days: three ways to the same whole number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.stats.person_time import RunningPersonDays, person_days, window_person_days

DAY = 730_000  # the ordinal of a day in 1999

spells = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
        lambda spell: (DAY + spell[0], DAY + spell[0] + spell[1])
    ),
    max_size=12,
)
windows = st.lists(
    st.tuples(st.integers(DAY - 5, DAY + 110), st.integers(DAY - 5, DAY + 110)), max_size=8
)


def steps(of: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Entries first, then exits: no order is promised."""
    days = [start for start, _ in of] + [end + 1 for _, end in of]
    changes = [1] * len(of) + [-1] * len(of)
    return np.array(days, dtype=np.int64), np.array(changes, dtype=np.int64)


def counted(of: list[tuple[int, int]], start: int, end: int) -> int:
    return sum(1 for day in range(start, end + 1) for first, last in of if first <= day <= last)


@given(of=spells, over=windows)
def test_the_sum_the_running_sums_and_counting_days_agree(
    of: list[tuple[int, int]], over: list[tuple[int, int]]
) -> None:
    starts, ends = np.array(over, dtype=np.int64).reshape(-1, 2).T
    brute = [counted(of, start, end) for start, end in over]
    assert [person_days(*steps(of), start, end) for start, end in over] == brute
    found = window_person_days(*steps(of), starts, ends)
    assert found.dtype == np.int64
    assert found.tolist() == brute


@given(of=spells, cut=st.integers(DAY - 5, DAY + 110))
def test_windows_that_follow_each_other_add_up(of: list[tuple[int, int]], cut: int) -> None:
    running = RunningPersonDays.of(*steps(of))
    early, late, whole = running.between(
        np.array([DAY - 10, cut + 1, DAY - 10]), np.array([cut, DAY + 120, DAY + 120])
    ).tolist()
    assert early + late == whole == sum(last - first + 1 for first, last in of)


def test_open_follow_up_accrues_with_the_passing_of_days() -> None:
    """Two enter on day 3 and stay; nothing more is written, yet each day adds two."""
    days, changes = np.array([DAY + 3]), np.array([2])
    assert [person_days(days, changes, DAY, DAY + end) for end in (2, 3, 4, 13)] == [0, 2, 4, 22]


def test_a_step_dated_in_the_future_has_no_effect_yet() -> None:
    days, changes = np.array([DAY, DAY + 90]), np.array([1, -1])
    assert person_days(days, changes, DAY, DAY + 29) == 30
    assert person_days(days, changes, DAY, DAY + 365) == 90


def test_a_million_patients_for_a_century_stay_whole() -> None:
    days, changes = np.array([1, 3_000_000]), np.array([10**6, -(10**6)])
    assert person_days(days, changes, 1, 3_652_059) == 2_999_999 * 10**6
    found = window_person_days(days, changes, np.array([1]), np.array([3_652_059]))
    assert found.tolist() == [2_999_999 * 10**6]


def test_no_step_no_time() -> None:
    nothing = np.array([], dtype=np.int64)
    assert person_days(nothing, nothing, 0, 100) == 0
    assert window_person_days(nothing, nothing, np.array([0]), np.array([9])).tolist() == [0]


def test_arrays_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        RunningPersonDays.of(np.array([1, 2]), np.array([1]))
