"""Acknowledged means on disk: whatever is killed under load, nothing is lost, nothing is twice.

`CRASHES=50 make test PYTEST_ARGS=tests/journeys/test_crash.py` does it fifty times on each store;
the suite a few times. Senders send again what was not acknowledged, as senders do, so in the end
every event they had is there.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count, islice
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select
from sqlmodel import col

from service.pipeline.audit_trail import RECORDED, check_chain
from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store import audit_log
from service.store.engine import Database
from service.store.tables import RecordedEvent
from tests.journeys.conftest import wait_until_ready
from tests.journeys.own_postgres import OwnPostgres

SERVE = """
import socket, sys
from service.commands.collecting import collect_seldom
from service.commands.serving import run
from service.logs import configure_logging
from service.settings import read_settings

collect_seldom()
from service.main import create_app

settings = read_settings()
configure_logging(settings.log_level, settings.log_format)
listening = socket.socket(fileno=int(sys.argv[1]))
sys.exit(0 if run(create_app(settings), listening) else 3)
"""
CRASHES = int(os.environ.get("CRASHES") or 3)
SENDERS = 4
PATIENCE_SECONDS = 60
NDJSON = {"content-type": "application/x-ndjson"}


class Served:
    """The service on one address, however often it is killed: what comes meanwhile waits."""

    def __init__(self, database_url: str, log_file: Path, **settings: Any) -> None:
        """Take the address; nothing runs yet."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._log_file = log_file
        self._environment = {
            **os.environ,
            "GRAFTWATCH_DATABASE_URL": database_url,
            "GRAFTWATCH_AUTH": "off",
            **{f"GRAFTWATCH_{name.upper()}": str(value) for name, value in settings.items()},
        }

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", SERVE, str(self._listening.fileno())],
                env=self._environment,
                pass_fds=[self._listening.fileno()],
                stdout=log,
                stderr=log,
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it is ready, without starting it anew."""
        wait_until_ready(self.base_url, lambda: self._process.poll() is None, self._log_file)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it and give the address back."""
        self.kill()
        self._listening.close()


class Load:
    """Senders that go on until told to stop, and what was acknowledged to them."""

    def __init__(self, base_url: str) -> None:
        """Nothing is sent yet."""
        self._base_url = base_url
        self._ends = Event()
        self._numbers = count()
        self.acknowledged: set[str] = set()
        self.unavailable = 0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Send and read in the background; at the end, everything begun is acknowledged."""
        with ThreadPoolExecutor(SENDERS + 1) as pool:
            workers = [pool.submit(self._send) for _ in range(SENDERS)]
            workers.append(pool.submit(self._read))
            try:
                yield
            finally:
                self._ends.set()
        for worker in workers:
            worker.result()

    def wait_for(self, number: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + number
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, "the service has not recovered"
            time.sleep(0.002)

    def _send(self) -> None:
        with httpx.Client(base_url=self._base_url, timeout=PATIENCE_SECONDS) as client:
            for number in self._numbers:
                if self._ends.is_set():
                    return
                self._send_patient(client, number)

    def _send_patient(self, client: httpx.Client, number: int) -> None:
        """One event after the other, all at once, or as a stream."""
        events = course(f"p{number}")
        if number % 3 == 0:
            for event in events:
                self._insist(client, [event], json=event)
        elif number % 3 == 1:
            self._insist(client, events, json=events)
        else:
            lines = b"\n".join(map(msgspec.json.encode, events))
            self._insist(client, events, content=lines, headers=NDJSON)

    def _insist(self, client: httpx.Client, events: list[dict[str, Any]], **sent: Any) -> None:
        """Send until it is acknowledged; whatever else may be answered is 503 with a delay."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = client.post("/v1/events", **sent)
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                self.acknowledged |= {event["event_id"] for event in events}
                return
            self._require_unavailable(answer)
            time.sleep(0.02)
        raise AssertionError("never acknowledged")

    def _read(self) -> None:
        """Ask for rates all the while, so that the sums in memory follow what is written."""
        with httpx.Client(base_url=self._base_url, timeout=PATIENCE_SECONDS) as client:
            while not self._ends.is_set():
                try:
                    answer = client.get("/v1/rates", params=RATES)
                except httpx.TransportError:
                    continue
                if answer.status_code != 200:
                    self._require_unavailable(answer)
                time.sleep(0.02)

    def _require_unavailable(self, answer: httpx.Response) -> None:
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
        self.unavailable += 1


RATES = {"by": "transplant_type", "start": "2024-01-01", "end": "2024-12-31"}


def course(patient: str) -> list[dict[str, Any]]:
    """A patient's transplantation and infections."""

    def event(name: str, **more: Any) -> dict[str, Any]:
        return {"event_id": f"{patient}-{name}", "facility": "ucd-01", "patient": patient, **more}

    kind = "kidney" if int(patient[1:]) % 2 else "liver"
    first = {"type": "transplant", "occurred_on": "2024-03-01", "transplant_type": kind}
    infections = (
        event(
            f"i{day}",
            type="infection",
            occurred_on=f"2024-05-{day}",
            infection_type="bacterial",
            site="blood",
        )
        for day in (10, 12, 28)
    )
    return [event("t", **first), *infections]


def stored(database: Database) -> list[str]:
    """The names of all events in the store."""
    with database.read() as connection:
        return list(connection.execute(select(col(RecordedEvent.event_id))).scalars())


def require_whole_audit(database: Database, known: set[str]) -> None:
    """The chain holds, and says of every event that is stored that it was sent."""
    with database.read() as connection:
        check = check_chain(connection)
        found = audit_log.entries(connection, limit=None, actions=[RECORDED])
    assert check.breaks == []
    assert sum(entry.detail["events"] for entry in found) >= len(known)


def rates(base_url: str) -> Any:
    """What the service says of the whole year."""
    told = httpx.get(f"{base_url}/v1/rates", params=RATES, timeout=PATIENCE_SECONDS)
    assert told.status_code == 200
    return {key: value for key, value in told.json().items() if key != "as_of"}


def victims(
    served: Served, postgres: OwnPostgres | None, chance: random.Random
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Who is killed next: each in turn, in an order left to chance."""

    def service() -> None:
        served.kill()
        served.start()

    def database() -> None:
        assert postgres
        postgres.kill()
        postgres.start()
        served.wait()

    def both() -> None:
        assert postgres
        postgres.kill()
        served.kill()
        postgres.start()
        served.start()

    ways: list[Callable[[], None]] = [service, database, both] if postgres else [service]
    while True:
        chance.shuffle(ways)
        yield from ((way.__name__, way) for way in ways)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[str, OwnPostgres | None]]:
    """A database that may be killed: its address, and its server where there is one."""
    if request.param == "sqlite":
        with request.getfixturevalue("sqlite_databases")(migrated=True) as url:
            yield url, None
        return
    own: OwnPostgres = request.getfixturevalue("own_postgres")
    yield own.create(), own


def test_what_was_acknowledged_before_a_kill_is_there_once(
    store: tuple[str, OwnPostgres | None], tmp_path: Path
) -> None:
    url, postgres = store
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    killed: dict[str, int] = {}
    began = time.monotonic()
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database(url)))
        served = stack.enter_context(closing(Served(url, tmp_path / "log")))
        served.start()
        load = Load(served.base_url)
        with load.going_on():
            for name, kill in islice(victims(served, postgres, chance), CRASHES):
                load.wait_for(chance.randrange(10, 100))
                time.sleep(chance.uniform(0, 0.05))
                kill()
                acknowledged = set(load.acknowledged)
                found = stored(database)
                assert len(found) == len(set(found)), (seed, killed)
                assert acknowledged <= set(found), (seed, killed)
                require_whole_audit(database, set(found))
                killed[name] = killed.get(name, 0) + 1
            load.wait_for(20)
        assert sorted(load.acknowledged) == sorted(stored(database)), seed
        assert rebuild(Surveillance(database)).is_clean, seed
        require_whole_audit(database, set(load.acknowledged))
        followed = rates(served.base_url)
        served.kill()
        served.start()
        assert followed == rates(served.base_url), seed
        assert "unexpected fault" not in (tmp_path / "log").read_text()
    print(  # noqa: T201 - what `make crash` tells
        f"{'PostgreSQL' if postgres else 'SQLite'}: killed {killed}, "
        f"{len(load.acknowledged)} events acknowledged, "
        f"{load.unavailable} times 503, {time.monotonic() - began:.0f} s, seed {seed}"
    )
