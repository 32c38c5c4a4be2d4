"""One of several processes that record, erase and read at once.

In:     a database's URL and the number of this process; a line on standard input to begin.
Out:    `ready`, then as JSON what was accepted, who was erased, and how often it looked.
Source: tests/integration/test_racing_processes.py starts it.
"""

import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from queue import SimpleQueue
from random import Random
from threading import Event
from typing import Any

from service.domain.audit_chain import Actor
from service.domain.figures import RateDefinition
from service.ingest.faults import Draft
from service.ingest.items import read_item
from service.pipeline.decide import Batch
from service.pipeline.erase import erase
from service.pipeline.gathering import Gathering
from service.pipeline.rates import rate_table
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from service.store.events import PatientKey
from service.store.running_sums import RunningSums

FACILITIES = ("hsct-1", "hsct-2", "hsct-3")
SHARED, OWN, ERASED = 15, 12, 5
"""Patients that every process sends, those it alone sends, and those whom it then erases."""
FIRST = date(2023, 1, 1)


def chart(patient: str) -> list[dict[str, Any]]:
    """A stem cell transplantation and an infection, at a place and on days that the name tells."""
    chance = Random(patient)
    who = {"facility": chance.choice(FACILITIES), "patient": patient}
    index_date = FIRST + timedelta(days=chance.randrange(500))

    def event(kind: str, after_days: int, **more: Any) -> dict[str, Any]:
        on = (index_date + timedelta(days=after_days)).isoformat()
        return {"type": kind, "event_id": f"{patient}-{kind}", **who, "occurred_on": on, **more}

    ntm = {"organism": "M. avium", "specimen": "sputum", "status": "disease"}
    return [
        event("transplant", 0, transplant_type="allo_hsct", age_years=40),
        event("infection", chance.randrange(20, 300), **ntm),
    ]


def batch(events: Iterable[dict[str, Any]]) -> Batch:
    """The events as they are handed on."""
    drafts = []
    for index, event in enumerate(events):
        read = read_item(index, event, today_latest=date(2026, 1, 1))
        assert isinstance(read, Draft), read
        drafts.append(read)
    return Batch(drafts)


def write(gathering: Gathering, number: int, stored: "SimpleQueue[str | None]") -> list[str]:
    """Send everything in an order left to chance; whom to erase is handed on once stored."""
    chance = Random(number)
    doomed = {f"p{number}-erased-{i}" for i in range(ERASED)}
    patients = [*doomed, *(f"p{number}-{i}" for i in range(OWN)), *(f"s{i}" for i in range(SHARED))]
    chance.shuffle(patients)
    accepted = []
    for patient in patients:
        events = chart(patient)
        parts = [events] if chance.random() < 0.5 else [[event] for event in events]
        for part in parts:
            receipt = gathering.record(batch(part)).result(60)
            accepted += [
                verdict.draft.event.event_id
                for verdict in receipt.verdicts
                if verdict.status == "accepted"
            ]
        if patient in doomed:
            stored.put(patient)
    stored.put(None)
    return accepted


def erase_those(surveillance: Surveillance, stored: "SimpleQueue[str | None]") -> list[str]:
    """Erase whom the writer hands on."""
    erased = []
    while (patient := stored.get(timeout=60)) is not None:
        facility = chart(patient)[0]["facility"]
        erase(surveillance, PatientKey(facility, patient), Actor("test"))
        erased.append(patient)
    return erased


def read(database: Database, done: Event) -> int:
    """Hold the sums in memory against the database, in one snapshot, as long as anybody writes."""
    asked = RateDefinition(
        start_day=FIRST.toordinal(),
        end_day=FIRST.toordinal() + 900,
        filters={},
        by=("facility", "transplant_type"),
    )
    looks = 0
    while not done.is_set() or not looks:
        with database.read() as connection:
            from_memory = rate_table(connection, asked)
            sums = connection.info.pop(RunningSums)
            try:
                assert rate_table(connection, asked) == from_memory
            finally:
                connection.info[RunningSums] = sums
        looks += 1
    return looks


def main() -> None:
    """Race."""
    url, number = sys.argv[1], int(sys.argv[2])
    done, stored = Event(), SimpleQueue[str | None]()
    sums = RunningSums(few_facilities=0, waits=True)
    with closing(Database(url, sums=sums)) as database, ThreadPoolExecutor(3) as pool:
        surveillance = Surveillance(database)
        database.load_sums()
        print("ready", flush=True)  # noqa: T201 - how processes talk
        sys.stdin.readline()
        with closing(Gathering(surveillance, most_waiting=1000)) as gathering:
            reading = pool.submit(read, database, done)
            erasing = pool.submit(erase_those, surveillance, stored)
            try:
                accepted = write(gathering, number, stored)
                erased = erasing.result(60)
            finally:
                stored.put(None)
                done.set()
        told = {"accepted": accepted, "erased": erased, "looks": reading.result(60)}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main()
