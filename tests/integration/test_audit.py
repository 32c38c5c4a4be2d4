"""The audit chain on real stores: nothing is changed unseen, whoever races and whatever breaks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.domain.audit_chain import Actor, Check, Link
from service.domain.events import Transplant, encode
from service.ingest.faults import Draft
from service.pipeline.audit_trail import check_chain
from service.pipeline.decide import Batch
from service.pipeline.erase import erase
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record_batch, record_within
from service.pipeline.surveillance import Surveillance
from service.store import audit, audit_log, migrate
from service.store.audit import AuditEntry
from service.store.engine import Database
from service.store.events import PatientKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAB = Actor("lab", "3f9a52c0d17be846")
JANE = PatientKey("ucd-01", "p-jane")
JOHN = PatientKey("ucd-01", "p-john")


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    with closing(Database(migrated_url)) as database:
        yield database


@pytest.fixture
def surveillance(database: Database) -> Surveillance:
    return Surveillance(database)


def transplant(key: PatientKey, number: int = 0) -> Draft:
    event = Transplant(
        event_id=f"{key.patient}-{number}",
        facility=key.facility,
        patient=key.patient,
        occurred_on=date(2024, 1, 1),
        transplant_type="kidney",
    )
    return Draft(number, event, encode(event).decode())


def send(surveillance: Surveillance, *keys: PatientKey, actor: Actor = LAB) -> None:
    record_batch(surveillance, Batch([transplant(key) for key in keys], actor=actor))


def see(database: Database, *keys: PatientKey, action: str = "patient_shown") -> None:
    with database.note() as connection:
        audit.append(connection, [AuditEntry(NOW, LAB, action, {"n": 0.05}, patients=keys)])


def checked(database: Database, anchor: Link | None = None) -> Check:
    with database.read() as connection:
        return check_chain(connection, anchor)


def entries(database: Database, **asked: Any) -> list[Any]:
    with database.read() as connection:
        return audit_log.entries(connection, **asked)


@pytest.fixture
def told(surveillance: Surveillance) -> Database:
    """Two patients recorded and seen, in four entries."""
    send(surveillance, JANE, JOHN)
    see(surveillance.database, JANE)
    see(surveillance.database, JANE, JOHN)
    see(surveillance.database)
    return surveillance.database


# What is written


def test_who_sent_which_events_is_entered_with_them(surveillance: Surveillance) -> None:
    other = Actor("ehr", "77")
    jane, john, jim = (PatientKey("ucd-01", name) for name in ("a", "b", "c"))
    batches = [
        Batch([transplant(jane)], actor=LAB),
        Batch([transplant(john)], actor=other),
        Batch([transplant(jane)], actor=other),  # known by then
        Batch([transplant(jim)], actor=LAB),
    ]
    with surveillance.write() as connection:
        record_within(connection, surveillance, batches)
    second, first = entries(surveillance.database)
    assert (first.actor, first.key_id, first.action) == ("lab", LAB.key_id, "events_recorded")
    assert first.detail == {"events": 2, "positions": [[1, 1], [3, 3]]}
    assert (second.actor, second.detail) == ("ehr", {"events": 1, "positions": [[2, 2]]})
    assert (first.sequence, second.sequence, first.position, second.position) == (1, 2, 3, 3)
    with surveillance.write() as connection:
        record_within(connection, surveillance, batches)
    assert len(entries(surveillance.database)) == 2, "nothing was recorded, nothing is entered"


def test_a_patient_stands_in_it_as_a_digest_only(told: Database) -> None:
    by_digest = [entry.subjects for entry in entries(told)]
    assert [len(subjects) for subjects in by_digest] == [0, 2, 1, 0]
    assert set(by_digest[2]) < set(by_digest[1])
    assert "p-j" not in str(entries(told))
    with told.read() as connection:
        known = audit.subject(connection, JANE)
        assert by_digest[2] == (known,)
        found = audit_log.entries(connection, subjects=[known])
    assert [entry.sequence for entry in found] == [3, 2]


def test_nobody_is_named_who_is_not_held(database: Database) -> None:
    see(database, PatientKey("ucd-01", "never-heard-of"))
    assert entries(database)[0].subjects == ()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_salts")).scalar_one() == 0


# What cannot be done, and what is found where it was done all the same


FORBIDDEN = [
    "UPDATE audit SET actor = 'x'",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE sequence = 1",
    "UPDATE audit_mentions SET subject = 'x'",
    "DELETE FROM audit_mentions",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_store_refuses_any_change(told: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), told.note() as connection:
        connection.execute(text(statement))
    assert not checked(told).found


def test_postgresql_refuses_to_empty_it(told: Database) -> None:
    if told.is_sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    for table in ("audit", "audit_mentions"):
        with pytest.raises(DBAPIError, match="append-only"), told.note() as connection:
            connection.execute(text(f"TRUNCATE {table}"))


def unlock(connection: Connection) -> None:
    """What somebody who owns the database can do."""
    if connection.dialect.name == "postgresql":
        for table in ("audit", "audit_mentions"):
            connection.execute(text(f"DROP TRIGGER append_only ON {table}"))
        return
    for table in ("audit", "audit_mentions"):
        for change in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER {table}_no_{change}"))


COLUMNS = {
    "sequence": "sequence + 100",
    "recorded_at": "'2020-01-01 00:00:00.000000'",
    "actor": "'somebody'",
    "key_id": "'somebody'",
    "action": "'nothing'",
    "position": "4711",
    "detail": "'{\"n\": 0.06}'",
    "sha256": "'" + "ab" * 32 + "'",
}
MENTIONS = {"sequence": "sequence + 100", "subject": "'" + "ab" * 16 + "'"}
HEAD = {"sequence": "sequence - 1", "sha256": "'" + "ab" * 32 + "'"}
SALTS = {
    "facility": "'elsewhere'",
    "patient": "patient || '-x'",
    "salt": "'" + "ab" * 32 + "'",
}


def tampered(database: Database, *statements: str) -> Check:
    """The check after the statements; the database is then as it was before."""
    with database.note() as connection:
        unlock(connection)
        for statement in statements:
            assert connection.execute(text(statement)).rowcount, statement
        check = check_chain(connection)
        connection.rollback()
    return check


def test_every_column_covered_by_these_tests_is_every_column_there_is(told: Database) -> None:
    with told.read() as connection:
        for table, columns in (
            ("audit", {*COLUMNS}),
            ("audit_mentions", {*MENTIONS}),
            ("audit_head", {*HEAD, "only_row"}),
            ("audit_salts", {*SALTS}),
        ):
            found = connection.execute(text(f"SELECT * FROM {table}"))
            assert set(found.keys()) == columns


def test_a_change_of_any_column_of_any_row_is_found(told: Database) -> None:
    for row in range(1, 5):
        for column, value in COLUMNS.items():
            change = f"UPDATE audit SET {column} = {value} WHERE sequence = {row}"
            assert tampered(told, change).found, change
    with told.read() as connection:
        mentioned = connection.execute(text("SELECT sequence, subject FROM audit_mentions")).all()
    assert len(mentioned) == 3
    for sequence, subject in mentioned:
        which = f"WHERE sequence = {sequence} AND subject = '{subject}'"
        for column, value in MENTIONS.items():
            assert tampered(told, f"UPDATE audit_mentions SET {column} = {value} {which}").found
        assert tampered(told, f"DELETE FROM audit_mentions {which}").found
    for table, columns in (("audit_head", HEAD), ("audit_salts", SALTS)):
        for column, value in columns.items():
            assert tampered(told, f"UPDATE {table} SET {column} = {value}").found, (table, column)
        assert tampered(told, f"DELETE FROM {table}").found
    assert not checked(told).found


def test_a_row_taken_away_put_in_or_exchanged_is_found(told: Database) -> None:
    for row in range(1, 5):
        assert tampered(told, f"DELETE FROM audit WHERE sequence = {row}").found
    renumbered = [f"UPDATE audit SET sequence = {new} WHERE sequence = {old}" for old, new in
                  ((2, 99), (3, 2), (99, 3))]  # fmt: skip
    assert tampered(told, *renumbered).found
    copied = (
        "INSERT INTO audit SELECT 5, recorded_at, actor, key_id, action, position, detail, sha256 "
        "FROM audit WHERE sequence = 4"
    )
    assert tampered(told, copied).found
    assert tampered(told, f"INSERT INTO audit_mentions VALUES (4, '{'ab' * 16}')").found
    assert tampered(told, f"INSERT INTO audit_mentions VALUES (77, '{'ab' * 16}')").found


def test_an_end_cut_off_with_its_head_is_found_by_a_head_kept_elsewhere(told: Database) -> None:
    with told.read() as connection:
        kept = audit.head(connection)
        digest = connection.execute(text("SELECT sha256 FROM audit WHERE sequence = 3")).scalar()
    with told.note() as connection:
        unlock(connection)
        connection.execute(text("DELETE FROM audit WHERE sequence = 4"))
        connection.execute(text(f"UPDATE audit_head SET sequence = 3, sha256 = '{digest}'"))
    assert not checked(told).found, "nothing in the database tells"
    assert [one.code for one in checked(told, kept).breaks] == ["tail_missing"]
    see(told, action="alert_shown")
    assert [one.code for one in checked(told, kept).breaks] == ["anchor_differs"]


# Racing, breaking off, erasing


def test_racing_writers_keep_one_chain(migrated_url: str) -> None:
    """Four writers and four readers over two pools, as two processes would be."""
    with ExitStack() as stack:
        pools = [stack.enter_context(closing(Database(migrated_url))) for _ in range(2)]
        surveillances = [Surveillance(pool) for pool in pools]
        send(surveillances[0], JANE)

        def work(number: int) -> None:
            for step in range(6):
                if number % 2:
                    see(pools[number // 2 % 2], JANE, PatientKey("ucd-01", f"p{number - 1}-{step}"))
                else:
                    key = PatientKey("ucd-01", f"p{number}-{step}")
                    send(surveillances[number // 2 % 2], key)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        check = checked(pools[0])
        assert (check.breaks, check.entries) == ([], 1 + 8 * 6)


def test_a_transaction_that_breaks_off_leaves_no_gap(told: Database) -> None:
    with told.note() as connection:
        audit.append(connection, [AuditEntry(NOW, LAB, "patient_shown", {}, patients=(JANE,))])
        connection.rollback()
    see(told, JANE)
    check = checked(told)
    assert (check.breaks, check.entries) == ([], 5)


def test_after_an_erasure_the_chain_holds_and_names_nobody(
    told: Database, surveillance: Surveillance
) -> None:
    with told.read() as connection:
        digest = audit.subject(connection, JANE)
    erase(surveillance, JANE, LAB)
    last = entries(told)[0]
    assert (last.action, last.subjects) == ("patient_erased", (digest,))
    assert not checked(told).found
    with told.read() as connection:
        assert audit.subject(connection, JANE) is None
        salts = connection.execute(text("SELECT patient FROM audit_salts")).scalars().all()
    assert salts == [JOHN.patient]
    see(told, JANE)  # seen before the erasure, written after it
    assert (entries(told)[0].subjects, checked(told).found) == ((), 0)
    send(surveillance, JANE)
    see(told, JANE)
    assert entries(told)[0].subjects not in ((), (digest,)), "another digest for a second life"
    assert not checked(told).found


def test_a_rebuild_leaves_the_chain_whole(told: Database, surveillance: Surveillance) -> None:
    rebuild(surveillance, apply=True)
    assert not checked(told).found


# Upgrade


def test_entries_of_earlier_releases_are_chained_in_their_order(database_url: str) -> None:
    migrate.upgrade(database_url, "0009")
    with closing(Database(database_url)) as database:
        with database.note() as connection:
            for number in (2, 5, 9):
                row = {"n": number, "at": "2025-03-01 12:00:00.000007", "d": '{"b": [1, 0.05]}'}
                statement = "INSERT INTO audit (sequence, recorded_at, actor, action, detail) "
                connection.execute(text(f"{statement} VALUES (:n, :at, 'op', 'did', :d)"), row)
        migrate.upgrade(database_url)
        check = checked(database)
        assert (check.breaks, check.entries, check.last.sequence) == ([], 3, 3)
        see(database)
        assert checked(database).breaks == []
        migrate.downgrade(database_url, "0009")
        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM audit")).scalar_one() == 4
        migrate.upgrade(database_url)
        assert checked(database).breaks == []
