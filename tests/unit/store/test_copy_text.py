"""A row survives its way into a line and back, whatever it holds."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from service.store import copy_text
from service.store.copy_text import fields_of, line_of, text_of_sqlite, values_for_sqlite

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ROWS = st.lists(st.none() | WORDS | st.sampled_from(["\\N", "\\", "\t", ""]), min_size=1)


def test_the_examples_hold() -> None:
    ran = doctest.testmod(copy_text)
    assert ran.attempted
    assert not ran.failed


@given(ROWS)
def test_a_line_has_one_end_and_the_same_fields(row: list[str | None]) -> None:
    line = line_of(row)
    assert line.count("\n") == 1
    assert fields_of(line) == row


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_what_sqlite_keeps_comes_back(whole: int, real: float, flag: bool) -> None:
    kinds = ("whole", "real", "flag", "instant", "text")
    kept = (whole, real, int(flag), "2026-11-23 12:00:00.120000", None)
    assert values_for_sqlite(kinds)(text_of_sqlite(kinds)(kept)) == kept
