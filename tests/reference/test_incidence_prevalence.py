"""Incidence as OHDSI CohortIncidence and DARWIN IncidencePrevalence count it, under our settings.

In:     their own test cases, `data/incidence_prevalence_cases.shared.json`.
Out:    equal person-days, persons, outcomes and rates, from the pure domain functions.
Source: data/README.md names packages and versions.

How their words are put into ours:
- a time at risk (an era) is a course that begins on its first day, looked at until its last;
- an outcome that lasts is a record on each of its days;
- a clean window or washout of n days is `rolling` with n days, because both run from the last day
  of the last outcome; no washout is `fixed` with as many days as an outcome lasts;
- repeated events are `episodes=all` with `person_time=at_risk`, else `episodes=first`;
- who belongs to an era (age, subgroup, target cohort, study period) is decided where it begins.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import pytest

from service.domain.days import Days, overlap
from service.domain.events import AnyEvent, Finding, FollowUpVisit, Infection, Outcome, Transplant
from service.domain.explanation import ExplainedPatient, explained
from service.domain.figures import RateDefinition
from service.domain.rules import FollowUpRules
from service.domain.timeline import timeline
from service.domain.windows import Window, calendar_windows
from service.reference.case_definitions import CaseDefinition, shipped_case_definitions
from service.stats.rates import rate_estimate
from tests.reference.outside import cases, of_group

NEVER_AGAIN = 100_000
"""Days of a washout that never ends."""
NO_SILENCE = 100_000
"""Days of grace: their observation periods end where they say, not for want of news."""

NOT_COMPARED = {
    "outcomes_pe": "counts records before the clean window; with us no record is a case by itself",
    "person_outcomes_pe": "the same, by person",
    "suppress_below": "small counts are not suppressed: whoever may see rates may see small ones",
    "person_years": "rounded before dividing there, never here; the shared cases hold none",
}
"""What these cases expect and we do not say, with the reason."""


# --- Their inputs, in our words ------------------------------------------------------------------


@dataclass(frozen=True)
class Era:
    """Days at risk of one person, before any outcome is looked at."""

    person: int
    days: Days


def on(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def span(row: Mapping[str, Any]) -> Days:
    return Days(on(row["start"]), on(row["end"]))


def rules(window_days: int, lasting: int) -> FollowUpRules:
    """A clean window after an outcome that lasts so many days."""
    rule, days = ("rolling", window_days) if window_days else ("fixed", lasting)
    definition = CaseDefinition("viral", None, days, rule, "organism_group", 1, "the case")  # type: ignore[arg-type]
    return FollowUpRules(NO_SILENCE, shipped_case_definitions().replaced_by([definition]))


def counted(
    eras: Sequence[Era],
    outcomes: Sequence[Days],
    window_days: int,
    episodes: str,
    within: Days | None = None,
) -> ExplainedPatient:
    """One person's eras as one course; a gap is a loss, and a visit on the eve of the next era."""
    first, last = eras[0].days, eras[-1].days
    history: list[AnyEvent] = [
        Transplant(**stamp("index", first.start_day), transplant_type="kidney")
    ]
    for number, (era, following) in enumerate(pairwise(eras)):
        lost, seen = era.days.end_day, following.days.start_day - 1
        history += [
            Outcome(**stamp(f"lost {number}", lost), outcome="lost_to_follow_up"),
            FollowUpVisit(**stamp(f"seen {number}", seen)),
        ]
    for number, outcome in enumerate(outcomes):
        for day in range(outcome.start_day, outcome.end_day + 1):
            name = f"{number:03}-{day}"
            history.append(Infection(**stamp(name, day), finding=Finding(infection_type="viral")))
    window = within or Days(first.start_day, last.end_day)
    asked = RateDefinition(
        start_day=max(window.start_day, first.start_day),
        end_day=min(window.end_day, last.end_day),
        filters={"infection_type": ("viral",)},
        episodes=episodes,  # type: ignore[arg-type]
    )
    assert asked.total is not None
    lasting = max((o.end_day - o.start_day + 1 for o in outcomes), default=1)
    return explained(timeline(history, rules(window_days, lasting)), asked, asked.total)


def stamp(name: str, day: int) -> dict[str, Any]:
    return {
        "event_id": name,
        "facility": "f",
        "patient": "p",
        "occurred_on": date.fromordinal(day),
    }


def days_at_risk(patient: ExplainedPatient) -> set[int]:
    days: set[int] = set()
    for course in patient.courses:
        for stretch in course.follow_up:
            days |= set(range(stretch.start_day, stretch.end_day + 1))
        for stretch in course.taken_out:
            days -= set(range(stretch.start_day, stretch.end_day + 1))
    assert len(days) == patient.person_days
    return days


# --- OHDSI CohortIncidence -----------------------------------------------------------------------


def eras_of(case: Mapping[str, Any], tar: Mapping[str, Any]) -> Iterator[tuple[Era, int]]:
    """Each era with the day of the cohort entry it comes from, cut at the end of observation."""
    observed = {row["person"]: span(row) for row in case["observation_periods"]}
    for entry in case["cohort_entries"]:
        anchors = {"start": on(entry["start"]), "end": on(entry["end"])}
        start = anchors[tar["start_anchor"]] + tar["start_offset"]
        end = anchors[tar["end_anchor"]] + tar["end_offset"]
        for days in overlap(Days(start, end), [observed[entry["person"]]]):
            yield Era(entry["person"], days), on(entry["start"])


def belongs(case: Mapping[str, Any], row: Mapping[str, Any], era: Era, entered: int) -> bool:
    """Is the era in the row's stratum? Age, sex, year and subgroup are those of its beginning."""
    person = next(one for one in case["persons"] if one["person"] == era.person)
    start = date.fromordinal(era.days.start_day)
    if row["subgroup_id"] and not any(
        entry["person"] == era.person
        and entry["subgroup"] == row["subgroup_id"]
        and entered in span(entry)
        for entry in case["subgroup_entries"]
    ):
        return False
    if row.get("sex") not in (None, person["sex"]):
        return False
    if row.get("start_year") not in (None, start.year):
        return False
    if row.get("age_group_id") is None:
        return True
    age = start.year - person["year_of_birth"]
    group = 1 + sum(age >= cut for cut in case["strata_settings"]["ageBreaks"])
    return bool(row["age_group_id"] == group)


@pytest.mark.parametrize(
    "case", cases("incidence_prevalence_cases", of_group("OHDSI CohortIncidence"))
)
def test_cohort_incidence(case: dict[str, Any]) -> None:
    given = case["input"]
    for row in case["expected"]["rows"]:
        tar = next(t for t in given["time_at_risk_definitions"] if t["tar_id"] == row["tar_id"])
        outcome = next(
            o for o in given["outcome_definitions"] if o["outcome_id"] == row["outcome_id"]
        )
        eras = [era for era, at in eras_of(given, tar) if belongs(given, row, era, at)]
        found = {
            era: counted(
                [era],
                [
                    span(o)
                    for o in given["outcomes"]
                    if o["person"] == era.person
                    and o["outcome_cohort"] == outcome["outcome_cohort"]
                ],
                outcome["clean_window_days"],
                "all",
            )
            for era in eras
        }
        person_days = sum(one.person_days for one in found.values())
        outcomes = sum(one.cases for one in found.values())
        estimate = rate_estimate(outcomes, person_days)
        rate = None if estimate.rate is None else rounded(estimate.rate)
        at_risk = {era.person for era, one in found.items() if one.person_days}
        with_outcome = {era.person for era, one in found.items() if one.cases}
        assert {
            "persons_at_risk_pe": len({era.person for era in eras}),
            "persons_at_risk": len(at_risk),
            "person_days_pe": sum(e.days.end_day - e.days.start_day + 1 for e in eras),
            "person_days": person_days,
            "person_outcomes": len(with_outcome),
            "outcomes": outcomes,
            "incidence_proportion_p100p": (
                100 * len(with_outcome) / len(at_risk) if at_risk else None
            ),
            "incidence_rate_p100py": rate,
        } == {name: row[name] for name in row if name in FIELDS}


def rounded(rate: float) -> float:
    """Four decimals, halves upwards, as theirs are printed: 1141.40625 is 1141.4063."""
    return float(Decimal(rate).quantize(Decimal("0.0001"), ROUND_HALF_UP))


FIELDS = {
    "persons_at_risk_pe",
    "persons_at_risk",
    "person_days_pe",
    "person_days",
    "person_outcomes",
    "outcomes",
    "incidence_proportion_p100p",
    "incidence_rate_p100py",
}
WHICH_ROW = {"tar_id", "subgroup_id", "outcome_id", "age_group_id", "sex", "start_year"}


# --- DARWIN IncidencePrevalence ------------------------------------------------------------------


def denominator(case: Mapping[str, Any]) -> dict[int, list[Era]]:
    """Each person's eras: observed, in the target cohort, of the age, in the period, uncensored."""
    births = {row["person"]: date.fromisoformat(row["birth_date"]) for row in case["persons"]}
    limits = case["denominator"]
    start, end = limits.get("date_range", (None, None))
    period = Days(on(start) if start else 0, on(end) if end else on("2100-01-01"))
    censored = {row["person"]: on(row["start"]) for row in case.get("censor_cohort", ())}
    eras: dict[int, list[Era]] = {}
    for row in case.get("target_cohort") or case["observation_periods"]:
        person = row["person"]
        youngest, oldest = limits.get("age_group", (0, 150))
        born = births[person]
        of_age = Days(
            born.replace(year=born.year + youngest).toordinal(),
            born.replace(year=born.year + oldest + 1).toordinal() - 1,
        )
        days = span(row)
        days = Days(days.start_day, min(days.end_day, censored.get(person, days.end_day)))
        for both in overlap(days, [period]):
            for era in overlap(both, [of_age]):
                eras.setdefault(person, []).append(Era(person, era))
    return eras


@dataclass(frozen=True)
class Interval:
    """One calendar period, or all of the study: who was at risk on which days, and outcomes."""

    days: Days
    at_risk: Mapping[int, set[int]]
    outcomes: int

    @property
    def persons(self) -> int:
        return sum(bool(days) for days in self.at_risk.values())

    @property
    def person_days(self) -> int:
        return sum(len(days) for days in self.at_risk.values())


def intervals(case: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Interval]:
    """The study's intervals up to the last day on which anybody is at risk."""
    eras = denominator(case)
    washout = settings["outcome_washout_days"]
    window_days = NEVER_AGAIN if washout == "Infinity" else washout
    study = Days(
        min(one.days.start_day for person in eras.values() for one in person),
        max(one.days.end_day for person in eras.values() for one in person),
    )
    found = [
        Interval(
            window.days,
            *tallied(case, eras, window.days, window_days, repeated=settings["repeated_events"]),
        )
        for window in cut(settings["interval"], study)
        if not (settings["complete_database_intervals"] and window.partial)
    ]
    while found and not found[-1].person_days:
        found.pop()
    return found


def cut(interval: str, study: Days) -> Iterable[Window]:
    if interval == "overall":
        return [Window("overall", study, partial=False)]
    return calendar_windows(interval.removesuffix("s"), *study)  # type: ignore[arg-type]


def tallied(
    case: Mapping[str, Any],
    eras: Mapping[int, list[Era]],
    window: Days,
    window_days: int,
    *,
    repeated: bool,
) -> tuple[dict[int, set[int]], int]:
    """Days at risk by person, and outcomes, within a window."""
    at_risk: dict[int, set[int]] = {}
    outcomes = 0
    for person, own in eras.items():
        had = [span(row) for row in case["outcomes"] if row["person"] == person]
        # The first outcome is one of the person's: all eras are one course. Repeated ones are
        # counted era by era, so that an outcome between two of them re-opens nothing.
        parts = [[era] for era in own] if repeated else [own]
        for part in parts:
            if part[0].days.start_day > window.end_day or part[-1].days.end_day < window.start_day:
                continue
            episodes = "all" if repeated else "first"
            found = counted(part, had, window_days, episodes, within=window)
            at_risk.setdefault(person, set()).update(days_at_risk(found))
            outcomes += found.cases
    return at_risk, outcomes


SAYS = {
    "total_events": lambda found: sum(one.outcomes for one in found),
    "total_person_days": lambda found: sum(one.person_days for one in found),
    "n_intervals": len,
    "n_persons": lambda found: len(
        {person for one in found for person, days in one.at_risk.items() if days}
    ),
    "n_persons_by_interval": lambda found: [one.persons for one in found],
    "events_by_interval": lambda found: [one.outcomes for one in found],
    "interval_start": lambda found: first_and_last(found)[0],
    "interval_end": lambda found: first_and_last(found)[1],
}
"""Expectations that one run answers by itself."""


def first_and_last(found: Sequence[Interval]) -> tuple[str, str]:
    days = {day for one in found for own in one.at_risk.values() for day in own}
    return date.fromordinal(min(days)).isoformat(), date.fromordinal(max(days)).isoformat()


@pytest.mark.parametrize("case", cases("incidence_prevalence_cases", lambda case: "runs" in case))
def test_incidence_prevalence(case: dict[str, Any]) -> None:
    runs = [
        (run, intervals(case["input"], run["settings"]))
        for run in case["runs"]
        if "suppress_below" not in run["settings"]
    ]
    assert runs
    for run, found in runs:
        for name, expected in run["expected"].items():
            if name in SAYS:
                assert SAYS[name](found) == expected, name  # type: ignore[operator]
            else:
                holds(name, expected, found, runs)


def holds(
    name: str,
    expected: Any,
    found: Sequence[Interval],
    runs: Sequence[tuple[Mapping[str, Any], Sequence[Interval]]],
) -> None:
    """Expectations of another form than `name == value`."""
    if name == "events_first_intervals":
        assert [one.outcomes for one in found][: len(expected)] == expected
    elif name == "n_persons_every_interval":
        assert {one.persons for one in found} == {expected}
    elif name == "n_intervals_at_least":
        assert len(found) >= expected
    elif name == "total_events_and_person_days_equal_run":
        other = runs[expected][1]
        for total in (SAYS["total_events"], SAYS["total_person_days"]):
            assert total(found) == total(other)  # type: ignore[operator]
    else:
        assert name == "person_days_greater_than_run_with_washout"
        [other] = [
            of_run for run, of_run in runs if run["settings"]["outcome_washout_days"] == expected
        ]
        total = SAYS["total_person_days"]
        assert total(found) > total(other)  # type: ignore[operator]


def test_what_is_not_compared_is_told_and_nothing_else_is_left_out() -> None:
    fields: set[str] = set()
    for case in cases("incidence_prevalence_cases"):
        content = case.values[0]
        for row in content.get("expected", {}).get("rows", ()):
            fields |= set(row) - WHICH_ROW
    assert fields == FIELDS | {"outcomes_pe", "person_outcomes_pe"}
    assert {"outcomes_pe", "person_outcomes_pe", "suppress_below"} < set(NOT_COMPARED)
