"""Courses: what a transplant opens, and what a chart without one holds."""

from datetime import date

from service.domain.contributions import contributions
from service.domain.courses import courses
from service.domain.events import Demographics, Finding, Infection, Transplant
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


def test_the_person_s_age_and_sex_fill_in_what_the_transplant_does_not_say() -> None:
    who = {"facility": "ucd-01", "patient": "p1"}
    silent = Transplant(event_id="1", occurred_on=date(2024, 1, 1), transplant_type="kidney", **who)
    stated = Transplant(
        event_id="2",
        occurred_on=date(2025, 1, 1),
        transplant_type="kidney",
        age_years=17,
        sex="male",
        **who,
    )
    born = date(1960, 1, 1)
    person = Demographics(event_id="3", occurred_on=born, birth_year=1960, sex="female", **who)

    first, second = courses([silent, stated, person])

    assert (first.age_group, first.transplant.sex) == ("60+", "female")
    assert (second.age_group, second.transplant.sex) == ("0-17", "male")


def test_nobody_is_born_after_their_transplant() -> None:
    who = {"facility": "ucd-01", "patient": "p1", "occurred_on": date(2024, 1, 1)}
    transplant = Transplant(event_id="1", transplant_type="kidney", **who)
    person = Demographics(event_id="2", birth_year=2025, **who)

    (course,) = courses([transplant, person])

    assert course.age_group == "unknown"
