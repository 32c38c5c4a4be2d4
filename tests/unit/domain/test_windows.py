"""Time cut along the calendar."""

from datetime import date

import pytest

from service.domain.days import FAR_FUTURE_DAY
from service.domain.windows import calendar_windows


def cut(interval: str, start: str, end: str, **more: bool) -> list[tuple[str, str, str, bool]]:
    first, last = date.fromisoformat(start).toordinal(), date.fromisoformat(end).toordinal()
    return [
        (w.name, *(date.fromordinal(day).isoformat()[5:] for day in w.days), w.partial)
        for w in calendar_windows(interval, first, last, **more)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("week", [("2024-W52", "12-29", "12-29", True), ("2025-W01", "12-30", "01-02", True)]),
        ("month", [("2024-12", "12-29", "12-31", True), ("2025-01", "01-01", "01-02", True)]),
        ("quarter", [("2024-Q4", "12-29", "12-31", True), ("2025-Q1", "01-01", "01-02", True)]),
        ("year", [("2024", "12-29", "12-31", True), ("2025", "01-01", "01-02", True)]),
    ],
)
def test_the_turn_of_a_year(interval: str, expected: list[tuple[str, str, str, bool]]) -> None:
    assert cut(interval, "2024-12-29", "2025-01-02") == expected


def test_whole_periods_are_not_partial() -> None:
    assert cut("month", "2024-02-01", "2024-02-29") == [("2024-02", "02-01", "02-29", False)]
    assert cut("week", "2024-12-30", "2025-01-05") == [("2025-W01", "12-30", "01-05", False)]
    assert cut("day", "2024-02-29", "2024-02-29") == [("2024-02-29", "02-29", "02-29", False)]
    assert cut("year", "2024-01-01", "2024-12-31") == [("2024", "01-01", "12-31", False)]


def test_cumulative_windows_all_begin_at_the_start() -> None:
    assert cut("month", "2024-01-15", "2024-03-02", cumulative=True) == [
        ("2024-01", "01-15", "01-31", True),
        ("2024-02", "01-15", "02-29", False),
        ("2024-03", "01-15", "03-02", True),
    ]


def test_no_days_have_no_windows() -> None:
    assert list(calendar_windows("month", 10, 9)) == []


@pytest.mark.parametrize("interval", ["day", "week", "month", "quarter", "year"])
def test_the_calendar_has_a_last_day(interval: str) -> None:
    *_, last = calendar_windows(interval, FAR_FUTURE_DAY - 3, FAR_FUTURE_DAY)  # type: ignore[arg-type]
    assert last.days.end_day == FAR_FUTURE_DAY
