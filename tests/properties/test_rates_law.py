"""Rates tell what counting day by day tells, for any cohort, definition and state of knowledge.

In:     random cohorts in a real store; random definitions; the auditor's `day_by_day`.
Out:    passes while the ledger's rates = counting = their own explanation = their own parts.
Source: docs/methods.md 3 to 6; docs/api-rates.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.days import Days
from service.domain.events import AnyEvent
from service.domain.figures import DENOMINATOR, DIMENSIONS, NUMERATOR, RateDefinition
from service.domain.windows import calendar_windows
from service.errors import BadQuery
from service.pipeline.explain import explain
from service.pipeline.rates import RateRow, rate_table, rate_tables
from service.reference import INFECTION_TYPES
from service.store import sums
from service.store.events import PatientKey
from tests.properties.day_by_day import (
    CASE_DEFINITIONS,
    Count,
    CountedEpisode,
    DayAtRisk,
    Definition,
    count_day_by_day,
)
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
START = FIRST_DAY.toordinal()
LAST = START + 4000

Cohort = Mapping[tuple[str, str], Sequence[AnyEvent]]
Key = tuple[tuple[str, str], ...]
"""A stratum: its dimensions by name."""


# --- What may be asked ---------------------------------------------------------------------------

VALUES: Mapping[str, Sequence[str]] = {
    "facility": ("F1", "F2"),
    "transplant_type": ("kidney", "lung", "kidney+pancreas"),
    "indication": ("unknown", "fibrosis"),
    "age_group": ("0-17", "60+", "unknown"),
    "sex": ("female", "unknown"),
    "phase": ("0-30", "31-100", "366+"),
    "regimen": ("none", "unrecorded", "tacrolimus"),
    "agent": ("tacrolimus", "sirolimus"),
    "organism": ("Mycobacterium avium", "unknown"),
    "organism_group": ("Mycobacterium avium complex", "unknown", "Cytomegalovirus"),
    "site": ("lung", "unknown"),
    "site_class": ("pulmonary", "extrapulmonary"),
    "status": ("disease", "infection", "colonisation"),
    "certainty": ("confirmed", "probable"),
    "infection_type": ("any", "ntm", "bacterial", "viral", "unknown"),
}


any_dimensions = st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True)


@st.composite
def definitions(
    draw: st.DrawFn, by: st.SearchStrategy[list[str]] = any_dimensions
) -> RateDefinition:
    """A definition that means something, as a caller might put it together."""
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True))
    start = draw(st.none() | st.integers(START - 60, START + 500))
    asked = RateDefinition(
        start_day=start,
        end_day=(start or START) + draw(st.sampled_from((0, 30, 365, 4000))),
        filters={
            name: tuple(draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, unique=True)))
            for name in names
        },
        by=tuple(draw(by)),
        episodes="all",
        person_time="follow_up",
    )
    try:
        return replace(
            asked, episodes=draw(st.sampled_from(("first", "first", "all"))), person_time="at_risk"
        )
    except BadQuery:
        return asked  # what has no time at risk of its own has follow-up


# --- The same, counted by hand -------------------------------------------------------------------


class DayHad(NamedTuple):
    """One person-day: whose, in which course, and what it was."""

    course: tuple[str, str, int]
    at_risk: DayAtRisk


@dataclass(frozen=True)
class Hand:
    """The auditor's books of all patients."""

    days: Mapping[int, Sequence[DayHad]]
    episodes: Sequence[CountedEpisode]


class Figure(NamedTuple):
    """What a row says."""

    cases: int
    person_days: int
    recipients: int


def by_hand(cohort: Cohort, definitions: Mapping[str, Definition] = CASE_DEFINITIONS) -> Hand:
    days: dict[int, list[DayHad]] = defaultdict(list)
    episodes: list[CountedEpisode] = []
    for (facility, patient), history in cohort.items():
        count: Count = count_day_by_day(stored(history), 90, definitions)
        episodes += count.episodes
        for number, at_risk in count.days.items():
            days[number].append(DayHad((facility, patient, at_risk.index_day), at_risk))
    return Hand(days, episodes)


def figures_by_hand(
    hand: Hand, asked: RateDefinition, infection_type: str, by: Sequence[str]
) -> dict[Key, Figure]:
    """Rows of one infection type or of `any`, in the plainest way."""
    person_days: Counter[Key] = Counter()
    courses: dict[Key, set[tuple[str, str, int]]] = defaultdict(set)
    colonised = ":colonisation" if asked.statuses == ("colonisation",) else ""
    set_name = "first" if asked.episodes == "first" else "repeat"
    not_at_risk = f"not_at_risk_{set_name}:{infection_type}{colonised}"
    for number, had in hand.days.items():
        if not (asked.start_day or 0) <= number <= asked.end_day:
            continue
        for course, day in had:
            if asked.person_time == "at_risk" and not_at_risk in day.not_at_risk:
                continue
            for key in keys_of(day.stratum._asdict(), asked, by):
                person_days[key] += 1
                courses[key].add(course)
    cases: Counter[Key] = Counter()
    for episode in hand.episodes:
        for key in case_keys(episode, asked, infection_type, by):
            cases[key] += 1
    numerator = [name for name in by if name in NUMERATOR and name != "infection_type"]
    seen = {tuple(pair for pair in key if pair[0] in numerator) for key in cases}
    found = {}
    for denominator in {*person_days, *(without(key, numerator) for key in cases)}:
        for values in seen if numerator else {()}:
            key = tuple(sorted((*denominator, *values)))
            found[key] = Figure(cases[key], person_days[denominator], len(courses[denominator]))
    return found


def case_keys(
    episode: CountedEpisode, asked: RateDefinition, infection_type: str, by: Sequence[str]
) -> Iterator[Key]:
    """The rows an episode is a case of."""
    if episode.stratum is None or not (asked.start_day or 0) <= episode.onset_day <= asked.end_day:
        return
    named_together = asked.infection_types if asked.episodes == "all" else ()
    types = (named_together or INFECTION_TYPES) if infection_type == "any" else (infection_type,)
    if episode.infection_type not in types:
        return
    is_first = episode.first_of_any if infection_type == "any" else episode.first_of_type
    if asked.episodes == "first" and not is_first:
        return
    values = {name: getattr(episode, name) or "unknown" for name in NUMERATOR}
    wanted = {**asked.filters, "status": asked.statuses}
    if any(values[n] not in wanted[n] for n in NUMERATOR if n in wanted and n != "infection_type"):
        return
    numerator = [name for name in by if name in NUMERATOR and name != "infection_type"]
    own = [(name, values[name]) for name in numerator]
    for key in keys_of(episode.stratum._asdict(), asked, by):
        yield tuple(sorted((*key, *own)))


def keys_of(stratum: Mapping[str, str], asked: RateDefinition, by: Sequence[str]) -> list[Key]:
    """The denominator rows a stratum belongs to: none if filtered out, one, or one an agent."""
    agents = [a for a in stratum["regimen"].split("+") if a not in ("none", "unrecorded")]
    for name in DENOMINATOR:
        if name in asked.filters and stratum[name] not in asked.filters[name]:
            return []
    if "agent" in asked.filters and not set(agents) & set(asked.filters["agent"]):
        return []
    base = [(name, stratum[name]) for name in by if name in DENOMINATOR]
    if "agent" in by:
        return [tuple(sorted((*base, ("agent", agent)))) for agent in agents]
    return [tuple(sorted(base))]


def without(key: Key, names: Sequence[str]) -> Key:
    return tuple(pair for pair in key if pair[0] not in names)


def told(rows: Sequence[RateRow]) -> dict[Key, Figure]:
    """What the product says, by stratum."""
    return {tuple(sorted(row.stratum.items())): figure(row) for row in rows}


def figure(row: RateRow) -> Figure:
    return Figure(row.estimate.cases, row.estimate.person_days, row.recipients or 0)


@pytest.fixture(params=[False, True], ids=["from the database", "from memory"])
def in_memory(request: pytest.FixtureRequest) -> bool:
    """Where the sums are read: both tell the same."""
    return bool(request.param)


# --- The law -------------------------------------------------------------------------------------


@law
@given(st.data())
def test_rates_are_what_counting_day_by_day_says(
    migrated_url: str, in_memory: bool, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    hand = by_hand(cohort)
    arrived = stored(data.draw(interleaved(cohort)))
    with recorded(migrated_url, in_batches(data, arrived), in_memory=in_memory) as kept:
        for asked in data.draw(st.lists(definitions(), min_size=4, max_size=8)):
            with kept.database.read() as connection:
                table = rate_table(connection, asked, with_recipients=True)
            expected: dict[Key, Figure] = {}
            for group in asked.groups:
                rows = figures_by_hand(hand, asked, group.infection_type, asked.by)
                named = "infection_type" in asked.by
                extra = [("infection_type", group.infection_type)] if named else []
                expected |= {tuple(sorted((*key, *extra))): row for key, row in rows.items()}
            assert told(table.rows) == expected
            total = asked.total
            assert (table.total is None) == (total is None)
            if table.total and total:
                over_all = figures_by_hand(hand, asked, total.infection_type, ())
                assert figure(table.total) == over_all.get((), Figure(0, 0, 0))


@law
@given(st.data())
def test_what_was_told_is_told_again_as_of_then(
    migrated_url: str, in_memory: bool, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts(max_patients=3))
    batches = in_batches(data, stored(data.draw(interleaved(cohort))))
    questions = data.draw(st.lists(definitions(), min_size=2, max_size=3))
    with recorded(migrated_url, in_memory=in_memory) as kept:
        told_then = []
        for batch in batches:
            position = kept.record(batch)
            for asked in questions:
                with kept.database.read() as connection:
                    told_then.append(
                        (position, asked, rate_table(connection, asked, with_recipients=True))
                    )
        for position, asked, table in told_then:
            with kept.database.read() as connection:
                again = rate_table(connection, asked, position=position, with_recipients=True)
            assert again == table


@law
@given(st.data())
def test_strata_add_up_to_the_whole(
    migrated_url: str, in_memory: bool, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    arrived = stored(data.draw(interleaved(cohort)))
    with recorded(migrated_url, [arrived], in_memory=in_memory) as kept:
        for dimension in DIMENSIONS:
            asked = data.draw(definitions(by=st.just([dimension])))
            with kept.database.read() as connection:
                table = rate_table(connection, asked)
            assert asked.additive == (dimension != "agent" and not own_times(asked))
            if table.total is None or not asked.additive:
                continue
            assert sum(row.estimate.cases for row in table.rows) == table.total.estimate.cases
            days = [row.estimate.person_days for row in table.rows]
            if dimension in DENOMINATOR:
                assert sum(days) == table.total.estimate.person_days
            else:
                assert set(days) <= {table.total.estimate.person_days}, "one denominator for all"


def own_times(asked: RateDefinition) -> bool:
    """Has each row a time at risk of its own?"""
    return asked.by == ("infection_type",) and asked.person_time == "at_risk"


@law
@given(st.data())
def test_windows_add_up_to_the_whole(
    migrated_url: str, in_memory: bool, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    arrived = stored(data.draw(interleaved(cohort)))
    with recorded(migrated_url, [arrived], in_memory=in_memory) as kept:
        for interval in ("week", "month", "quarter", "year"):
            asked = data.draw(definitions())
            with kept.database.read() as connection:
                first = sums.first_day(connection, asked.filters)
                start = asked.start_day or first or START
                if start > asked.end_day:
                    continue
                end = min(asked.end_day, start + 800)
                asked = replace(asked, start_day=start, end_day=end)
                whole = rate_table(connection, asked)
                parts, sums_so_far = (
                    rate_tables(
                        connection,
                        asked,
                        [
                            w.days
                            for w in calendar_windows(interval, start, end, cumulative=cumulative)
                        ],
                    )
                    for cumulative in (False, True)
                )
            for row in (*whole.rows, *([whole.total] if whole.total else [])):
                pieces = [of_stratum(part, row) for part in parts]
                cases = sum(piece.estimate.cases for piece in pieces)
                days = sum(piece.estimate.person_days for piece in pieces)
                assert (cases, days) == (row.estimate.cases, row.estimate.person_days)
                assert of_stratum(sums_so_far[-1], row).estimate == row.estimate


def of_stratum(table: object, row: RateRow) -> RateRow:
    """The row of the same stratum; the total where the row is one."""
    rows = [*table.rows, *([table.total] if table.total else [])]  # type: ignore[attr-defined]
    return next(one for one in reversed(rows) if one.stratum == row.stratum)


@law
@given(st.data())
def test_an_explanation_adds_up_to_the_rate_it_explains(
    migrated_url: str, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    batches = in_batches(data, stored(data.draw(interleaved(cohort))))
    with recorded(migrated_url, in_memory=in_memory) as kept:
        positions = [kept.record(batch) for batch in batches]
        for asked in data.draw(st.lists(definitions(by=st.just([])), min_size=3, max_size=6)):
            position = data.draw(st.sampled_from(positions))
            with kept.database.read() as connection:
                table = rate_table(connection, asked, position=position, with_recipients=True)
                person_days = cases = courses = 0
                after: PatientKey | None = None
                seen: list[PatientKey] = []
                while True:
                    page = explain(
                        connection, kept.rules, asked, position=position, after=after, limit=1
                    )
                    person_days += page.person_days
                    cases += page.cases
                    courses += sum(
                        course.person_days > 0
                        for patient in page.patients.values()
                        for course in patient.courses
                    )
                    seen += page.patients
                    after = page.next_after
                    if after is None:
                        break
            assert len(seen) == len(set(seen))
            assert table.total is not None
            assert figure(table.total) == Figure(cases, person_days, courses)


@pytest.mark.parametrize("interval", ["day", "week", "month", "quarter", "year"])
@given(start=st.integers(1, LAST), length=st.integers(0, 900))
def test_windows_are_all_days_each_once(interval: str, start: int, length: int) -> None:
    windows = list(calendar_windows(interval, start, start + length))  # type: ignore[arg-type]
    assert [day for w in windows for day in range(w.days.start_day, w.days.end_day + 1)] == list(
        range(start, start + length + 1)
    )
    assert all(not w.partial for w in windows[1:-1])
    running = list(
        calendar_windows(interval, start, start + length, cumulative=True)  # type: ignore[arg-type]
    )
    assert [w.days for w in running] == [Days(start, w.days.end_day) for w in windows]
    assert [(w.name, w.partial) for w in running] == [(w.name, w.partial) for w in windows]


def in_batches(data: st.DataObject, events: Sequence[AnyEvent]) -> list[list[AnyEvent]]:
    """The events in order of receipt, cut anywhere."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(events)), max_size=4)))
    edges = [0, *cuts, len(events)]
    return [list(events[a:b]) for a, b in pairwise(edges) if a < b] or [[]]
