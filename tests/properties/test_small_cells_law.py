"""No hidden count can be worked out by a reader who knows the rules as well as we do."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from service.domain.small_cells import Mask, mask_of

COUNTS = st.lists(st.integers(0, 9) | st.integers(0, 2), min_size=1, max_size=4)


def sums(parts: int, total: int) -> Iterator[tuple[int, ...]]:
    """Every way to write a total as so many counts."""
    if parts == 0:
        if total == 0:
            yield ()
        return
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for others in sums(parts - 1, total - first):
            yield (first, *others)


def told(counts, person_time, below) -> tuple[tuple[int | None, ...], int | None]:
    """What is answered."""
    mask = mask_of(counts, person_time, sum(counts), below)
    rows = tuple(None if hidden else count for count, hidden in zip(counts, mask.rows, strict=True))
    return rows, None if mask.total else sum(counts)


def all_tables_told_as(answer, person_time, below) -> Iterator[tuple[int, ...]]:
    """Every table that would have been answered in just the same way."""
    rows, total = answer
    known = sum(count for count in rows if count is not None)
    for whole in range(1, below) if total is None else (total,):
        for hidden in sums(rows.count(None), whole - known):
            left = iter(hidden)
            counts = [next(left) if count is None else count for count in rows]
            if told(counts, person_time, below) == answer:
                yield tuple(counts)


@given(COUNTS, st.permutations(range(4)), st.integers(3, 5))
def test_each_hidden_count_could_be_another_one(counts, order, below):
    person_time = [float(place) for place in order[: len(counts)]]
    answer = told(counts, person_time, below)
    tables = list(all_tables_told_as(answer, person_time, below))
    assert tuple(counts) in tables
    for place, shown in enumerate(answer[0]):
        assert shown is None or not 0 < shown < below
        if shown is None:
            assert len({table[place] for table in tables}) > 1
    assert answer[1] is None or not 0 < answer[1] < below
    if answer[1] is None:
        assert len({sum(table) for table in tables}) > 1


@given(COUNTS, st.permutations(range(4)), st.integers(3, 5))
def test_beside_a_count_that_is_shown_a_small_one_could_be_any_small_one(counts, order, below):
    person_time = [float(place) for place in order[: len(counts)]]
    answer = told(counts, person_time, below)
    if answer[1] is None or all(row is None for row in answer[0]):
        return  # a row that stands for all, or all rows hidden
    tables = list(all_tables_told_as(answer, person_time, below))
    for place, count in enumerate(counts):
        if 0 < count < below:
            assert {table[place] for table in tables} >= set(range(1, below))


@given(COUNTS, st.integers(3, 9))
def test_without_a_sum_and_without_a_bound_nothing_more_is_hidden(counts, below):
    even = [1.0] * len(counts)
    small = tuple(0 < count < below for count in counts)
    assert mask_of(counts, even, None, below) == Mask(small, total=False)
    assert not mask_of(counts, even, sum(counts), 0).hides
