"""Processes that record, erase and read the same at once, as workers do, on PostgreSQL.

What must hold: nobody waits for ever, each acknowledged event is there once, the ledger is what a
replay of the events says, and the alerts are those that a process would find that saw everything.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from service.commands.migrating import add_what_is_shipped
from service.pipeline.catalogue import evaluate_anew
from service.pipeline.counted import counted, forget
from service.pipeline.gathering import Gathering
from service.pipeline.growing import GrowingInfections
from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.settings import read_settings
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.engine import Database
from service.store.tables import RecordedEvent
from tests.integration.racing import ERASED, OWN, SHARED, batch, chart

PROCESSES = 3
PATIENCE_SECONDS = 120
ROOT = Path(__file__).parents[2]
ERASE = """
import sys
from service.domain.audit_chain import Actor
from service.pipeline.erase import erase
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from service.store.events import PatientKey
erase(Surveillance(Database(sys.argv[1])), PatientKey(*sys.argv[2:]), Actor("test"))
"""


@pytest.fixture
def surveillance(postgresql_databases: Any) -> Iterator[Surveillance]:
    """An empty PostgreSQL with the shipped monitors."""
    with postgresql_databases(migrated=True) as url, closing(Database(url)) as database:
        add_what_is_shipped(read_settings(database_url=url))
        yield Surveillance(database)


def address(surveillance: Surveillance) -> str:
    return surveillance.database.url.render_as_string(hide_password=False)


def race(surveillance: Surveillance) -> list[dict[str, Any]]:
    """Start the processes, let all begin at once, and have what each tells."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.integration.racing", address(surveillance), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        ends = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0] * PROCESSES
    return [json.loads(end) for end in ends]


def test_processes_that_record_erase_and_read_at_once(surveillance: Surveillance) -> None:
    told = race(surveillance)
    accepted = Counter(event for one in told for event in one["accepted"])
    patients = [f"s{i}" for i in range(SHARED)]
    for number in range(PROCESSES):
        patients += [f"p{number}-{i}" for i in range(OWN)]
        patients += [f"p{number}-erased-{i}" for i in range(ERASED)]
    assert accepted == Counter(e["event_id"] for patient in patients for e in chart(patient))
    erased = {patient for one in told for patient in one["erased"]}
    assert len(erased) == PROCESSES * ERASED
    assert all(one["looks"] for one in told)

    with surveillance.database.read() as connection:
        stored = connection.execute(select(col(RecordedEvent.event_id))).scalars().all()
    left = [patient for patient in patients if patient not in erased]
    assert sorted(stored) == sorted(e["event_id"] for patient in left for e in chart(patient))
    assert rebuild(surveillance).is_clean
    require_alerts_of_one_who_saw_everything(surveillance)


def require_alerts_of_one_who_saw_everything(surveillance: Surveillance) -> None:
    """Evaluated once more over all that is known, no alert changes, and there are no doubles."""
    with surveillance.write() as connection:
        alerts = [kept.state for kept in alert_store.alerts_of(connection)]
        assert alerts
        places = Counter((alert.monitor_id, alert.scope_key) for alert in alerts if alert.is_open)
        assert set(places.values()) == {1}
        last = alert_store.last_sequence(connection)
        monitors = catalogue.current_monitors(connection)
        evaluate_anew(connection, surveillance, [one for one in monitors if one.enabled])
        assert [kept.state for kept in alert_store.alerts_of(connection)] == alerts
        assert alert_store.last_sequence(connection) == last


def test_whom_another_process_erased_is_forgotten(surveillance: Surveillance) -> None:
    """With the next transaction; and where none comes, after a while."""
    forget()
    with closing(Gathering(surveillance, most_waiting=1000)) as gathering:
        gathering.record(batch(chart("p1"))).result(60)
        remembered = counted.cache_info().currsize
        assert remembered
        erase_elsewhere(surveillance, "p1")
        gathering.record(batch(chart("p2"))).result(60)
        assert counted.cache_info().currsize == remembered
    with closing(Gathering(surveillance, most_waiting=1000, idle_seconds=0.1)) as gathering:
        gathering.record(batch(chart("p3"))).result(60)
        assert "p3" in patients_kept(surveillance)
        erase_elsewhere(surveillance, "p3")
        for _ in range(600):
            if not counted.cache_info().currsize and "p3" not in patients_kept(surveillance):
                break
            gathering._writer.join(0.1)
        assert not counted.cache_info().currsize
        assert "p3" not in patients_kept(surveillance)


def erase_elsewhere(surveillance: Surveillance, patient: str) -> None:
    """In a process of its own."""
    where = (address(surveillance), chart(patient)[0]["facility"], patient)
    subprocess.run([sys.executable, "-c", ERASE, *where], check=True, cwd=ROOT)


def patients_kept(surveillance: Surveillance) -> set[str]:
    """Whose cases are kept in memory."""
    kept = surveillance.kept_series.published.series.values()
    infections = [one for one in kept if isinstance(one, GrowingInfections)]
    return {case.patient for one in infections for case in one.at(one.facilities)}
