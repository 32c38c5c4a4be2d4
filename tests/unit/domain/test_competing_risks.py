"""A course as cumulative incidence sees it: each docstring is the chart, the index date day 0."""

import doctest

import pytest

from service.domain import competing_risks
from service.domain.competing_risks import CASE, CENSORED, CourseHistory, incidence_rows
from service.domain.days import Days


def rows(history, first_case=None, competing=("died", "relapsed"), end_day=900):
    return [tuple(row) for row in incidence_rows(history, first_case, competing, end_day)]


def course(*runs, **marks):
    return CourseHistory("ucd-01", "p1", 0, at_risk=[Days(*run) for run in runs], marks=marks)


def test_the_worked_examples_hold():
    ran = doctest.testmod(competing_risks)
    assert ran.attempted
    assert not ran.failed


def test_a_relapse_in_a_gap_keeps_the_patient_from_coming_back_as_well():
    """0-60 seen; 70 relapsed elsewhere; 80-200 seen."""
    history = course((0, 60), (80, 200), relapsed=70)
    assert rows(history) == [(-1, 60, CENSORED)]
    assert rows(history, competing=["died"]) == [(-1, 60, CENSORED), (79, 200, CENSORED)]


def test_infected_and_dead_on_one_day_is_a_case():
    """0-30 seen; infected and died on day 30."""
    assert rows(course((0, 30), died=30), (30, CASE)) == [(-1, 30, CASE)]


@pytest.mark.parametrize(("end_day", "last"), [(29, (-1, 29, CENSORED)), (30, (-1, 30, "died"))])
def test_nothing_is_known_beyond_the_end(end_day, last):
    assert rows(course((0, 30), died=30), end_day=end_day) == [last]


def test_a_course_never_at_risk_has_no_row():
    assert rows(course()) == []
