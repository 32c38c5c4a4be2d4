"""Writers who race: the same and neighbouring events, of one patient and one facility, at once.

Eight threads over two pools, as two processes would be, on SQLite and on PostgreSQL. What must
hold: no event twice, no lost update, no deadlock, positions without holes for a reader who
follows them, and a ledger that is what a replay of the events says.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import date, timedelta
from functools import partial
from random import Random
from threading import Barrier, Event

import pytest
from sqlalchemy import text

from service.domain.contributions import contributions, steps
from service.domain.events import (
    AnyEvent,
    Finding,
    Infection,
    Outcome,
    Regimen,
    Transplant,
    Void,
    encode,
)
from service.ingest.faults import Draft
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.store import events as event_store
from service.store import holdings, ledger
from service.store.engine import Database
from service.store.events import PatientKey

WRITERS = 8
INDEX_DATE = date(2024, 1, 1)
NTM = Finding(infection_type="ntm", organism_group="m. abscessus complex", site="lung")


@pytest.fixture
def surveillances(migrated_url: str) -> Iterator[list[Surveillance]]:
    """Two pools on one database."""
    with ExitStack() as stack:
        pools = [stack.enter_context(closing(Database(migrated_url))) for _ in range(2)]
        yield [Surveillance(database) for database in pools]


def chart(patient: str) -> list[AnyEvent]:
    """A transplant, two regimens, two infections of which the second is voided, a transfer."""

    def on(day: int, number: int) -> dict[str, object]:
        return {
            "event_id": f"{patient}-{number}",
            "facility": "ucd-01",
            "patient": patient,
            "occurred_on": INDEX_DATE + timedelta(days=day),
        }

    return [
        Transplant(**on(0, 0), transplant_type="kidney"),
        Regimen(**on(0, 1), agents=("tacrolimus",)),
        Regimen(**on(40, 2), agents=("sirolimus",)),
        Infection(**on(50, 3), finding=NTM),
        Infection(**on(400, 4), finding=NTM),
        Void(**on(400, 5), voids=f"{patient}-4"),
        Outcome(**on(500, 6), outcome="transferred_out"),
    ]


def draft(event: AnyEvent, index: int = 0) -> Draft:
    return Draft(index, event, encode(event).decode())


def race(surveillances: list[Surveillance], batches_of: list[list[list[AnyEvent]]]) -> Counter:
    """Let every writer record its batches, all from the same instant; count what became of them."""
    start = Barrier(len(batches_of))

    def write(number: int) -> list[tuple[str, str]]:
        start.wait(30)
        ends = []
        for batch in batches_of[number]:
            drafts = [draft(event, index) for index, event in enumerate(batch)]
            receipt = record(surveillances[number % 2], drafts)
            ends += [(v.draft.event.event_id, v.status) for v in receipt.verdicts]
        return ends

    with ThreadPoolExecutor(len(batches_of)) as writers:
        ends = list(writers.map(write, range(len(batches_of)), timeout=120))
    return Counter(end for of_writer in ends for end in of_writer)


def require_ledger_equals_replay(surveillance: Surveillance, patients: list[str]) -> None:
    keys = [PatientKey("ucd-01", patient) for patient in patients]
    with surveillance.database.read() as connection:
        received = event_store.events_of_patients(connection, keys)
        held = holdings.posted(connection, keys)
        assert ledger.head_position(connection) == event_store.count_events(connection)
    replayed = {
        key: contributions([row.event for row in received[key]], surveillance.rules) for key in keys
    }
    assert held == replayed
    assert steps(s for one in held.values() for s in one.segments)
    assert rebuild(surveillance).is_clean


def test_the_same_events_of_one_patient_from_everybody_at_once(surveillances):
    """Each sends the whole chart, in batches cut where chance has it: each event is kept once."""
    events = chart("p1")
    plans = []
    for number in range(WRITERS):
        cuts = sorted(Random(number).sample(range(1, len(events)), 2))
        plans.append([events[: cuts[0]], events[cuts[0] : cuts[1]], events[cuts[1] :]])
    ends = race(surveillances, plans)
    assert ends == {
        **{(event.event_id, "accepted"): 1 for event in events},
        **{(event.event_id, "duplicate"): WRITERS - 1 for event in events},
    }
    require_ledger_equals_replay(surveillances[0], ["p1"])


def test_neighbouring_events_of_one_patient_and_of_its_neighbours(surveillances):
    """Each writer has an event of the same patient, and a neighbour's chart, one event a time."""
    shared = chart("p1")
    patients = ["p1", *(f"n{number}" for number in range(WRITERS))]
    plans = []
    for number in range(WRITERS):
        own = chart(f"n{number}")
        batches = [[event] for event in own]
        # References name earlier events: whoever sends the void sends what it voids first.
        first = shared[number] if number < 5 else None
        plans.append([[first], *batches] if first else batches)
    ends = race(surveillances, plans)
    assert {status for _, status in ends} == {"accepted"}
    race(surveillances, [[[event]] for event in shared[5:]])
    require_ledger_equals_replay(surveillances[1], patients)


def test_one_name_for_different_events_is_given_to_exactly_one(surveillances):
    event = chart("p1")[0]
    plans = [
        [
            [
                Transplant(
                    **{f: getattr(event, f) for f in ("event_id", "facility", "patient")},
                    occurred_on=event.occurred_on + timedelta(days=number),
                    transplant_type="kidney",
                )
            ]
        ]
        for number in range(WRITERS)
    ]
    ends = race(surveillances, plans)
    assert ends == {("p1-0", "accepted"): 1, ("p1-0", "rejected"): WRITERS - 1}
    require_ledger_equals_replay(surveillances[0], ["p1"])


def test_a_reader_who_follows_the_positions_never_skips_an_event(surveillances):
    """Whatever position a reader sees as the head, all events up to it are there already."""
    done = Event()
    seen: list[int] = []

    def follow() -> None:
        while not done.is_set():
            with surveillances[0].database.read() as connection:
                head = ledger.head_position(connection)
                assert event_store.count_events(connection) == head
            seen.append(head)

    with ThreadPoolExecutor(1) as readers:
        reading = readers.submit(follow)
        race(surveillances, [[[e] for e in chart(f"p{number}")] for number in range(WRITERS)])
        done.set()
        reading.result(30)
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "the reader saw nothing of the race"


def test_a_file_that_many_open_for_the_first_time_at_once_lets_all_in(tmp_path):
    """Its journal is not yet a write-ahead log; SQLite refuses some at once who make it one."""
    for attempt in range(20):
        file = tmp_path / f"{attempt}.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE x (a)")
        start = Barrier(WRITERS)
        databases = [Database(f"sqlite:///{file}") for _ in range(WRITERS)]
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(partial(add_row, start), databases))
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) FROM x").fetchone() == (WRITERS,)


def add_row(start, database):
    with closing(database):
        start.wait()
        with database.write() as connection:
            connection.execute(text("INSERT INTO x VALUES (1)"))
