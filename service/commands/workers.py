"""Several processes behind one address: each is a whole service, and one that dies comes again.

In:     the settings.
Out:    a supervisor that ends once all have answered what they had begun.
Source: docs/decisions/0011-several-processes.md; socket(7), SO_REUSEPORT; prometheus_client,
        "Multiprocess Mode".
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TypeAlias

import structlog

from service.commands.collecting import collect_seldom
from service.errors import GraftwatchError
from service.settings import Settings

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks for the folder that processes share; it looks when imported."""
CANNOT_START = 3
"""A worker's exit code where another try would fail as well; uvicorn's."""
DATABASE_IS_AWAY = 4
"""A worker's exit code where another try waits for the database."""
SECONDS_BETWEEN_LOOKS = 0.5

Serve: TypeAlias = Callable[[Settings], bool]
"""Serves until told to stop; false where it could not start."""

log = structlog.stdlib.get_logger(__name__)


def supervise(settings: Settings, serve: Serve) -> bool:
    """Keep the workers running until SIGTERM or Ctrl-C; False where they cannot start.

    They are spawned, not forked: a fork would share what the database driver holds.
    """
    ends = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ends.set())
    with TemporaryDirectory(prefix="graftwatch-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[METRICS_FOLDER] = folder
        workers = [started(settings, serve) for _ in range(settings.workers)]
        while not ends.is_set() and not has_failed(workers):
            wait([worker.sentinel for worker in workers], SECONDS_BETWEEN_LOOKS)
            if not ends.is_set():
                workers = [replaced(worker, settings, serve) for worker in workers]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
    return not has_failed(workers)


def started(settings: Settings, serve: Serve) -> SpawnProcess:
    """A new worker."""
    worker = get_context("spawn").Process(target=work, args=(settings, serve), name="worker")
    worker.start()
    return worker


def replaced(worker: SpawnProcess, settings: Settings, serve: Serve) -> SpawnProcess:
    """The worker, or a new one in its place where it died."""
    if worker.exitcode is None or worker.exitcode == CANNOT_START:
        return worker
    log.error("a worker died and is started again", exit_code=worker.exitcode)
    return started(settings, serve)


def has_failed(workers: list[SpawnProcess]) -> bool:
    """Could one of them not start, as the others would not?"""
    return any(worker.exitcode == CANNOT_START for worker in workers)


def work(settings: Settings, serve: Serve) -> None:
    """Serve, in a process of the supervisor's."""
    from service.logs import configure_logging

    collect_seldom()
    configure_logging(settings.log_level, settings.log_format)
    Thread(target=end_with_supervisor, name="supervisor-watch", daemon=True).start()
    with suppress(KeyboardInterrupt):  # a terminal sends Ctrl-C to the workers too
        serve_or_exit(settings, serve)


def serve_or_exit(settings: Settings, serve: Serve) -> None:
    """Serve; a worker that could not start exits with a code that says whether to try again."""
    try:
        wait_for_database(settings)
        is_done = serve(settings)
    except GraftwatchError as fault:
        log.error(fault.message)  # noqa: TRY400 - its words are enough
        is_done = False
    if not is_done:
        raise SystemExit(CANNOT_START if database_answers(settings) else DATABASE_IS_AWAY)


def end_with_supervisor() -> None:
    """End as on SIGTERM once the supervisor is gone: nobody else would end this process."""
    supervisor = parent_process()
    if supervisor is not None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)


def wait_for_database(settings: Settings) -> None:
    """Return once the database answers: a worker that comes again must not end the others."""
    while not database_answers(settings):
        log.warning("a worker waits for the database")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def database_answers(settings: Settings) -> bool:
    """Can the database be read?"""
    from service.pipeline.opening import open_surveillance
    from service.store.unavailable import UNAVAILABLE

    with closing(open_surveillance(settings).database) as database:
        try:
            with database.read():
                return True
        except UNAVAILABLE:
            return False
