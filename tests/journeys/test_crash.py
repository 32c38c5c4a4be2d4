"""Acknowledged means on disk: a service killed under load has lost nothing it answered for."""

import os
import signal
import socket
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col

from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from service.store.tables import RecordedEvent
from tests.journeys.conftest import SERVE, wait_until_ready

SENDERS = 4
ENOUGH = 40
"""Acknowledged events after which the service is killed, in the midst of others."""


def served(database_url: str, log_file: Path) -> "tuple[subprocess.Popen[bytes], str]":
    environment = {
        **os.environ,
        "GRAFTWATCH_DATABASE_URL": database_url,
        "GRAFTWATCH_AUTH": "off",
    }
    with socket.create_server(("127.0.0.1", 0)) as listening, log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVE, str(listening.fileno())],
            env=environment,
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=log,
        )
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    wait_until_ready(base_url, process, log_file)
    return process, base_url


def transplant(name: str) -> dict[str, Any]:
    return {
        "type": "transplant",
        "event_id": name,
        "facility": "ucd-01",
        "patient": name,
        "occurred_on": "2024-03-01",
        "transplant_type": "kidney",
    }


def test_what_was_acknowledged_before_a_kill_is_there_once(
    migrated_url: str, tmp_path: Path
) -> None:
    process, base_url = served(migrated_url, tmp_path / "log")
    acknowledged: set[str] = set()
    enough = threading.Event()
    numbers = count()

    def send() -> None:
        with httpx.Client(base_url=base_url, timeout=30) as client:
            for number in numbers:
                name = f"e{number}"
                try:
                    answer = client.post("/v1/events", json=transplant(name))
                except httpx.TransportError:
                    return
                assert answer.status_code == 201
                acknowledged.add(name)
                if len(acknowledged) >= ENOUGH:
                    enough.set()

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        assert enough.wait(60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for sender in senders:
            sender.join()

    database = Database(migrated_url)
    with database.read() as connection:
        stored = connection.execute(select(col(RecordedEvent.event_id))).scalars().all()
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)
    assert rebuild(Surveillance(database)).is_clean
    database.close()
