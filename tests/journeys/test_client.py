"""The client against the running service: killed, cut off, killed itself; all is there once."""

import json
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from service.client import Client, Outbox, Patience, Refused
from service.store.engine import Database
from tests.journeys.conftest import Service
from tests.journeys.test_cli import graftwatch
from tests.journeys.test_crash import Served, course, stored
from tests.journeys.watched import injected

QUICK = Patience(first_pause=0.02, longest_pause=0.2)
SECONDS = 120


class DroppingProxy:
    """Hands bytes on in both directions; cuts a connection after so many, when told to."""

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._chance = random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.drops = True
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        """Of one connection either the question or the answer is cut, or nothing."""
        with closing(caller), closing(socket.socket()) as service:
            try:
                service.connect(("127.0.0.1", self._port))
            except OSError:
                return
            limits = [self._chance.choice([None, 0, 40, 700, 2000]) for _ in range(2)]
            asking = threading.Thread(target=self._hand_on, args=(caller, service, limits[0]))
            asking.start()
            self._hand_on(service, caller, limits[1])
            for end in (caller, service):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            asking.join()

    def _hand_on(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(512):
                passed += len(piece)
                if self.drops and limit is not None and passed > limit:
                    self.cuts += 1
                    break
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def served(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    with closing(Served(migrated_url, tmp_path / "log")) as served:
        served.start()
        yield served


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    with closing(Database(migrated_url)) as database:
        yield database


def outbox(url: str, directory: Path) -> Outbox:
    return Outbox(Client(url, timeout_seconds=20), directory, between=QUICK)


def test_a_service_that_is_killed_under_a_sending_client(
    served: Served, database: Database, tmp_path: Path
) -> None:
    put: list[str] = []
    with outbox(served.base_url, tmp_path / "spool") as box:
        for number in range(60):
            events = course(f"p{number}")
            box.put(events)
            put += [event["event_id"] for event in events]
            if number in (20, 40):
                served.kill()
                served.start()
        assert box.flush(SECONDS), box.fault
        assert not box._spool.rejected.exists()
    assert sorted(stored(database)) == sorted(put)


def test_a_network_that_cuts_questions_and_answers(
    served: Served, database: Database, tmp_path: Path
) -> None:
    port = int(served.base_url.rpartition(":")[2])
    put: list[str] = []
    with ExitStack() as stack:
        proxy = stack.enter_context(closing(DroppingProxy(port, seed=5)))
        box = stack.enter_context(outbox(proxy.base_url, tmp_path / "spool"))
        for number in range(40):
            events = course(f"p{number}")
            for event in events:
                box.put([event])
            put += [event["event_id"] for event in events]
        box.flush(5)
        proxy.drops = False
        assert box.flush(SECONDS), box.fault
        assert proxy.cuts > 0
    assert sorted(stored(database)) == sorted(put)


PUT_FOR_EVER = """
import json, sys
from service.client import Client, Outbox
from tests.journeys.test_crash import course

outbox = Outbox(Client(sys.argv[1]), sys.argv[2])
for number in range(10**9):
    for event in course(f"p{number}"):
        outbox.put([event])
        print(event["event_id"], flush=True)
"""


def test_a_client_that_is_killed_has_lost_nothing_that_it_put(
    served: Served, database: Database, tmp_path: Path
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    told: list[str] = []
    for wanted in (30, 60):  # the second goes on in the folder that the first left
        with subprocess.Popen(
            [sys.executable, "-c", PUT_FOR_EVER, nobody, str(tmp_path / "spool")],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            for line, _ in zip(process.stdout, count(1), strict=False):
                told.append(line.strip())
                if len(told) >= wanted:
                    break
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()
            told += [name for name in rest.splitlines() if name]
    assert len(told) >= 60
    with outbox(served.base_url, tmp_path / "spool") as box:
        assert box.flush(SECONDS), box.fault
    found = stored(database)
    assert len(found) == len(set(found))
    assert set(told) <= set(found)
    assert len(set(found) - set(told)) <= 2, "at most what each was putting when it was killed"


# Typed answers, and the command


@pytest.fixture
def holder(network: Service) -> Iterator[Client]:
    from tests.journeys.watched import forget_everything

    forget_everything(network)
    with Client(network.base_url, network.key()) as client:
        yield client


def test_figures_and_alerts_of_the_running_service_are_read(holder: Client) -> None:
    receipt = holder.send(injected("ucd-01", "p1", "2024-01-01"))
    assert (receipt.accepted, receipt.results[0].status) == (2, "accepted")
    assert holder.send(injected("ucd-01", "p1", "2024-01-01")).duplicates == 2
    rates = holder.rates(by="infection_type", infection_type="ntm", start="2024-01-01")
    assert (rates.total.cases, rates.rows[0].stratum) == (1, {"infection_type": "ntm"})
    assert rates.as_of.position == receipt.position
    assert rates.total.ci.method == "exact"
    alert = next(alert for alert in holder.alerts(limit=1) if alert.cases)
    assert holder.alert(alert.id) == alert
    assert alert.cases[0].patient == "p1"


def test_a_key_that_may_not_is_told_so(network: Service) -> None:
    with Client(network.base_url, network.key("rates:read")) as client:
        with pytest.raises(Refused) as caught:
            client.send(injected("ucd-01", "p1", "2024-01-01"))
        assert (caught.value.status, caught.value.code) == (403, "scope_missing")


def test_a_file_is_imported_into_a_service_elsewhere(network: Service, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = [
        *injected("ucd-09", "p1", "2024-01-01"),
        {**injected("ucd-09", "p2", "2024-01-01")[0], "transplant_type": "ASCT"},
        {"type": "void", "event_id": "v", "facility": "ucd-09", "patient": "p1",
         "occurred_on": "2024-02-01", "voids": "never-sent"},
    ]  # fmt: skip
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    key = tmp_path / "key"
    key.write_text(network.key("events:write") + "\n")
    words = ("import", str(file), "--url", network.base_url, "--key-file", str(key))
    first = graftwatch(*words)
    assert first.returncode == 1
    assert first.stdout.strip() == "4 received, 2 accepted, 0 known before, 2 rejected"
    assert "line 3: /transplant_type: ambiguous_term" in first.stderr
    assert "line 4: /voids: " in first.stderr
    again = graftwatch(*words)
    assert again.stdout.strip() == "4 received, 0 accepted, 2 known before, 2 rejected"
    key.write_text("gw_0000000000000000_guess")
    refused = graftwatch(*words)
    assert refused.returncode == 2
    assert "unknown, expired or revoked" in refused.stderr
