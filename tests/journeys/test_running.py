"""The service as a process: when it starts, when it is ready, and when senders vanish."""

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.store.migrate import downgrade


def outcome(facility: str, number: int) -> bytes:
    event = {
        "type": "outcome",
        "event_id": f"e{number:06}",
        "facility": facility,
        "patient": f"p{number % 50}",
        "occurred_on": "2024-03-01",
        "outcome": "relapse",
    }
    return json.dumps(event).encode() + b"\n"


def test_a_database_of_another_shape_is_refused_with_what_to_do(start_service, database_url):
    with pytest.raises(RuntimeError, match="graftwatch migrate"), start_service(database_url):
        pass


def test_other_rules_than_the_ledgers_are_refused_with_what_to_do(start_service):
    with start_service() as service, service.client(service.key()) as client:
        told = json.loads(outcome("ucd-01", 1))
        assert client.post("/v1/events", json=told).status_code == 201
    changed = start_service(followup_grace_days=30)
    with pytest.raises(RuntimeError, match="graftwatch rebuild"), changed:
        pass


def test_a_service_whose_database_is_taken_away_lives_but_is_not_ready(start_service):
    with start_service() as service, service.client(service.key()) as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        downgrade(service.database_url, "base")
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "not_migrated")
        assert ready.headers["retry-after"]
        for answer in (client.get("/v1/rates"), client.get("/metrics")):
            assert answer.status_code in (200, 500, 503)
            assert "Traceback" not in answer.text


def test_the_limits_are_the_operators(start_service):
    limits: dict[str, Any] = {"max_body_bytes": 2048, "max_line_bytes": 1024, "max_array_events": 2}
    with start_service(auth="off", **limits) as service, service.client(None) as client:
        events = [json.loads(outcome("ucd-01", number)) for number in range(3)]
        assert client.post("/v1/events", json=events).json()["code"] == "too_many_events"
        assert client.post("/v1/events", json=events[:2]).status_code == 201
        large = events[0] | {"outcome": "x" * 3000}
        assert client.post("/v1/events", json=large).status_code == 413
        body = json.dumps(large).encode() + b"\n" + outcome("ucd-01", 7)
        headers = {"content-type": "application/x-ndjson"}
        told = client.post("/v1/events", content=body, headers=headers).json()
        assert [one["errors"][0]["code"] for one in told["results"]] == ["line_too_long"]
        assert told["accepted"] == 1


def test_what_was_stored_before_a_sender_vanished_stays(service, client, facility):
    """Five batches and a half, then the line goes dead."""
    host, port = urlsplit(service.base_url).netloc.split(":")
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {service.key()}\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Length: 99999999\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as sender:
        sender.sendall(head.encode() + b"".join(outcome(facility, n) for n in range(5500)))
        deadline = time.monotonic() + 30
        address = f"/v1/facilities/{facility}/patients/p0/events"
        while time.monotonic() < deadline:
            answer = client.get(address)
            if answer.status_code == 200 and len(answer.json()["items"]) == 100:
                break
            time.sleep(0.1)
    assert len(client.get(address).json()["items"]) == 100
    assert client.get("/health/ready").status_code == 200
    assert "unexpected fault" not in service.log
