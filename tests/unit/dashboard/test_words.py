"""Figures, days and terms as people read them."""

from datetime import UTC, date, datetime

import pytest

from service.dashboard import words
from service.stats.interval import Interval


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (0, "0"),
        (0.00157, "0.002"),
        (0.04, "0.04"),
        (9.994, "9.99"),
        (27.268, "27.3"),
        (233.57, "234"),
        (1287.4, "1,287"),
    ],
)
def test_a_figure_has_as_many_digits_as_carry_something(value, told):
    assert words.number(value) == told


@pytest.mark.parametrize(
    ("lower", "upper", "told"),
    [
        (0.0, 1.7, "0 to 1.70"),
        (None, 2.0, "below 2.00"),
        (3.0, None, "above 3.00"),
        (None, None, "–"),
    ],
)
def test_a_limit_that_does_not_exist_is_not_made_up(lower, upper, told):
    assert words.span(Interval(lower, upper, 0.95, "exact")).replace(words.KEPT, " ") == told


@pytest.mark.parametrize(
    ("e_value", "told"),
    [
        (1.0, "1.0"),
        (99.96, "100.0"),
        (839.96, "840"),
        (1e7, "1.0 × 10⁷"),
        (1e305, "more than 10³⁰⁰"),
    ],
)
def test_an_e_value_is_told_however_large(e_value, told):
    assert words.evidence(e_value) == told


def test_days_are_told_with_the_month_in_letters():
    first, last = date(2026, 5, 3).toordinal(), date(2026, 9, 2).toordinal()
    assert words.days(first, last).replace(words.KEPT, " ") == "3 May 2026 to 2 Sep 2026"
    assert words.days(first, first).replace(words.KEPT, " ") == "3 May 2026"
    assert words.days(None, None) == "–"


def test_an_instant_is_told_in_utc():
    at = datetime(2026, 11, 22, 23, 5, 59, tzinfo=UTC)
    assert words.instant(at).replace(words.KEPT, " ") == "22 Nov 2026, 23:05 UTC"


def test_what_is_in_no_list_stands_as_it_was_sent():
    assert words.term("<script>") == "<script>"


def test_what_cases_share_is_told_in_words():
    assert words.shared_value("transplant_type+country", "stem_cell_injection+MX") == (
        "stem cell injection in MX"
    )
    assert words.shared_value("lot", "L+1") == "L+1"
