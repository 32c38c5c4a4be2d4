"""Completeness and overdue visits for any history: the same as looking at each day."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.events import AnyEvent, FollowUpVisit, Outcome, Transplant
from service.domain.rules import FollowUpRules
from service.domain.visits import FollowedUp, VisitSchedule, followed_up
from service.stats.completeness import completeness

RULES = FollowUpRules(followup_grace_days=90)
DAY_0 = date(2024, 1, 1)
LEFT = ("lost_to_follow_up", "withdrawn", "transferred_out")
HAPPENS = ("seen", "death", "relapse", "transplant", *LEFT)

schedules = st.builds(
    VisitSchedule,
    st.lists(st.integers(1, 150), min_size=1, max_size=3, unique=True).map(
        lambda days: tuple(sorted(days))
    ),
    st.integers(0, 120),
    st.integers(0, 40),
)
happenings = st.lists(
    st.tuples(
        st.sampled_from(["seen", "death", "relapse", "transplant", *LEFT]), st.integers(0, 500)
    ),
    max_size=8,
)


def event(number: int, what: str, day: int) -> AnyEvent:
    said = {
        "event_id": f"e{number}",
        "facility": "f",
        "patient": "p",
        "occurred_on": DAY_0 + timedelta(days=day),
    }
    if what == "transplant":
        return Transplant(**said, transplant_type="kidney")  # type: ignore[arg-type]
    if what == "seen":
        return FollowUpVisit(**said)  # type: ignore[arg-type]
    return Outcome(**said, outcome=what)  # type: ignore[arg-type]


def chart(happened: Sequence[tuple[str, int]]) -> list[AnyEvent]:
    told = [("transplant", 0), *happened]
    return [event(number, what, day) for number, (what, day) in enumerate(told)]


def ask(events: list[AnyEvent], schedule: VisitSchedule, end: int) -> list[FollowedUp]:
    return followed_up(events, RULES, schedule, DAY_0.toordinal() + end)


def test_clark_by_hand() -> None:
    """
    Asked on day 99, so 100 days could be observed of each but the dead.

    a   seen on day 99                          100 of 100
    b   seen on day 39, then silence             40 of 100: the grace period is not observed
    c   seen on day 9, dead on day 49            50 of  50
    d   lost on day 19, back on day 59           20 of 100, and days 60 to 69: 30; last seen day 69
    """
    histories = [
        [("seen", 99)],
        [("seen", 39)],
        [("seen", 9), ("death", 49)],
        [("lost_to_follow_up", 19), ("seen", 59), ("seen", 69)],
    ]
    found = [ask(chart(history), VisitSchedule(), 99)[0] for history in histories]
    told = [(one.observed_person_days, one.potential_person_days) for one in found]
    assert told == [(100, 100), (40, 100), (50, 50), (30, 100)]
    assert completeness(*map(sum, zip(*told, strict=True))) == 220 / 350
    assert [one.under_observation for one in found] == [True, True, False, True]


@given(happenings, schedules, st.integers(0, 600))
def test_no_more_is_observed_than_could_be(
    happened: list[tuple[str, int]], schedule: VisitSchedule, end: int
) -> None:
    found = ask(chart(happened), schedule, end)
    for one in found:
        assert 0 <= one.observed_person_days <= one.potential_person_days
        assert one.under_observation or not one.overdue
    assert sum(one.under_observation for one in found) <= 1
    gone = any(what in (*LEFT, "death") and day <= end for what, day in happened)
    if not gone:
        seen = ask(chart([*happened, ("seen", end)]), schedule, end)
        assert all(one.observed_person_days == one.potential_person_days for one in seen)
        assert not any(one.overdue for one in seen if schedule.tolerance_days)


@given(st.sets(st.integers(0, 400), max_size=8), schedules, st.integers(0, 600))
def test_visits_are_as_found_day_by_day(seen: set[int], schedule: VisitSchedule, end: int) -> None:
    (found,) = ask(chart([("seen", day) for day in seen]), schedule, end)
    last = schedule.days[-1]
    expected = {}
    for due in range(1, end):
        later = schedule.then_every and due > last and (due - last) % schedule.then_every == 0
        if (due not in schedule.days and not later) or due + schedule.tolerance_days >= end:
            continue
        contacts = [day for day in range(end + 1) if day in seen or day == 0]
        window = range(due - schedule.tolerance_days, due + schedule.tolerance_days + 1)
        if any(day in window for day in contacts):
            expected[due] = "seen"
        elif any(day > due for day in contacts):
            expected[due] = "late"
        else:
            expected[due] = "overdue"
    assert {visit.due: visit.state for visit in found.visits} == expected
