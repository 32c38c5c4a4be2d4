"""What is left of an answer for a key that may not see small counts."""

from datetime import date

import pytest

from service.api.access import LOCAL, Principal
from service.api.formats import Figure
from service.api.small_cells import (
    RATE,
    guarded,
    hides,
    require_coarse,
    require_coarse_horizon,
    require_patients,
)
from service.errors import Forbidden

READER = Principal("registry", frozenset({"rates:read"}), hidden_below=5)
TODAY = date(2026, 11, 23)


def row(cases: int, person_days: int = 1000, window: str = "2026-01") -> dict:
    return {
        "stratum": {"sex": "female"},
        "window": {"name": window},
        "cases": cases,
        "person_days": person_days,
        "rate": cases * 1.5,
        "ci": {"lower": 0.1, "upper": 9.9, "level": 0.95, "method": "exact"},
        "anytime_ci": {"lower": 0.1, "upper": 9.9, "level": 0.95},
        "expected_cases": cases * 1.1,
    }


def by_month(row: dict) -> str:
    return row["window"]["name"]


def cases(rows) -> list:
    return [one["cases"] for one in rows]


def test_what_is_hidden_takes_along_all_that_tells_of_it_and_person_time_stays():
    shown = guarded(Figure({}, [row(2), row(90), row(0, 10)], row(92)), 5, RATE)
    hidden, second, zero = shown.rows
    assert hidden["suppressed"] is second["suppressed"] is True
    for one in (hidden, second):
        assert one["cases"] is one["rate"] is one["expected_cases"] is None
        assert one["ci"] == {"lower": None, "upper": None, "level": 0.95, "method": "exact"}
        assert one["anytime_ci"] == {"lower": None, "upper": None, "level": 0.95}
        assert one["person_days"] == 1000
    assert zero == {**row(0, 10), "suppressed": False}
    assert shown.total == {**row(92), "suppressed": False}
    assert hides(shown)


def test_a_small_sum_is_hidden_with_all_its_rows():
    shown = guarded(Figure({}, [row(2), row(0)], row(2)), 5, RATE)
    assert cases(shown.rows) == [None, None]
    assert shown.total["cases"] is None


def test_nothing_is_said_of_hiding_to_those_who_see_everything():
    figure = Figure({}, [row(2)], row(2))
    assert guarded(figure, 0, RATE) is figure


def test_the_sum_of_a_hidden_window_cannot_be_had_from_its_rows_nor_from_other_windows():
    small, large, other = (
        [row(2, window="2026-01"), row(0, window="2026-01")],
        [row(20, window="2026-02"), row(30, window="2026-02")],
        [row(40, 9000, "2026-03"), row(50, 9000, "2026-03")],
    )
    tops = [row(2, 10, "2026-01"), row(50, 20, "2026-02"), row(90, 30, "2026-03")]
    figure = Figure({}, [*small, *large, *other], row(142), window_totals=tops)
    shown = guarded(figure, 5, RATE, group=by_month)
    assert cases(shown.window_totals) == [None, None, 90]
    assert cases(shown.rows) == [None, None, None, None, 40, 50]
    assert shown.total["cases"] == 142


def test_small_rows_of_a_window_are_hidden_beneath_its_sum():
    rows = [row(3), row(20), row(30)]
    figure = Figure({}, rows, row(53), window_totals=[row(53)])
    shown = guarded(figure, 5, RATE, group=by_month)
    assert cases(shown.rows) == [None, None, 30]
    assert cases(shown.window_totals) == [53]


def test_windows_that_differ_by_a_day_are_refused_and_so_is_the_past():
    require_coarse(READER, date(2026, 1, 1), date(2026, 2, 28), TODAY, past=False)
    require_coarse(READER, None, None, TODAY, past=False)
    require_coarse(READER, None, TODAY, TODAY, past=False)
    require_coarse(LOCAL, date(2026, 1, 2), date(2026, 2, 3), TODAY, past=True)
    for start, end, past in [
        (date(2026, 1, 2), None, False),
        (None, date(2026, 2, 27), False),
        (None, None, True),
    ]:
        with pytest.raises(Forbidden) as refused:
            require_coarse(READER, start, end, TODAY, past=past)
        assert refused.value.code == "patients_scope_needed"


def test_horizons_and_curves_that_go_day_by_day_are_refused():
    require_coarse_horizon(READER, 730)
    require_coarse_horizon(LOCAL, 101)
    require_patients(LOCAL, "this")
    with pytest.raises(Forbidden, match="multiple of 365"):
        require_coarse_horizon(READER, 101)
    with pytest.raises(Forbidden, match="patients:read"):
        require_patients(READER, "this")
