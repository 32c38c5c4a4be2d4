"""A disk without room, a database that cannot be written: 503, nothing half stored, then as before.

The disk is a small one of the test's own, filled up by a file beside the database.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col

from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from service.store.tables import RecordedEvent
from tests.conftest import migrate
from tests.journeys.conftest import Service, running
from tests.journeys.watched import injected


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No room on the disk for as long as the block lasts."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


def course(number: int) -> list[dict[str, Any]]:
    """Five patients, with much to store."""
    patients = [f"p{number}-{place}-{'x' * 40}" for place in range(5)]
    return [event for one in patients for event in injected("ucd-01", one, "2024-03-01")]


def stored(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(col(RecordedEvent.event_id))).scalars())


def keeps_what_it_acknowledges(service: Service, disk: Path) -> None:
    """Writes are answered 503 while there is no room; reads go on; none of it is stored."""
    with ExitStack() as stack:
        client = stack.enter_context(service.client(None))
        database = stack.enter_context(closing(Database(service.database_url)))
        acknowledged: set[str] = set()

        def post(number: int) -> httpx.Response:
            events = course(number)
            answer = client.post("/v1/events", json=events)
            if answer.status_code == 201:
                acknowledged.update(event["event_id"] for event in events)
            return answer

        assert post(0).status_code == 201
        # Who connects anew may find no room for what PostgreSQL notes of a connection.
        assert stored(database) == acknowledged
        with filled(disk):
            answers = [post(number) for number in range(1, 60)]
            refused = [answer for answer in answers if answer.status_code != 201]
            assert len(refused) > 10
            for answer in refused:
                assert (answer.status_code, answer.json()["code"]) == (503, "no_room"), answer.text
                assert int(answer.headers["retry-after"]) > 0
            assert client.get("/v1/rates").json()["total"]["cases"] == len(acknowledged) // 2
            assert stored(database) == acknowledged
        assert post(201).status_code == 201
        assert stored(database) == acknowledged
        assert client.get("/v1/rates").json()["total"]["cases"] == len(acknowledged) // 2
        assert rebuild(Surveillance(database)).is_clean
    assert "unexpected fault" not in service.log


def test_a_full_disk_under_sqlite(small_disk, tmp_path):
    url = f"sqlite:///{small_disk}/graftwatch.db"
    migrate(url)
    with running(url, tmp_path / "log", auth="off") as service:
        keeps_what_it_acknowledges(service, small_disk)


def test_a_full_disk_under_postgresql(small_disk, own_postgres, tmp_path):
    name = f"graftwatch_{token_hex(8)}"
    own_postgres.give(small_disk)
    own_postgres.execute(f"CREATE TABLESPACE {name} LOCATION '{small_disk}'")
    own_postgres.execute(f"CREATE DATABASE {name} TABLESPACE {name}")
    try:
        url = own_postgres.url(name)
        migrate(url)
        with running(url, tmp_path / "log", auth="off") as service:
            keeps_what_it_acknowledges(service, small_disk)
    finally:
        own_postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
        own_postgres.execute(f"DROP TABLESPACE {name}")
