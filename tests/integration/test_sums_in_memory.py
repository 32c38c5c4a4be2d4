"""Sums in memory hold what the ledger holds, also where reading it was cut off in the midst."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date, timedelta
from itertools import count
from threading import Event
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from service.domain.events import AnyEvent, Finding, Infection, Transplant
from service.domain.figures import RateDefinition
from service.pipeline.rates import RateTable, rate_table
from service.store import case_view, changes
from service.store.engine import Connection, Database
from service.store.sums_loader import SumsLoader
from tests.conftest import Databases
from tests.properties.recorded import empty, recorded

INDEX = date(2024, 1, 1)
YEAR = RateDefinition(INDEX.toordinal(), INDEX.toordinal() + 365)
NTM = Finding(infection_type="ntm")
BATCH = 20
PATIENCE_SECONDS = 30


def a_batch(number: int) -> list[AnyEvent]:
    """Patients of whom each has one infection."""

    def named(name: str) -> dict[str, Any]:
        return {"event_id": name, "facility": "f", "patient": name[1:], "occurred_on": INDEX}

    patients = range(number * BATCH, (number + 1) * BATCH)
    return [
        event
        for patient in patients
        for event in (
            Transplant(**named(f"t{patient}"), transplant_type="kidney"),
            Infection(**named(f"i{patient}"), finding=NTM),
        )
    ]


@contextmanager
def cut_off_after(connection: Connection, steps: int) -> Iterator[None]:
    """SQLite gives up in the midst of whatever it is reading."""
    raw: Any = connection.connection.dbapi_connection
    passed = count(1)
    raw.set_progress_handler(lambda: next(passed) > steps, 20)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def in_year(database: Database) -> RateTable:
    with database.read() as connection:
        return rate_table(connection, YEAR)


def test_nothing_is_counted_twice_after_a_look_that_failed(
    sqlite_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite, which can be made to give up after any number of steps."""
    monkeypatch.setattr(changes, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(case_view, "AT_ONCE", 7)
    failed = 0
    with ExitStack() as stack:
        url = stack.enter_context(sqlite_databases(migrated=True))
        kept = stack.enter_context(recorded(url, in_memory=True))
        without_memory = stack.enter_context(closing(Database(url)))
        for number in count():
            kept.record(a_batch(number))
            try:
                with kept.database.read() as connection, cut_off_after(connection, number * 15):
                    rate_table(connection, YEAR)
            except OperationalError:
                failed += 1
            else:
                break
            assert in_year(kept.database) == in_year(without_memory)
    assert failed > 10


def test_a_database_that_came_back_without_its_last_commits_is_read_anew(
    migrated_url: str,
) -> None:
    """As a standby does that had not received them, or a copy."""
    with ExitStack() as stack:
        kept = stack.enter_context(recorded(migrated_url, in_memory=True))
        without_memory = stack.enter_context(closing(Database(migrated_url)))
        kept.record(a_batch(0))
        kept.record(a_batch(1))
        assert in_year(kept.database).total.estimate.cases == 2 * BATCH

        empty(kept.database)
        kept.now += timedelta(hours=1)
        kept.record(a_batch(0))
        for number in range(2, 6):
            kept.record([event for event in a_batch(number) if isinstance(event, Transplant)])
            assert in_year(kept.database) == in_year(without_memory)
        assert in_year(kept.database).total.estimate.cases == BATCH


def test_the_loader_outlives_whatever_a_load_fails_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.store.sums_loader.SECONDS_BEFORE_NEXT_TRY", 0.01)
    missing, is_ready = Event(), Event()
    faults = iter([OperationalError("", {}, Exception()), RuntimeError("out of room")])

    def load() -> None:
        for fault in faults:
            raise fault

    loader = SumsLoader(load, missing, is_ready)
    loader.start()
    missing.set()
    assert is_ready.wait(PATIENCE_SECONDS)
    assert next(faults, None) is None
    loader.stop()
