"""`graftwatch serve --workers 2` on PostgreSQL: two whole services behind one address.

Which of them answers is seen from outside: by the connections that the system says each holds.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.commands.migrating import add_what_is_shipped
from service.commands.workers import CANNOT_START, DATABASE_IS_AWAY, serve_or_exit
from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.settings import Settings, read_settings
from service.store.engine import Database
from service.store.migrate import downgrade
from tests.journeys.conftest import PATIENCE_SECONDS, Service, stop, wait_until_ready
from tests.journeys.own_postgres import OwnPostgres
from tests.journeys.test_alerts_api import data, listening
from tests.journeys.test_crash import RATES, Load, course, stored
from tests.journeys.watched import injected, send

GRAFTWATCH = str(Path(sys.executable).parent / "graftwatch")


class Workers:
    """A supervised service, seen from outside."""

    def __init__(self, process: "subprocess.Popen[bytes]", service: Service) -> None:
        """It runs already."""
        self.process, self.service = process, service

    @property
    def pids(self) -> set[int]:
        """The processes that listen."""
        children = psutil.Process(self.process.pid).children()
        return {child.pid for child in children if None in peers(child)}

    def of(self, answer: httpx.Response) -> int:
        """The worker that answered, found while its connection is still open."""
        address = answer.extensions["network_stream"].get_extra_info("client_addr")
        workers = map(psutil.Process, self.pids)
        (pid,) = [worker.pid for worker in workers if address in peers(worker)]
        return pid


def peers(worker: psutil.Process) -> set[Any]:
    """Who is connected to a process; None stands for a socket that listens."""
    try:
        return {one.raddr or None for one in worker.net_connections("tcp")}
    except psutil.NoSuchProcess:
        return set()


@contextmanager
def supervised(url: str, folder: Path, **settings: Any) -> Iterator[Workers]:
    """Serve with two workers until the block ends."""
    port = free_port()
    names = {f"GRAFTWATCH_{name.upper()}": str(value) for name, value in settings.items()}
    log_file = folder / "log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [GRAFTWATCH, "serve", "--workers", "2", "--port", str(port)],
            env={**os.environ, "TMPDIR": str(folder), "GRAFTWATCH_DATABASE_URL": url, **names},
            stdout=log,
            stderr=log,
        )
        try:
            base_url = f"http://127.0.0.1:{port}"
            wait_until_ready(base_url, lambda: process.poll() is None, log_file)
            workers = Workers(process, Service(base_url, url, log_file))
            wait_for(lambda: len(workers.pids) == 2)
            yield workers
        finally:
            stop(process)


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_for(holds: Callable[[], bool]) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


@pytest.fixture
def workers(postgresql_databases: Any, tmp_path: Path) -> Iterator[Workers]:
    """Two workers on an empty PostgreSQL, without keys."""
    with (
        postgresql_databases(migrated=True) as url,
        supervised(url, tmp_path, auth="off", sse_poll_seconds=0.1) as workers,
    ):
        yield workers


def by_each(workers: Workers, path: str, **params: str) -> list[httpx.Response]:
    """What each worker answers, over connections of its own."""
    found: dict[int, httpx.Response] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found) < 2:
        assert time.monotonic() < deadline, f"only {len(found)} of two workers answer"
        with httpx.Client(base_url=workers.service.base_url, timeout=60) as client:
            answer = client.get(path, params=params)
            found[workers.of(answer)] = answer
    return list(found.values())


def test_two_workers_take_in_events_and_agree(workers: Workers) -> None:
    """Sixteen connections at once; then each worker says the same, counts included."""

    def send(number: int) -> tuple[int, list[int]]:
        with httpx.Client(base_url=workers.service.base_url, timeout=60) as client:
            answers = [
                client.post("/v1/events", json=event)
                for patient in range(number, 96, 16)
                for event in course(f"p{patient}")
            ]
            return workers.of(answers[-1]), [answer.status_code for answer in answers]

    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(send, range(16)))
    assert {status for _, statuses in sent for status in statuses} == {201}
    assert {pid for pid, _ in sent} == workers.pids
    number = sum(len(statuses) for _, statuses in sent)

    one, other = (answer.json() for answer in by_each(workers, "/v1/rates", **RATES))
    assert one == other
    assert one["as_of"]["position"] == number
    assert sum(row["cases"] for row in one["rows"]) > 0

    accepted = ("graftwatch_events_total", {"status": "accepted"})
    for answer in by_each(workers, "/metrics"):
        families = text_string_to_metric_families(answer.text)
        samples = [sample for family in families for sample in family.samples]
        assert [s.value for s in samples if (s.name, s.labels) == accepted] == [number]
        assert [s.value for s in samples if s.name == "graftwatch_ledger_position"] == [number]
        assert [s.value for s in samples if s.name == "graftwatch_database_up"] == [1]


def test_a_worker_that_is_killed_loses_nothing_acknowledged_and_comes_again(
    workers: Workers,
) -> None:
    load = Load(workers.service.base_url)
    with closing(Database(workers.service.database_url)) as database:
        with load.going_on():
            for _ in range(3):
                load.wait_for(60)
                victim = min(workers.pids)
                os.kill(victim, signal.SIGKILL)
                acknowledged = set(load.acknowledged)
                found = stored(database)
                assert len(found) == len(set(found))
                assert acknowledged <= set(found)
                wait_for(lambda killed=victim: len(workers.pids - {killed}) == 2)  # type: ignore[misc]
            load.wait_for(60)
        assert sorted(load.acknowledged) == sorted(stored(database))
        assert rebuild(Surveillance(database)).is_clean
    assert [answer.status_code for answer in by_each(workers, "/health/ready")] == [200, 200]
    assert "unexpected fault" not in workers.service.log


def test_it_shares_its_port_with_nobody_and_ends_as_one(workers: Workers, tmp_path: Path) -> None:
    port = workers.service.base_url.rpartition(":")[2]
    refused = subprocess.run(
        [GRAFTWATCH, "serve", "--workers", "2", "--port", port],
        env={**os.environ, "GRAFTWATCH_DATABASE_URL": workers.service.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, f"Port {port} is taken" in refused.stderr) == (2, True)

    pids = workers.pids
    with httpx.Client(base_url=workers.service.base_url, timeout=60) as client:
        assert client.get("/health/live").status_code == 200
        workers.process.terminate()
        assert workers.process.wait(30) == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not list(tmp_path.glob("graftwatch-metrics-*"))


def test_workers_end_where_their_supervisor_is_killed(workers: Workers) -> None:
    pids = workers.pids
    workers.process.kill()
    workers.process.wait()
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_listeners_at_each_worker_hear_of_an_alert_that_either_opened(
    postgresql_databases: Any, tmp_path: Path
) -> None:
    with postgresql_databases(migrated=True) as url:
        add_what_is_shipped(read_settings(database_url=url))
        with supervised(url, tmp_path, auth="off", sse_poll_seconds=0.1) as workers:
            base_url = workers.service.base_url
            with ExitStack() as stack:
                streams = []
                for _ in range(8):  # that all are one worker's has a chance of 1 in 128
                    client = stack.enter_context(httpx.Client(base_url=base_url, timeout=30))
                    streams.append(stack.enter_context(listening(client)))
                sender = stack.enter_context(httpx.Client(base_url=base_url, timeout=30))
                send(sender, injected("hsct-1", "p1", "2026-01-05"))
                opened = [next(stream) for stream in streams]
            assert {event["event"] for event in opened} == {"alert.opened"}
            assert len({event["id"] for event in opened}) == 1
            (alert,) = {data(event)["id"] for event in opened}
            told = [answer.json()["items"] for answer in by_each(workers, "/v1/alerts")]
            assert [[one["id"] for one in items] for items in told] == [[alert], [alert]]


def test_more_than_one_worker_on_sqlite_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = subprocess.run(
        [GRAFTWATCH, "serve", "--workers", "2"],
        env={**os.environ, "GRAFTWATCH_DATABASE_URL": f"sqlite:///{tmp_path}/graftwatch.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stderr == (
        "graftwatch: GRAFTWATCH_WORKERS above 1 needs PostgreSQL, and GRAFTWATCH_DATABASE_URL "
        "names a SQLite file: leave GRAFTWATCH_WORKERS at 1, or name a PostgreSQL database\n"
    )


def test_a_worker_that_comes_again_waits_for_a_database_that_is_away(
    own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    with supervised(own_postgres.create(), tmp_path, auth="off") as workers:
        by_each(workers, "/health/ready")
        victim, other = sorted(workers.pids)
        with own_postgres.stopped():
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: "a worker waits for the database" in workers.service.log)
            assert workers.pids == {other}
        wait_for(lambda: len(workers.pids) == 2)
        assert other in workers.pids
        assert [answer.status_code for answer in by_each(workers, "/health/ready")] == [200, 200]


def test_a_worker_that_loses_the_database_as_it_starts_is_started_again(
    own_postgres: OwnPostgres,
) -> None:
    """Only what another try would not mend ends the service."""
    lost = []

    def serve_in_vain(_: Settings) -> bool:
        lost[0].__enter__()
        return False

    def exit_code(during: AbstractContextManager[None]) -> Any:
        lost[:] = [during]
        with pytest.raises(SystemExit) as ended:
            serve_or_exit(settings, serve_in_vain)
        during.__exit__(None, None, None)
        return ended.value.code

    settings = read_settings(database_url=own_postgres.create())
    assert exit_code(nullcontext()) == CANNOT_START
    assert exit_code(own_postgres.stopped()) == DATABASE_IS_AWAY


def test_where_a_worker_cannot_start_the_service_ends_and_says_so(workers: Workers) -> None:
    """As after a migration for another release."""
    downgrade(workers.service.database_url, "base")
    os.kill(min(workers.pids), signal.SIGKILL)
    assert workers.process.wait(PATIENCE_SECONDS) == 3
    assert "graftwatch migrate" in workers.service.log
