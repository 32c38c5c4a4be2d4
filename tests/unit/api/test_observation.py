"""The log and the metrics know routes and statuses, never whom a request was about."""

import io
import json

import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest
from starlette.testclient import TestClient

from service.api.metrics import CountRequests, Metrics
from service.api.request_log import RequestLog
from service.api.secure_headers import HEADERS, SecureHeaders
from service.logs import configure_logging

PATIENT = "p0001"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def client(metrics: Metrics) -> TestClient:
    app = FastAPI()

    @app.get("/v1/facilities/{facility}/patients/{patient}")
    def show(facility: str, patient: str) -> str:
        return "shown"

    @app.get("/health/live")
    def live() -> str:
        return "live"

    app.add_middleware(RequestLog)
    app.add_middleware(CountRequests, metrics=metrics)
    app.add_middleware(SecureHeaders)
    return TestClient(app)


def test_a_request_is_logged_by_its_route(client):
    stream = io.StringIO()
    configure_logging("info", stream=stream)
    client.get(f"/v1/facilities/ucd-01/patients/{PATIENT}?note={PATIENT}")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [line for line in lines if line["logger"] == "service.api.request_log"]
    assert line["route"] == "/v1/facilities/{facility}/patients/{patient}"
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["duration_ms"] >= 0
    assert PATIENT not in json.dumps(line)


def test_what_machines_ask_all_the_time_is_not_logged(client):
    stream = io.StringIO()
    configure_logging("info", stream=stream)
    client.get("/health/live")
    assert "service.api.request_log" not in stream.getvalue()


def test_requests_are_counted_by_route_and_status(client, metrics):
    client.get(f"/v1/facilities/ucd-01/patients/{PATIENT}")
    client.get(f"/nowhere/{PATIENT}")
    client.request("BREW", "/health/live")
    told = generate_latest(metrics.registry).decode()
    route = 'route="/v1/facilities/{facility}/patients/{patient}"'
    assert f'graftwatch_http_requests_total{{method="GET",{route},status="200"}} 1.0' in told
    assert 'method="GET",route="unmatched",status="404"' in told
    assert 'method="OTHER"' in told
    assert "BREW" not in told
    assert PATIENT not in told


def test_events_are_counted_by_what_became_of_them(metrics):
    metrics.count_events({"accepted": 3, "rejected": 1})
    told = generate_latest(metrics.registry).decode()
    assert 'graftwatch_events_total{status="accepted"} 3.0' in told
    assert 'graftwatch_events_total{status="duplicate"} 0.0' in told


def test_every_answer_carries_the_secure_headers(client):
    answer = client.get("/nowhere")
    assert HEADERS.items() <= dict(answer.headers).items()
