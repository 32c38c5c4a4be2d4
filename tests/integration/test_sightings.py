"""Views of patients: entered a moment later, or not given at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from service.domain.audit_chain import Actor
from service.errors import Overloaded, Unavailable
from service.pipeline.audit_trail import check_chain
from service.store import audit, audit_log, sightings
from service.store.engine import Database
from service.store.events import PatientKey
from service.store.sightings import Sightings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NURSE = Actor("nurse", "3f9a")
JANE = PatientKey("ucd-01", "p-jane")


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    with closing(Database(migrated_url)) as database:
        yield database


def watching(database: Database) -> "closing[Sightings]":
    return closing(Sightings(database, lambda: NOW))


def actions(database: Database) -> list[str]:
    with database.read() as connection:
        assert not check_chain(connection).found
        return [entry.action for entry in audit_log.entries(connection, limit=1000)][::-1]


def test_what_was_noted_is_entered_in_its_order_once_it_is_asked_for(database: Database) -> None:
    with watching(database) as seen:
        for number in range(20):
            seen.note(NURSE, f"shown_{number}", [JANE], number=number)
        seen.flush()
        assert actions(database) == [f"shown_{number}" for number in range(20)]


def test_what_waits_is_entered_when_the_service_ends(database: Database) -> None:
    with watching(database) as seen:
        seen.note(NURSE, "first")
        seen.flush()
        seen.note(NURSE, "second")
    assert actions(database) == ["first", "second"]
    with pytest.raises(Unavailable):
        seen.note(NURSE, "third")


def test_many_threads_in_two_processes_lose_nothing(database: Database, migrated_url: str) -> None:
    with (
        closing(Database(migrated_url)) as other,
        watching(database) as one,
        watching(other) as two,
    ):

        def look(number: int) -> None:
            (one, two)[number % 2].note(NURSE, f"shown_{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(look, range(200)))
        one.flush()
        two.flush()
        assert sorted(actions(database)) == sorted(f"shown_{number}" for number in range(200))


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    """On SQLite the entry waits for the writer; the answer does not."""
    with watching(database) as seen:
        with database.write():
            seen.note(NURSE, "shown")
        seen.flush()
        assert actions(database) == ["shown"]


def test_nothing_is_shown_while_nothing_can_be_entered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "RETRY_SECONDS", 0.01)
    with watching(database) as seen:
        with database.note() as connection:
            connection.execute(text("ALTER TABLE audit_head RENAME TO away"))
        seen.note(NURSE, "before")  # nobody can know yet
        with pytest.raises(Unavailable):
            seen.flush()
        with pytest.raises(Unavailable, match="audit trail"):
            seen.note(NURSE, "refused")
        with database.note() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO audit_head"))
        note_when_possible(seen, "after")
        seen.flush()
        assert actions(database) == ["before", "after"]


def test_more_than_can_wait_is_not_shown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "MOST_WAITING", 3)
    with watching(database) as seen:
        with database.note() as connection:
            audit.head(connection, to_append=True)  # nobody else can append meanwhile
            seen.note(NURSE, "fits", [JANE])
            with pytest.raises(Overloaded):
                seen.note(NURSE, "too_many", [JANE])
        seen.flush()
        assert actions(database) == ["fits"]


def note_when_possible(seen: Sightings, action: str) -> None:
    """The writer tries again by itself; nobody who is refused has to wake it."""
    for _ in range(3000):
        try:
            seen.note(NURSE, action)
        except Unavailable:
            with seen._changed:
                seen._changed.wait(0.01)
        else:
            return
    raise AssertionError("it never came back")
