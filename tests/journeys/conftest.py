"""The running service over HTTP: a process of its own, on a database of its own, on both stores.

In:     the `databases` fixture.
Out:    `service` (one for all tests of a store) and `start_service` (one more, set otherwise);
        `client`, who may do everything; `facility`, whose name no other test uses.
Source: CONTRACTs are kept with senders, so they are tested from where senders stand.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from service.api.access import Scope
from service.store.engine import Database
from service.store.keys import create_key
from tests.conftest import IN_CI
from tests.journeys import forked
from tests.journeys.own_postgres import OwnPostgres

PATIENCE_SECONDS = 60
ALL_SCOPES = tuple(Scope)
HERE = "where it listens"
PSEUDONYM_KEY = "the simulated secret of a simulated network"


class DidNotStartError(RuntimeError):
    """The service did not come up; the text is its log."""


@dataclass(frozen=True)
class Service:
    """A running service."""

    base_url: str
    database_url: str
    log_file: Path

    def key(self, *scopes: str, facilities: tuple[str, ...] | None = None, **more: Any) -> str:
        """A new key; by default it may do everything everywhere."""
        expires_at = more.get("expires_at")
        database = Database(self.database_url)
        try:
            with database.write() as connection:
                now = datetime.now(UTC)
                chosen = scopes or ALL_SCOPES
                _, key = create_key(connection, "test", chosen, facilities, expires_at, now)
        finally:
            database.close()
        return key

    @contextmanager
    def client(self, key: str | None) -> Iterator[httpx.Client]:
        """A client with a key, or without any."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(base_url=self.base_url, headers=headers, timeout=60) as client:
            yield client

    @property
    def log(self) -> str:
        """Everything the service has logged so far."""
        return self.log_file.read_text(encoding="utf-8")


Start = Callable[..., AbstractContextManager[Service]]


@contextmanager
def running(database_url: str, log_file: Path, **settings: Any) -> Iterator[Service]:
    """Serve a migrated database until the block ends."""
    names = {f"GRAFTWATCH_{name.upper()}": str(value) for name, value in settings.items()}
    environment = {**os.environ, **names, "GRAFTWATCH_DATABASE_URL": database_url}
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        if settings.get("public_url") == HERE:
            environment["GRAFTWATCH_PUBLIC_URL"] = base_url
        process = forked.start(listening, environment, log_file)
        stack.callback(end, process)
        wait_until_ready(base_url, process.is_alive, log_file)
        yield Service(base_url, database_url, log_file)


def heed_ctrl_c() -> None:
    """As at a terminal: a shell lets what it starts in the background ignore the signal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: ForkServerProcess) -> None:
    """Ask the service to end, and see that it does."""
    process.terminate()
    process.join(20)
    if process.is_alive():
        process.kill()
        process.join()
        raise TimeoutError("the service did not end")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the process to end, and see that it does."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def wait_until_ready(base_url: str, is_running: Callable[[], bool], log_file: Path) -> None:
    """Return when the service says it is ready; raise with its log where it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(base_url=base_url, timeout=5) as client:
        while time.monotonic() < deadline and is_running():
            try:
                if client.get("/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise DidNotStartError(log_file.read_text()[-8000:])


@pytest.fixture(scope="session")
def service(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service on each store, shared: a test keeps to facilities of its own."""
    log_file = tmp_path_factory.mktemp("service") / "log"
    with (
        databases(migrated=True) as url,
        running(url, log_file, pseudonym_key=PSEUDONYM_KEY, public_url=HERE) as service,
    ):
        yield service


@pytest.fixture
def start_service(migrated_url: str, tmp_path: Path) -> Start:
    """Starts a service on an empty database: `with start_service(auth="off") as service`."""

    def start(database_url: str | None = None, **settings: Any) -> AbstractContextManager[Service]:
        log_file = tmp_path / f"log-{token_hex(4)}"
        return running(database_url or migrated_url, log_file, **settings)

    return start


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL that may be killed, stopped and filled up; a test leaves it running."""
    # Not under pytest's folder, which any other run of pytest closes to the server's own user.
    with TemporaryDirectory(prefix="graftwatch-") as home:
        try:
            own = OwnPostgres(Path(home))
        except Exception as fault:
            if IN_CI:
                raise
            pytest.skip(f"no PostgreSQL of its own here ({type(fault).__name__})")
        yield own
        own.stop()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """An empty file system of 64 MiB of its own; only root may make one."""
    with TemporaryDirectory(prefix="graftwatch-") as place:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m,mode=777", "tmpfs", place],
            capture_output=True,
            check=False,
        )
        if made.returncode:
            pytest.skip("no file system can be made here")
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """A client who may do everything."""
    with service.client(service.key()) as client:
        yield client


@pytest.fixture
def facility() -> str:
    """A facility whose name no other test uses."""
    return f"ucd-{token_hex(4)}"


@pytest.fixture(scope="module")
def network(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that watches: with the shipped baselines and monitors, for one test module."""
    from tests.journeys.watched import watching

    log_file = tmp_path_factory.mktemp("network") / "log"
    with databases(migrated=True) as url, watching(url, log_file) as service:
        yield service


@pytest.fixture
def watched_client(network: Service) -> Iterator[httpx.Client]:
    """One who may do everything in a network that knows of no patient yet."""
    from tests.journeys.watched import forget_everything

    forget_everything(network)
    with network.client(network.key()) as client:
        yield client
