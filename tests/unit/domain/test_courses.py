"""Courses: what a transplant opens, and what a chart without one holds."""

from datetime import date

from service.domain.contributions import contributions
from service.domain.courses import courses
from service.domain.events import Finding, Infection, Transplant
from service.domain.rules import FollowUpRules


def transplant(event_id: str, day: date, transplant_type: str) -> Transplant:
    return Transplant(
        event_id=event_id,
        facility="ucd-01",
        patient="p1",
        occurred_on=day,
        transplant_type=transplant_type,
    )


def test_two_organs_on_one_day_are_one_course_and_a_later_one_closes_it() -> None:
    """
    2020-01-01  kidney, pancreas
    2021-05-01  kidney again
    """
    found = courses(
        [
            transplant("t3", date(2021, 5, 1), "kidney"),
            transplant("t2", date(2020, 1, 1), "pancreas"),
            transplant("t1", date(2020, 1, 1), "kidney"),
        ]
    )
    assert [course.transplant_type for course in found] == ["kidney+pancreas", "kidney"]
    assert found[0].transplant.event_id == "t2"
    assert date.fromordinal(found[0].last_possible_day) == date(2021, 4, 30)


def test_an_infection_that_comes_before_its_transplant_event_waits_for_it() -> None:
    """
    2020-02-01  M. abscessus, and no transplant reported yet
    """
    infection = Infection(
        event_id="i1",
        facility="ucd-01",
        patient="p1",
        occurred_on=date(2020, 2, 1),
        finding=Finding(infection_type="ntm", organism="Mycobacterium abscessus"),
    )
    alone = contributions([infection], FollowUpRules())
    assert not alone.segments
    assert [(e.counted, e.course_index_day) for e in alone.episodes] == [(False, None)]

    index = transplant("t1", date(2020, 1, 1), "allo_hsct")
    (counted,) = contributions([infection, index], FollowUpRules()).episodes
    assert counted.counted
