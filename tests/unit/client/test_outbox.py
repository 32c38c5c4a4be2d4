"""The outbox: everything put arrives, in order, and what is refused is kept beside."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from service.client import Client, Outbox, Patience, Receipt

QUICK = Patience(first_pause=0.01, longest_pause=0.02)
SECONDS = 30


class Network:
    """A service that keeps events by their name, behind a line that may be cut."""

    def __init__(self) -> None:
        self.is_up = True
        self.loses_answers = 0
        self.status: int | None = None
        self.kept: dict[str, Any] = {}
        self.arrivals: list[str] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        if not self.is_up:
            raise httpx.ConnectError("cut")
        if self.status:
            return httpx.Response(self.status, json={"code": "invalid_key"})
        results = [self._take(n, e) for n, e in enumerate(msgspec.json.decode(request.content))]
        if self.loses_answers:
            self.loses_answers -= 1
            raise httpx.ReadError("lost")
        return httpx.Response(207, json={"received": len(results), "results": results})

    def _take(self, place: int, event: dict[str, Any]) -> dict[str, Any]:
        name = event["event_id"]
        self.arrivals.append(name)
        status = "duplicate" if name in self.kept else "accepted"
        faults = []
        if event["type"] == "nonsense":
            status, faults = "rejected", [{"pointer": "/type", "code": "unknown", "message": "m"}]
        else:
            self.kept[name] = event
        return {"index": place, "event_id": name, "status": status, "errors": faults}

    @contextmanager
    def outbox(self, directory: Path, **more: Any) -> Iterator[Outbox]:
        client = Client("http://x", transport=httpx.MockTransport(self.handle))
        with Outbox(client, directory, between=QUICK, **more) as outbox:
            yield outbox


def events(first: int, last: int, type_: str = "void") -> list[dict[str, object]]:
    return [{"type": type_, "event_id": f"e{n}"} for n in range(first, last)]


def wait(holds: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_what_is_put_while_the_network_is_down_arrives_in_its_order(tmp_path: Path) -> None:
    network = Network()
    receipts: list[Receipt] = []
    with network.outbox(tmp_path, told=receipts.append) as outbox:
        network.is_up = False
        for n in range(20):
            outbox.put(events(n, n + 1))
        wait(lambda: outbox.fault is not None)
        assert not outbox.flush(0.01)
        assert network.kept == {}
        network.is_up = True
        assert outbox.flush(SECONDS)
        assert outbox.waiting_bytes == 0
    assert list(network.kept) == [f"e{n}" for n in range(20)]
    assert sum(receipt.received for receipt in receipts) == 20


def test_an_answer_that_is_lost_makes_no_duplicate_and_no_gap(tmp_path: Path) -> None:
    network = Network()
    network.loses_answers = 3
    with network.outbox(tmp_path) as outbox:
        outbox.put(events(0, 5))
        assert outbox.flush(SECONDS)
    assert len(network.arrivals) > len(network.kept) == 5


def test_what_is_left_is_delivered_by_the_next_process(tmp_path: Path) -> None:
    network = Network()
    network.is_up = False
    with network.outbox(tmp_path) as outbox:
        outbox.put(events(0, 3))
    network.is_up = True
    with network.outbox(tmp_path) as outbox:
        assert outbox.flush(SECONDS)
    assert list(network.kept) == ["e0", "e1", "e2"]


def test_a_key_that_is_refused_loses_nothing(tmp_path: Path) -> None:
    network = Network()
    network.status = 401
    with network.outbox(tmp_path) as outbox:
        outbox.put(events(0, 3))
        wait(lambda: outbox.fault is not None)
        network.status = None
        assert outbox.flush(SECONDS)
        wait(lambda: outbox.fault is None)
    assert len(network.kept) == 3


def test_what_the_service_refuses_is_kept_beside_and_holds_nothing_up(tmp_path: Path) -> None:
    network = Network()
    with network.outbox(tmp_path) as outbox:
        outbox.put([*events(0, 1), *events(1, 2, "nonsense"), *events(2, 3)])
        assert outbox.flush(SECONDS)
        assert outbox.waiting_bytes > 0
    assert list(network.kept) == ["e0", "e2"]
    (kept,) = [json.loads(line) for line in (tmp_path / "rejected.log").read_text().splitlines()]
    assert kept["event"] == {"event_id": "e1", "type": "nonsense"}
    assert kept["errors"][0]["code"] == "unknown"
