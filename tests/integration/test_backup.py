"""Backups while others write, restored into either store, and proofs that are not empty words."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import insert, select, text

from service.commands.migrating import HEAD, add_what_is_shipped, go_to
from service.domain.audit_chain import Actor
from service.domain.events import AnyEvent, Finding, Infection, Transplant, encode
from service.ingest.faults import Draft
from service.pipeline.archive import Manifest, Unusable, reading
from service.pipeline.backup import back_up, figures
from service.pipeline.erase import erase
from service.pipeline.record import record
from service.pipeline.restore import Proof, enter, prove, prove_tables, restore
from service.pipeline.surveillance import Surveillance
from service.settings import read_settings
from service.store import ledger
from service.store.engine import Database
from service.store.events import PatientKey
from service.store.migrate import downgrade, upgrade
from service.store.readings import Reading, all_readings, put_readings
from service.store.tables import AlertEventRow, RecordedEvent

NTM = Finding(
    infection_type="ntm",
    organism_group="m. abscessus complex",
    site="joint",
    site_class="extrapulmonary",
    status="disease",
)
EARLIER = Path(__file__).with_name("data") / "revision-0008.tar"
PATIENCE_SECONDS = 60
Opens = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    """Four patients, one of them erased, with everything that is shipped: monitors, alerts."""
    add_what_is_shipped(read_settings(database_url=migrated_url))
    with closing(Database(migrated_url)) as database:
        found = Surveillance(database)
        found.require_ledger_under_these_rules()
        for number in range(4):
            send(found, number)
        erase(found, PatientKey("h1", "p1"), Actor("test"))
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of either store, whichever the other is."""
    opens: Opens = request.getfixturevalue(f"{request.param}_databases")
    with opens() as url:
        yield url


def send(surveillance: Surveillance, number: int) -> None:
    """A batch of two events of one patient."""
    who = {"facility": f"h{number % 2}", "patient": f"p{number}"}
    day = date(2024, 1, 1) + timedelta(days=number % 300)
    kind = "stem_cell_injection"
    events: list[AnyEvent] = [
        Transplant(event_id=f"t{number}", occurred_on=day, transplant_type=kind, **who),
        Infection(event_id=f"i{number}", occurred_on=day + timedelta(days=60), finding=NTM, **who),
    ]
    drafts = [Draft(at, one, encode(one).decode()) for at, one in enumerate(events)]
    record(surveillance, drafts)


@contextmanager
def restored(file: Path, url: str) -> Iterator[tuple[Database, list[Proof], Manifest]]:
    """A database filled from the file, with all proofs of it."""
    with closing(Database(url)) as database, reading(file) as archive:
        restore(archive, database)
        proofs = [prove_tables(archive, database)]
        go_to(read_settings(database_url=url), HEAD)
        again = Surveillance(database)
        proofs += prove(archive.manifest, again, lambda _: None)
        yield database, proofs, archive.manifest


def failed(proofs: list[Proof]) -> list[str]:
    return [proof.name for proof in proofs if not proof.holds]


@contextmanager
def writing_on(surveillance: Surveillance) -> Iterator[Callable[[], None]]:
    """Somebody sends batch after batch; calling waits until one more is stored."""
    ends, stored = Event(), Event()

    def send_on() -> None:
        number = 100
        while not ends.is_set():
            send(surveillance, number)
            stored.set()
            number += 1

    def wait() -> None:
        stored.clear()
        assert stored.wait(PATIENCE_SECONDS)

    sender = Thread(target=send_on)
    sender.start()
    try:
        yield wait
    finally:
        ends.set()
        sender.join(PATIENCE_SECONDS)


def test_one_state_is_kept_while_others_write(
    surveillance: Surveillance, empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "b.tar"
    with writing_on(surveillance) as wait:
        wait()
        made = back_up(surveillance, file, lambda _: wait())
    with surveillance.database.read() as connection:
        later = ledger.head_position(connection)
    assert later >= made.position + 2 * len(made.tables), "a batch came after every table"
    with restored(file, empty_url) as (database, proofs, manifest):
        assert (len(proofs), failed(proofs)) == (4, []), proofs
        assert manifest == made
        with database.read() as connection, surveillance.database.read() as original:
            kept = select(RecordedEvent.event_id, RecordedEvent.received)
            before = kept.where(RecordedEvent.position <= made.position)
            assert set(connection.execute(kept)) == set(original.execute(before))
            erased = 3  # two events, and the erasure has a position too
            assert made.figures["events"] == made.position - erased


def test_what_was_restored_goes_on(
    surveillance: Surveillance, empty_url: str, tmp_path: Path
) -> None:
    """Events, alerts and audit entries are numbered on from where the backup was made."""
    made = back_up(surveillance, tmp_path / "b.tar")
    alerts = select(AlertEventRow.sequence).order_by(AlertEventRow.sequence.desc())
    with restored(tmp_path / "b.tar", empty_url) as (database, proofs, _):
        assert failed(proofs) == []
        again = Surveillance(database)
        with database.read() as connection:
            last = connection.execute(alerts).scalars().first()
        assert last
        enter(again, made)
        send(again, 77)
        with database.read() as connection:
            assert ledger.head_position(connection) == made.position + 2
            assert connection.execute(alerts).scalars().first() > last
        assert failed(list(prove(made, again, lambda _: None))) == ["figures"], "one case more"


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE events SET received = 'x' WHERE patient = 'p2'", ["tables"]),
        ("DELETE FROM api_keys", []),
        ("UPDATE segments SET end_day = end_day + 1 WHERE patient = 'p2'", ["tables", "ledger"]),
        ("UPDATE risk_steps SET change = change + 1", ["tables", "ledger", "figures"]),
        ("UPDATE audit_head SET sequence = sequence - 1", ["tables", "audit"]),
        ("UPDATE ledger_head SET rules_fingerprint = 'x'", ["tables", "ledger"]),
    ],
)
def test_a_proof_fails_where_something_is_not_as_it_was(
    surveillance: Surveillance,
    databases: Opens,
    tmp_path: Path,
    statement: str,
    broken: list[str],
) -> None:
    back_up(surveillance, tmp_path / "b.tar")
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database(stack.enter_context(databases()))))
        archive = stack.enter_context(reading(tmp_path / "b.tar"))
        restore(archive, database)
        with database.migrate() as connection:
            connection.execute(text(statement))
        proofs = [
            prove_tables(archive, database),
            *prove(archive.manifest, Surveillance(database), lambda _: None),
        ]
        assert failed(proofs) == broken


def test_whatever_the_values_both_stores_write_them_alike(
    surveillance: Surveillance, empty_url: str, tmp_path: Path
) -> None:
    strange = [
        "",
        "\\N",
        "\\",
        "a\tb\nc\rd\be\ff\vg",
        "\\t",
        "Ärzte, “quoted”, '', \"\", ☃, 𝕊",
        "\x01\x7f\u2028",
        " spaces ",
        "\\.",
    ]
    instants = [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC),
        datetime(2026, 1, 1, 12, 0, 10, 1, tzinfo=UTC),
    ]
    numbers = [0.0, -0.0, 3.0, 0.1, 1e-7, 1e15, 1.5e300, -2.25e-300, 123456789012345680.0]
    with surveillance.write() as connection:
        for at, words in enumerate(strange):
            row = {
                "alert_id": "a",
                "recorded_at": instants[at % 3],
                "name": "note",
                "actor": words,
                "note": words or None,
                "detail": {"words": words, "number": numbers[at]},
            }
            connection.execute(insert(AlertEventRow), row)
        put_readings(
            connection, [Reading(f"m{at}", "é", one, 1, 1) for at, one in enumerate(numbers)]
        )
    back_up(surveillance, tmp_path / "b.tar")
    rows = select(*AlertEventRow.metadata.tables["alert_history"].c)
    with restored(tmp_path / "b.tar", empty_url) as (database, proofs, _):
        assert failed(proofs) == []
        with database.read() as connection, surveillance.database.read() as original:
            assert connection.execute(rows).all() == original.execute(rows).all()
            assert sorted(all_readings(connection)) == sorted(all_readings(original))


def test_only_into_an_empty_database(
    surveillance: Surveillance, migrated_url: str, tmp_path: Path
) -> None:
    back_up(surveillance, tmp_path / "b.tar")
    with reading(tmp_path / "b.tar") as archive:
        with pytest.raises(Unusable, match="holds data already"):
            restore(archive, surveillance.database)
        with closing(Database(migrated_url)) as database, database.read() as connection:
            assert ledger.head_position(connection) == archive.manifest.position


def test_a_migrated_database_without_data_is_empty(
    surveillance: Surveillance, databases: Opens, tmp_path: Path
) -> None:
    """As `docker compose up` leaves it: at the newest revision, with what is shipped."""
    back_up(surveillance, tmp_path / "b.tar")
    with databases(migrated=True) as url:
        add_what_is_shipped(read_settings(database_url=url))
        with restored(tmp_path / "b.tar", url) as (_, proofs, _manifest):
            assert failed(proofs) == []


def test_one_of_another_revision_needs_a_database_without_tables(migrated_url: str) -> None:
    with (
        closing(Database(migrated_url)) as database,
        reading(EARLIER) as archive,
        pytest.raises(Unusable, match="without any table"),
    ):
        restore(archive, database)


def test_data_of_an_earlier_release_goes_forward_back_and_forward(database_url: str) -> None:
    """Its figures were asked of the code of that time (data/README.md)."""
    with restored(EARLIER, database_url) as (database, proofs, manifest):
        assert (len(proofs), failed(proofs)) == (4, []), proofs
        assert manifest.revision == "0008"
        assert manifest.figures["facilities"]["net-01"]["person_days"] == 9413
        until = date.fromisoformat(manifest.figures["until"])
        for step, revision in ((downgrade, "0008"), (upgrade, "head")):
            step(database_url, revision)
            with database.read() as connection:
                assert figures(connection, until) == manifest.figures
        assert failed(list(prove(manifest, Surveillance(database), lambda _: None))) == []
