"""Imports that wait: taken in once, in order, whole, whoever ends meanwhile."""

import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from service.domain.audit_chain import Actor
from service.errors import Overloaded
from service.ingest.registers.own_columns import OwnColumnsReader
from service.pipeline.erase import erase
from service.pipeline.import_queue import MOST_WAITING, ImportQueue
from service.pipeline.import_rows import Arriving
from service.pipeline.surveillance import Surveillance
from service.store import import_rows, imports
from service.store.engine import Database
from service.store.events import PatientKey
from service.store.imports import DONE, FAILED, WAITING, KeptImport
from service.store.tables import ImportWaitingRow, LedgerCommit, RecordedEvent

HEADER = "type,event_id,facility,patient,occurred_on,transplant_type,replaces\n"
SENDER = Actor("registry", "k1")


@pytest.fixture
def surveillance(migrated_url):
    with closing(Database(migrated_url)) as database:
        yield Surveillance(database)


def course(number, day="2024-03-01", more=""):
    return (
        f"transplant,t{number}{more},ucd-01,p{number},{day},kidney,{f't{number}' if more else ''}\n"
    )


def arrive(surveillance, text, **values):
    """A file that came whole, not submitted yet."""
    now = surveillance.clock()
    arriving = Arriving(surveillance.database, now)
    reader = OwnColumnsReader(surveillance.latest_date_on_earth())
    arriving.put(reader.feed((HEADER + text).encode()))
    arriving.put(reader.finish())
    begun = KeptImport(
        id=arriving.import_id,
        created_at=now,
        actor=SENDER.name,
        key_id=SENDER.key_id,
        facilities=None,
        mapping=None,
        dry_run=False,
        state=WAITING,
        holder=None,
        seen_at=now,
        finished_at=None,
        rows_sent=arriving.rows,
        taken=0,
        counts={},
        warnings={},
        faults=0,
        position=None,
        note=None,
    )
    return begun._replace(**values), arriving


def put_down(surveillance, text, **values):
    """A file that was acknowledged while no queue worked."""
    begun, arriving = arrive(surveillance, text, **values)
    with surveillance.database.note() as connection:
        arriving.flush(connection)
        imports.add_import(connection, begun)
    return begun.id


def ended(surveillance, import_id):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with surveillance.database.read() as connection:
            found = imports.find_import(connection, import_id)
        if found.state in (DONE, FAILED):
            return found
        time.sleep(0.01)
    raise AssertionError(found)


def number_of(surveillance, table):
    with surveillance.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def queue(surveillance, **more):
    return closing(ImportQueue(surveillance, batch_size=7, idle_seconds=0.01, **more))


def test_a_file_is_taken_in_and_nothing_of_it_is_left_waiting(surveillance):
    begun, arriving = arrive(
        surveillance, "".join(map(course, range(20))) + course(3) + "x,,,,,,\n"
    )
    with queue(surveillance) as working:
        working.submit(begun, arriving)
        found = ended(surveillance, begun.id)
    assert found.counts == {"rows": 22, "accepted": 20, "duplicate": 1, "rejected": 1}
    assert (found.state, found.taken, found.holder) == (DONE, 22, None)
    assert number_of(surveillance, RecordedEvent) == 20
    assert number_of(surveillance, ImportWaitingRow) == 0
    with surveillance.database.read() as connection:
        (*_, last) = imports.faults_of(connection, begun.id, after=0, limit=100)
    assert (last.number, last.line) == (found.faults, 23)


def test_a_queue_that_ends_early_leaves_the_rest_to_the_next_and_counts_stay_exact(surveillance):
    import_id = put_down(surveillance, "".join(map(course, range(300))))
    while left := number_of(surveillance, ImportWaitingRow):
        with queue(surveillance):
            while number_of(surveillance, ImportWaitingRow) == left:
                time.sleep(0.01)
    with queue(surveillance):
        found = ended(surveillance, import_id)
    assert found.counts == {"rows": 300, "accepted": 300}
    assert number_of(surveillance, RecordedEvent) == 300
    assert number_of(surveillance, LedgerCommit) == -(-300 // 7)


def test_several_processes_take_each_file_once_and_in_order(postgresql_databases):
    """A second file corrects the first: taken in before it, its rows would name what is unknown."""
    texts = ["".join(map(course, range(100)))]
    texts += ["".join(course(n, f"2024-03-{d:02}", f"-{d}") for n in range(100)) for d in (2, 3)]
    with postgresql_databases(migrated=True) as url, ExitStack() as stack:
        one, *others = (Surveillance(stack.enter_context(closing(Database(url)))) for _ in range(3))
        ids = [put_down(one, text) for text in texts]
        for each in (one, *others):
            stack.enter_context(queue(each))
        found = [ended(one, import_id) for import_id in ids]
        assert [each.counts for each in found] == [{"rows": 100, "accepted": 100}] * 3
        assert number_of(one, LedgerCommit) == 3 * -(-100 // 7)


def test_what_a_silent_process_held_is_gone_on_with(surveillance):
    long_ago = datetime.now(UTC) - timedelta(minutes=1)
    import_id = put_down(surveillance, course(1), holder="gone", seen_at=long_ago)
    with queue(surveillance):
        assert ended(surveillance, import_id).counts == {"rows": 1, "accepted": 1}


def test_what_another_process_holds_is_left_to_it(surveillance):
    put_down(surveillance, course(1), holder="other")
    put_down(surveillance, course(2))
    now = datetime.now(UTC)
    with surveillance.database.note() as connection:
        assert imports.claim(connection, "me", now, now - timedelta(seconds=15)) is None


def test_a_rehearsal_stores_nothing_and_begins_anew_where_it_was_left(surveillance):
    text = course(1) + course(2) + course(1, "2024-03-02", "-2") + course(1, "2024-04-01")
    left = {"taken": 2, "counts": {"rows": 2, "accepted": 2}, "faults": 0}
    import_id = put_down(surveillance, text, dry_run=True, **left)
    with queue(surveillance):
        found = ended(surveillance, import_id)
    assert found.counts == {"rows": 4, "accepted": 3, "rejected": 1}
    assert number_of(surveillance, RecordedEvent) == 0
    assert number_of(surveillance, ImportWaitingRow) == 0


def test_who_is_erased_is_erased_from_what_waits(surveillance):
    begun, arriving = arrive(surveillance, course(1))
    with queue(surveillance) as working:
        working.submit(begun, arriving)
        ended(surveillance, begun.id)
    import_id = put_down(surveillance, course(1, "2024-03-02", "-2") + course(2))
    erase(surveillance, PatientKey("ucd-01", "p1"), SENDER)
    with queue(surveillance):
        assert ended(surveillance, import_id).counts == {"rows": 1, "accepted": 1}


def test_rows_of_a_file_that_never_came_whole_are_swept(surveillance):
    _, arriving = arrive(surveillance, course(1))
    with surveillance.database.note() as connection:
        arriving.flush(connection)
    with queue(surveillance):
        assert number_of(surveillance, ImportWaitingRow) == 1
    later = Surveillance(surveillance.database, clock=lambda: datetime.now(UTC) + timedelta(days=2))
    with queue(later):
        assert number_of(surveillance, ImportWaitingRow) == 0


def test_rows_of_a_file_that_was_sent_whole_are_not_forgotten(surveillance):
    begun, arriving = arrive(surveillance, course(1))
    with surveillance.database.note() as connection:
        arriving.flush(connection)
        imports.add_import(connection, begun)
        import_rows.drop_orphans(connection, begun.id)
    assert number_of(surveillance, ImportWaitingRow) == 1


def test_a_fault_of_the_service_ends_the_import_and_not_the_queue(surveillance, caplog):
    broken, sound = put_down(surveillance, course(1)), put_down(surveillance, course(2))
    with surveillance.database.note() as connection:
        import_rows.drop_rows(connection, broken)
        import_rows.add_rows(
            connection, broken, [import_rows.WaitingRow(1, "f", "p-jane", "{p-jane")]
        )
    with queue(surveillance):
        failed = ended(surveillance, broken)
        assert ended(surveillance, sound).counts == {"rows": 1, "accepted": 1}
    assert (failed.state, failed.counts) == (FAILED, {})
    assert "jane" not in f"{failed} {caplog.text}"
    assert number_of(surveillance, ImportWaitingRow) == 0


def test_no_more_wait_than_can_be_taken_in(surveillance):
    for _ in range(MOST_WAITING):
        put_down(surveillance, course(1), holder="other")
    begun, arriving = arrive(surveillance, course(1))
    with closing(ImportQueue(surveillance, batch_size=7, idle_seconds=60)) as working:
        if not surveillance.database.is_sqlite:
            with pytest.raises(Overloaded):
                working.submit(begun, arriving)
