"""Sums kept as steps come in: always those of all steps together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats import step_grid
from service.stats.person_time import person_days
from service.stats.step_grid import StepGrid

steps = st.tuples(
    st.integers(0, 5), st.integers(737_000, 739_500), st.sampled_from([-3, -1, 1, 1, 7])
)
batches = st.lists(st.lists(steps, max_size=12), max_size=6)
window_days = st.integers(736_500, 740_000)


def grid_of(batched: list[list[tuple[int, int, int]]]) -> StepGrid:
    grid = StepGrid()
    for batch in batched:
        grid.add(*np.array(batch, dtype=np.int64).reshape(-1, 3).T)
    return grid


@pytest.mark.parametrize("few_steps", [0, 512])
@given(batched=batches, first=window_days, second=window_days)
def test_any_window_of_any_row(
    few_steps: int, batched: list[list[tuple[int, int, int]]], first: int, second: int
) -> None:
    """Whether the steps came one by one or all at once, in whatever order."""
    start, end = sorted((first, second))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_grid, "FEW_STEPS", few_steps)
        grid = grid_of(batched)
    table = np.array([step for batch in batched for step in batch], dtype=np.int64).reshape(-1, 3)
    for row in range(grid.rows):
        _, days, changes = table[table[:, 0] == row].T
        assert grid.person_days(start, end)[row] == person_days(days, changes, start, end)
        assert grid.person_days(None, end)[row] == person_days(days, changes, 0, end)


@given(batched=batches, until=window_days)
def test_the_steps_come_back(batched: list[list[tuple[int, int, int]]], until: int) -> None:
    back = [
        tuple(step)
        for part in grid_of(batched).steps(until)
        for step in np.stack(part, axis=1).tolist()
    ]
    assert sorted(back) == sorted(step for batch in batched for step in batch if step[1] <= until)


def test_nothing_is_at_risk_without_steps() -> None:
    assert StepGrid().person_days(1, 10).size == 0
