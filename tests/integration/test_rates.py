"""Rates on a real store: states with nothing between them, and what sums alone cannot tell."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service.domain.days import Days
from service.domain.events import AnyEvent, Finding, Infection, Outcome, Regimen, Transplant
from service.domain.figures import RateDefinition
from service.errors import BadQuery
from service.pipeline.as_of import known_at
from service.pipeline.explain import explain
from service.pipeline.rates import MOST_ROWS, rate_table, rate_tables
from service.store import sums
from service.store.events import PatientKey
from tests.properties.recorded import FIRST_INSTANT, Recorded, recorded

INDEX = date(2024, 1, 1)
YEAR = RateDefinition(INDEX.toordinal(), INDEX.toordinal() + 365)


def stamp(patient: str, day: int, name: str, facility: str = "f") -> dict[str, Any]:
    return {
        "event_id": f"{patient}-{name}-{day}",
        "facility": facility,
        "patient": patient,
        "occurred_on": INDEX + timedelta(days=day),
    }


def transplanted(patient: str, day: int = 0, facility: str = "f") -> AnyEvent:
    return Transplant(**stamp(patient, day, "t", facility), transplant_type="kidney")


def on(patient: str, day: int, *agents: str) -> AnyEvent:
    return Regimen(**stamp(patient, day, "r"), agents=agents)


def ill(patient: str, day: int, infection_type: str = "ntm") -> AnyEvent:
    return Infection(**stamp(patient, day, "i"), finding=Finding(infection_type=infection_type))


def ended(patient: str, day: int) -> AnyEvent:
    return Outcome(**stamp(patient, day, "o"), outcome="withdrawn")


@pytest.fixture
def kept(migrated_url: str) -> Iterator[Recorded]:
    with recorded(migrated_url) as kept:
        yield kept


def test_no_state_lies_within_a_transaction(kept: Recorded) -> None:
    """Events of one batch become known together: position 4 speaks for position 3."""
    kept.record([transplanted("p1"), on("p1", 0, "tacrolimus"), ill("p1", 10)])
    kept.record([transplanted("p2"), ended("p2", 9)])
    with kept.database.read() as connection:
        states = [known_at(connection, kept.surveillance, asked) for asked in range(6)]
        assert [state.position for state in states] == [0, 0, 0, 3, 3, 5]
        assert [state.past_position for state in states] == [0, 0, 0, 3, 3, None]
        asked = RateDefinition(None, YEAR.end_day, {"infection_type": ("ntm",)})
        for state in states:
            table = rate_table(connection, asked, position=state.past_position)
            page = explain(
                connection, kept.rules, asked, position=state.position, after=None, limit=10
            )
            assert table.total is not None
            assert table.total.estimate.person_days == page.person_days


def test_an_instant_is_the_state_then_and_ends_that_day(kept: Recorded) -> None:
    kept.record([transplanted("p1")])
    kept.record([ended("p1", 9)])
    with kept.database.read() as connection:
        for instant, position in [
            (FIRST_INSTANT, 0),
            (FIRST_INSTANT + timedelta(days=1), 1),
            (FIRST_INSTANT + timedelta(days=1, hours=23), 1),
            (FIRST_INSTANT + timedelta(days=400), 2),
        ]:
            state = known_at(connection, kept.surveillance, instant)
            assert state.position == position
            assert state.latest_day == min(instant.date(), kept.surveillance.today())
        with pytest.raises(BadQuery):
            known_at(connection, kept.surveillance, 3)


def test_a_course_counts_once_under_an_agent_however_often_its_regimen_changes(
    kept: Recorded,
) -> None:
    """
    p1   tacrolimus; from day 51 with mycophenolate; from day 101 nothing
    p2   sirolimus
    """
    kept.record([transplanted("p1"), on("p1", 0, "tacrolimus")])
    kept.record([on("p1", 50, "mycophenolic acid", "tacrolimus"), on("p1", 100)])
    kept.record([transplanted("p2"), on("p2", 0, "sirolimus")])
    by_agent = RateDefinition(YEAR.start_day, YEAR.end_day, by=("agent", "phase"))
    with kept.database.read() as connection:
        table = rate_table(connection, by_agent, with_recipients=True)
    early = {
        row.stratum["agent"]: row.recipients
        for row in table.rows
        if row.stratum["phase"] == "31-100"
    }
    assert early == {"tacrolimus": 1, "mycophenolic acid": 1, "sirolimus": 1}
    assert table.total is not None
    assert table.total.recipients == 2
    only_with_mycophenolate = RateDefinition(
        YEAR.start_day, YEAR.end_day, {"agent": ("mycophenolic acid",)}, by=("agent",)
    )
    with kept.database.read() as connection:
        table = rate_table(connection, only_with_mycophenolate, with_recipients=True)
    assert {row.stratum["agent"]: row.recipients for row in table.rows} == {
        "tacrolimus": 1,
        "mycophenolic acid": 1,
    }


def test_recipients_after_their_first_episode_are_no_longer_at_risk(kept: Recorded) -> None:
    kept.record([transplanted("p1"), ill("p1", 10), transplanted("p2")])
    later = RateDefinition(
        YEAR.start_day and YEAR.start_day + 11, YEAR.end_day, {"infection_type": ("ntm",)}
    )
    with kept.database.read() as connection:
        table = rate_table(connection, later, with_recipients=True)
    assert table.total is not None
    assert table.total.recipients == 1


def test_the_first_day_at_risk_is_that_of_the_population(kept: Recorded) -> None:
    then = kept.record([transplanted("p1", 100)])
    kept.record([transplanted("p1", 50, facility="g"), on("p1", 100, "tacrolimus")])
    with kept.database.read() as connection:

        def first(filters: sums.Filters, position: int | None = None) -> int | None:
            day = sums.first_day(connection, filters, position=position)
            return None if day is None else day - INDEX.toordinal()

        assert first({}) == 50
        assert first({"facility": ("f",)}) == 100
        assert first({"agent": ("tacrolimus",)}) == 100
        assert first({}, position=then) == 100
        assert first({"facility": ()}) is None
        assert first({"sex": ("female",)}) is None


def test_no_facility_is_not_every_facility(kept: Recorded) -> None:
    kept.record([transplanted("p1")])
    with kept.database.read() as connection:
        nobody = RateDefinition(YEAR.start_day, YEAR.end_day, {"facility": ()})
        table = rate_table(connection, nobody, with_recipients=True)
        page = explain(connection, kept.rules, nobody, position=1, after=None, limit=10)
    assert table.total is not None
    assert (table.total.estimate.person_days, table.total.recipients) == (0, 0)
    assert page.patients == {}


def test_an_explanation_keeps_to_its_facilities_and_order(kept: Recorded) -> None:
    names = ["a", "Z", "b.1", "B-1", "b_1", "10", "9"]
    for facility in ("g", "f", "F"):
        kept.record([transplanted(name, facility=facility) for name in names])
    asked = RateDefinition(YEAR.start_day, YEAR.end_day, {"facility": ("g", "F")})
    seen: list[PatientKey] = []
    after: PatientKey | None = None
    with kept.database.read() as connection:
        while True:
            page = explain(connection, kept.rules, asked, position=21, after=after, limit=2)
            seen += page.patients
            after = page.next_after
            if after is None:
                break
    assert sorted(seen) == sorted(PatientKey(f, name) for f in ("F", "g") for name in names)


def test_the_total_of_several_types_is_of_any(kept: Recorded) -> None:
    """
    5    pneumonia, of a type that no row is asked for: the first infection of any type
    10   M. avium
    """
    kept.record([transplanted("p1"), ill("p1", 5, "bacterial"), ill("p1", 10)])
    start = INDEX.toordinal()
    types = {"infection_type": ("ntm", "viral")}
    with kept.database.read() as connection:
        table = rate_table(
            connection, RateDefinition(start, start + 50, types, by=("infection_type",))
        )
        of_any = rate_table(connection, RateDefinition(start, start + 50))
    told = {
        row.stratum["infection_type"]: (row.estimate.cases, row.estimate.person_days)
        for row in table.rows
    }
    assert told == {"ntm": (1, 11), "viral": (0, 51)}
    assert table.total is not None
    assert of_any.total is not None
    assert table.total.stratum == {"infection_type": "any"}
    assert table.total.estimate == of_any.total.estimate
    assert (table.total.estimate.cases, table.total.estimate.person_days) == (1, 6)


def test_windows_may_overlap_and_none_is_none(kept: Recorded) -> None:
    kept.record([transplanted("p1"), ill("p1", 10), ended("p1", 99)])
    start = INDEX.toordinal()
    asked = RateDefinition(
        start, start + 99, {"infection_type": ("ntm",)}, episodes="all", person_time="follow_up"
    )
    with kept.database.read() as connection:
        assert rate_tables(connection, asked, []) == []
        spans = [(0, 99), (5, 15), (10, 10), (11, 20), (200, 300)]
        tables = rate_tables(
            connection, asked, [Days(start + first, start + last) for first, last in spans]
        )
    told = [t.total and (t.total.estimate.cases, t.total.estimate.person_days) for t in tables]
    assert told == [(1, 100), (1, 11), (1, 1), (0, 10), (0, 0)]


def test_a_table_without_bound_is_refused(kept: Recorded) -> None:
    kept.record([transplanted("p1")])
    start = INDEX.toordinal()
    by_phase = RateDefinition(start, start + 365, by=("phase",))
    windows = [Days(start, start)] * (MOST_ROWS // 2)
    with kept.database.read() as connection, pytest.raises(BadQuery):
        rate_tables(connection, by_phase, [*windows, Days(start, start + 90)])


def test_the_clock_of_the_ledger_is_utc(kept: Recorded) -> None:
    kept.record([transplanted("p1")])
    with kept.database.read() as connection:
        state = known_at(connection, kept.surveillance, None)
    assert state.recorded_at == datetime(2026, 11, 2, 12, tzinfo=UTC)
