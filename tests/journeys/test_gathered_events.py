"""Many senders at once over HTTP: each is answered for its own events, after their commit."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any

import pytest

from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database

SENDERS = 8


def event(facility: str, name: str, patient: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "transplant",
        "event_id": name,
        "facility": facility,
        "patient": patient,
        "occurred_on": "2024-03-01",
        "transplant_type": "kidney",
        **more,
    }


def chart(facility: str) -> list[dict[str, Any]]:
    """One patient's events, all of whose orders of receipt say the same in the end."""
    others = [
        {"type": "regimen", "agents": ["tacrolimus"], "occurred_on": "2024-03-02"},
        {"type": "infection", "infection_type": "ntm", "occurred_on": "2024-06-01"},
        {"type": "outcome", "outcome": "death", "occurred_on": "2024-09-01"},
    ]
    common = {"facility": facility, "patient": "p1"}
    told = [{"event_id": f"e{number}", **common, **one} for number, one in enumerate(others)]
    return [event(facility, "t1", "p1"), *told]


def send_from_everybody(service: Any, bodies_of: list[list[Any]]) -> list[list[Any]]:
    """The answers to each sender's bodies, all begun at the same instant."""
    key = service.key()
    start = Barrier(len(bodies_of))

    def send(bodies: list[Any]) -> list[Any]:
        with service.client(key) as client:
            start.wait(30)
            return [client.post("/v1/events", json=body) for body in bodies]

    with ThreadPoolExecutor(len(bodies_of)) as senders:
        return list(senders.map(send, bodies_of))


def require_ledger_equals_replay(service: Any) -> None:
    with closing(Database(service.database_url)) as database:
        assert rebuild(Surveillance(database)).is_clean


def test_the_same_chart_from_everybody_is_kept_once(service, facility):
    answers = send_from_everybody(service, [chart(facility) for _ in range(SENDERS)])
    for place in range(4):
        ends = sorted(of_sender[place].json()["results"][0]["status"] for of_sender in answers)
        assert ends == ["accepted", *["duplicate"] * (SENDERS - 1)]
    require_ledger_equals_replay(service)


def test_each_sender_hears_of_its_own_faults_only(service, facility):
    bodies: list[list[Any]] = []
    for number in range(SENDERS):
        good = event(facility, f"good{number}", f"n{number}")
        ambiguous = {**good, "event_id": f"bad{number}", "transplant_type": "LTx"}
        clash = event(facility, "clash", "p1", occurred_on=f"2024-03-{number + 1:02}")
        bodies.append([good, ambiguous, clash, [good, ambiguous]])
    answers = send_from_everybody(service, bodies)
    assert [[answer.status_code for answer in of_sender[:2]] for of_sender in answers] == [
        [201, 422]
    ] * SENDERS
    clashes = sorted(of_sender[2].json()["results"][0]["status"] for of_sender in answers)
    assert clashes == ["accepted", *["rejected"] * (SENDERS - 1)]
    for of_sender in answers:
        assert [one["status"] for one in of_sender[3].json()["results"]] == [
            "duplicate",
            "rejected",
        ]
    require_ledger_equals_replay(service)


def test_whoever_is_answered_reads_what_was_written(service, facility):
    """Each sender asks for its patient right after its answer, and finds the event."""
    key = service.key()

    def write_and_read(number: int) -> None:
        with service.client(key) as client:
            for turn in range(5):
                patient = f"n{number}-{turn}"
                client.post("/v1/events", json=event(facility, patient, patient))
                found = client.get(f"/v1/facilities/{facility}/patients/{patient}")
                assert found.status_code == 200

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(write_and_read, range(SENDERS)))


def test_more_than_may_wait_is_told_to_come_again(start_service, facility):
    """A body larger than all that may wait is still taken where nothing waits."""
    with start_service(auth="off", max_waiting_events=1) as service, service.client(None) as client:
        body = [event(facility, f"t{number}", f"n{number}") for number in range(5)]
        assert client.post("/v1/events", json=body).status_code == 201


def test_a_stream_that_is_cut_is_sent_again_without_harm(start_service, facility):
    """What came whole before the cut is stored batch by batch; sent again, it is known."""
    lines = [
        json.dumps(event(facility, f"t{number}", f"n{number}")).encode() + b"\n"
        for number in range(25)
    ]

    def broken_off() -> Iterator[bytes]:
        yield from lines[:17]
        raise ConnectionAbortedError

    headers = {"content-type": "application/x-ndjson"}
    with (
        start_service(auth="off", ingest_batch_size=5) as service,
        service.client(None) as client,
    ):
        with pytest.raises(ConnectionAbortedError):
            client.post("/v1/events", content=broken_off(), headers=headers)
        answer = client.post("/v1/events", content=b"".join(lines), headers=headers).json()
        assert answer["accepted"] + answer["duplicates"] == answer["received"] == 25
        again = client.post("/v1/events", content=b"".join(lines), headers=headers).json()
        assert again["duplicates"] == 25
        assert again["position"] == answer["position"] == 25
        require_ledger_equals_replay(service)
