"""Cumulative incidence from the ledger is what a walk through each patient's days gives.

In:     random cohorts in a real store, whatever the order of arrival; the auditor's `day_by_day`.
Out:    passes while product limits over days counted by hand = the curves of the ledger.
Source: docs/methods.md 5; docs/api-rates.md, cumulative incidence.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.figures import RateDefinition
from service.errors import BadQuery
from service.pipeline.cumulative_incidence import (
    COMPETING,
    IncidenceChoice,
    IncidenceFigure,
    incidence_table,
)
from service.pipeline.mean_cumulative import MeanChoice, mean_table
from tests.properties.day_by_day import Count, DayAtRisk, count_day_by_day
from tests.properties.histories import FIRST_DAY, cohorts, interleaved, stored
from tests.properties.recorded import recorded

law = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
END = FIRST_DAY.toordinal() + 4000
FIXED = ("facility", "transplant_type", "sex")


def ends_of(day: DayAtRisk, competing: Sequence[str]) -> bool:
    """Does something that competes happen on the day?"""
    happens = {
        "death": day.is_death,
        "retransplant": day.is_last_before_transplant,
        "relapse": day.is_first_relapse,
        "graft_failure": day.is_first_graft_failure,
    }
    return any(happens[name] for name in competing)


def lives(count: Count, infection_type: str, competing: Sequence[str]) -> dict[int, dict[int, str]]:
    """By course, what each day at risk was: `quiet`, `case`, or `other` where something else came.

    The days after the first of these are not at risk any more.
    """
    cases = {
        (episode.course_index_day, episode.onset_day)
        for episode in count.episodes
        if episode.counted
        and (episode.first_of_any if infection_type == "any" else episode.first_of_type)
        and infection_type in ("any", episode.infection_type)
        and episode.status != "colonisation"
    }
    found: dict[int, dict[int, str]] = defaultdict(dict)
    over: set[int] = set()
    for number, day in sorted(count.days.items()):
        course = day.index_day
        if course in over:
            continue
        is_case = (course, number) in cases
        is_other = ends_of(day, competing)
        if is_case or is_other:
            over.add(course)
        if f"not_at_risk_first:{infection_type}" not in day.not_at_risk:
            found[course][number - course] = "case" if is_case else "other" if is_other else "quiet"
    return found


def product_limit(courses: Sequence[Mapping[int, str]], horizon: int) -> tuple[float, int, int]:
    """Aalen-Johansen by the day; the cases and person-days up to the horizon."""
    free, incidence = 1.0, 0.0
    tally = Counter((day, what) for course in courses for day, what in course.items())
    person_days = cases = 0
    for day in range(horizon + 1):
        quiet, case, other = (tally[day, what] for what in ("quiet", "case", "other"))
        at_risk = quiet + case + other
        person_days, cases = person_days + at_risk, cases + case
        if at_risk:
            incidence += free * case / at_risk
            free *= quiet / at_risk
    return incidence, cases, person_days


@law
@given(st.data())
def test_the_ledger_tells_what_a_walk_through_the_days_gives(
    migrated_url: str, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    counts = {whose: count_day_by_day(events, 90) for whose, events in cohort.items()}
    with recorded(migrated_url, [stored(data.draw(interleaved(cohort)))]) as kept:
        for _ in range(4):
            infection_type = data.draw(st.sampled_from(["any", "bacterial", "ntm", "viral"]))
            competing = tuple(data.draw(st.sets(st.sampled_from(sorted(COMPETING)))) | {"death"})
            by = data.draw(st.sampled_from([(), *((name,) for name in FIXED)]))
            horizon = data.draw(st.integers(0, 400))
            definition = RateDefinition(
                None, END, filters={"infection_type": (infection_type,)}, by=by
            )
            with kept.database.read() as connection:
                choice = IncidenceChoice(horizon, competing)
                try:
                    table = incidence_table(connection, definition, choice)
                except BadQuery:  # the horizon lies beyond any follow-up
                    continue
            groups: dict[tuple[str, ...], list[Mapping[int, str]]] = defaultdict(list)
            for count in counts.values():
                for course, life in lives(count, infection_type, competing).items():
                    (stratum,) = {
                        tuple(getattr(day.stratum, name) for name in by)
                        for day in count.days.values()
                        if day.index_day == course
                    }
                    groups[stratum].append(life)
            told = {tuple(row.stratum[name] for name in by): row for row in table.rows}
            for stratum, row in told.items():
                assert_same(row, groups[stratum], horizon)
            assert table.total is not None
            assert_same(table.total, [life for of in groups.values() for life in of], horizon)
            assert sum(row.recipients for row in told.values()) == table.total.recipients


def assert_same(row: IncidenceFigure, courses: Sequence[Mapping[int, str]], horizon: int) -> None:
    incidence, cases, person_days = product_limit(courses, horizon)
    assert (row.found.events, row.rate.person_days) == (cases, person_days)
    assert row.recipients == sum(any(day <= horizon for day in life) for life in courses)
    if row.found.estimate is not None:
        assert row.found.estimate == pytest.approx(incidence, rel=1e-12, abs=1e-15)


@law
@given(st.data())
def test_the_mean_number_of_infections_is_what_the_days_give(
    migrated_url: str, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    counts = [count_day_by_day(events, 90) for events in cohort.values()]
    with recorded(migrated_url, [stored(data.draw(interleaved(cohort)))]) as kept:
        for _ in range(4):
            infection_type = data.draw(st.sampled_from(["any", "bacterial", "ntm", "viral"]))
            horizon = data.draw(st.integers(0, 400))
            estimator = data.draw(st.sampled_from(["nelson_aalen", "ghosh_lin"]))
            asked = RateDefinition(
                None,
                END,
                filters={"infection_type": (infection_type,)},
                episodes="all",
                person_time="follow_up",
            )
            with kept.database.read() as connection:
                choice = MeanChoice(horizon, estimator)
                try:
                    total = mean_table(connection, asked, choice).total
                except BadQuery:  # the horizon lies beyond any follow-up
                    continue
            mean, episodes, person_days = mean_by_hand(counts, infection_type, horizon, estimator)
            assert (total.found.events, total.rate.person_days) == (episodes, person_days)
            if total.found.estimate is not None:
                assert total.found.estimate == pytest.approx(mean, rel=1e-12, abs=1e-15)


def mean_by_hand(
    counts: Sequence[Count], infection_type: str, horizon: int, estimator: str
) -> tuple[float, int, int]:
    """Day by day since the index date: episodes over those at risk, times those still alive."""
    at_risk, dying, ill = Counter[int](), Counter[int](), Counter[int]()
    for count in counts:
        for number, day in count.days.items():
            at_risk[number - day.index_day] += 1
            dying[number - day.index_day] += day.is_death
        for episode in count.episodes:
            wanted = infection_type in ("any", episode.infection_type)
            if episode.counted and wanted and episode.status != "colonisation":
                assert episode.course_index_day is not None
                ill[episode.onset_day - episode.course_index_day] += 1
    alive, mean = 1.0, 0.0
    for day in range(horizon + 1):
        if at_risk[day]:
            mean += alive * ill[day] / at_risk[day]
            if estimator == "ghosh_lin":
                alive *= 1 - dying[day] / at_risk[day]
    days = range(horizon + 1)
    return mean, sum(ill[day] for day in days), sum(at_risk[day] for day in days)
