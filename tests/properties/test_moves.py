"""A move changes where a day counts, not whether; taken back it has never been.

In:     random charts, and days on which their patients move.
Out:    passes while the facilities together count what one would have counted alone.
Source: docs/decisions/0014-who-a-patient-is.md.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.domain.audit_chain import Actor
from service.domain.contributions import ENTERED, Contributions, contributions
from service.domain.events import AnyEvent, FollowUpVisit, Outcome, Void
from service.domain.figures import RateDefinition
from service.domain.follow_up import END_OF_OBSERVATION
from service.domain.history import standing_events
from service.domain.moves import Moved, arrival, departure, passed_on
from service.domain.rules import FollowUpRules
from service.pipeline.explain import explain
from service.pipeline.moves import accept_move, end_move, offer_move
from service.pipeline.rates import rate_table
from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store import holdings, ledger
from service.store.events import PatientKey
from tests.properties.histories import FIRST_DAY, histories, stored
from tests.properties.recorded import empty, recorded
from tests.properties.test_merges import LAST_DAY, figures, send
from tests.properties.test_rates_law import law

OLD, NEW = PatientKey("F1", "P1"), PatientKey("F2", "P9")
ME = Actor("test")
ONE_DAY = timedelta(days=1)
move_days = st.integers(-60, 800).map(lambda offset: FIRST_DAY + timedelta(days=offset))


def seen(on: date) -> FollowUpVisit:
    """What a move says of the patient: known to be there on the eve."""
    eve = on - ONE_DAY
    return FollowUpVisit(event_id=f"eve-{on}", facility="F1", patient="P1", occurred_on=eve)


def chart(data: st.DataObject, before: date) -> list[AnyEvent]:
    """A chart in which observation ends only before a day, and nothing waits to be corrected."""
    told = standing_events(stored(data.draw(histories(*OLD, max_others=6))))
    return [
        msgspec.structs.replace(event, replaces=None)
        for event in told
        if not isinstance(event, Void)
        and not (
            isinstance(event, Outcome)
            and event.outcome in END_OF_OBSERVATION
            and event.occurred_on >= before - ONE_DAY
        )
    ]


def days(counted: Contributions) -> Counter[Any]:
    """Each day of each segment, whatever the facility."""
    return Counter(
        (segment.index_day, segment.stratum[1:], segment.risk_set, day)
        for segment in counted.segments
        if segment.risk_set != ENTERED
        for day in range(segment.start_day, min(segment.end_day, LAST_DAY) + 1)
    )


def cases(counted: Contributions) -> Counter[Any]:
    return Counter(
        (one.onset_day, one.infection_type, one.organism, one.stratum[1:], *one[-2:])
        for one in counted.episodes
        if one.stratum
    )


@settings(law, max_examples=200)
@given(data=st.data())
def test_each_day_and_case_counts_at_one_of_the_two(data: st.DataObject) -> None:
    on = data.draw(move_days)
    told = chart(data, on)
    move = Moved(
        move_id="m",
        from_facility="F1",
        from_patient="P1",
        to_facility="F2",
        to_patient="P9",
        on=on,
    )
    copies = [copy for _, copy in passed_on(move, told)]
    rules = FollowUpRules()
    old = contributions([*told, departure(move)], rules)
    new = contributions([*copies, arrival(move, told)], rules)
    whole = contributions([*told, seen(on)], rules)
    assert days(old) + days(new) == days(whole)
    assert cases(old) + cases(new) == cases(whole)
    assert {segment.stratum.facility for segment in old.segments} <= {"F1"}
    assert {segment.stratum.facility for segment in new.segments} <= {"F2"}
    assert max((s.end_day for s in old.segments), default=0) < on.toordinal()
    assert min((s.start_day for s in new.segments), default=LAST_DAY) >= on.toordinal()


def held(surveillance: Surveillance) -> object:
    with surveillance.database.read() as connection:
        return holdings.posted(connection, [OLD, NEW])


def move(surveillance: Surveillance, patient: PatientKey, to: PatientKey, on: date) -> str:
    offered = offer_move(surveillance, patient, to.facility, on, ME)
    return accept_move(surveillance, offered.id, to.patient, [to.facility], ME).id


@law
@given(data=st.data())
def test_a_move_that_is_taken_back_has_never_been(migrated_url: str, data: st.DataObject) -> None:
    """With late events on both sides; `as_of` still tells what was known meanwhile."""
    arrived = stored(data.draw(histories(*OLD, max_others=6)))
    assume(arrived)
    cut = data.draw(st.integers(1, len(arrived)))
    here = [msgspec.structs.replace(event, **NEW._asdict()) for event in arrived]
    with recorded(migrated_url) as kept:
        surveillance = kept.surveillance
        send(surveillance, arrived[:cut])
        moved = move(surveillance, OLD, NEW, data.draw(move_days))
        with surveillance.database.read() as connection:
            position = ledger.head_position(connection)
        then = figures(surveillance)
        send(surveillance, arrived[cut:])
        send(surveillance, here)
        assert rebuild(surveillance).is_clean
        end_move(surveillance, moved, ["F2"], ME)
        assert rebuild(surveillance).is_clean
        assert figures(surveillance, position) == then
        found = held(surveillance)
        empty(kept.database)
        send(surveillance, arrived)
        send(surveillance, here)
        assert held(surveillance) == found


@law
@given(data=st.data())
def test_whoever_goes_and_comes_back_is_counted_once(
    migrated_url: str, data: st.DataObject
) -> None:
    on, back = data.draw(move_days), data.draw(move_days)
    assume(on + 2 * ONE_DAY <= back)
    told = chart(data, on)
    assume(told)
    with recorded(migrated_url) as kept:
        surveillance = kept.surveillance
        send(surveillance, told)
        move(surveillance, OLD, NEW, on)
        move(surveillance, NEW, OLD, back)
        assert rebuild(surveillance).is_clean
        found = everywhere(surveillance)
        for facility in ("F1", "F2"):
            assert_explained(surveillance, facility)
        empty(kept.database)
        send(surveillance, [*told, seen(on), seen(back)])
        assert everywhere(surveillance) == found


def everywhere(surveillance: Surveillance) -> list[object]:
    """Cases and days of the network; who moved is a recipient of either facility."""
    asked = RateDefinition(None, LAST_DAY, by=("transplant_type", "regimen", "infection_type"))
    every = replace(asked, episodes="all", person_time="follow_up")
    with surveillance.database.read() as connection:
        return [
            [
                (row.stratum, row.estimate.cases, row.estimate.person_days)
                for row in rate_table(connection, one).rows
            ]
            for one in (asked, every)
        ]


def assert_explained(surveillance: Surveillance, facility: str) -> None:
    filters = {"facility": (facility,), "infection_type": ("any",)}
    asked = RateDefinition(None, LAST_DAY, filters=filters)
    with surveillance.database.read() as connection:
        position = ledger.head_position(connection)
        total = rate_table(connection, asked).total
        told = explain(
            connection, surveillance.rules, asked, position=position, after=None, limit=10
        )
    assert (told.cases, told.person_days) == (total.estimate.cases, total.estimate.person_days)
