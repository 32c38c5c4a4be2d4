"""The log and the metrics know routes and statuses, never whom a request was about."""

import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.api.metrics import Metrics
from service.api.request_ends import TellEnds
from service.api.request_log import log_request
from service.api.secure_headers import HEADERS, SecureHeaders

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

    app.add_middleware(TellEnds, listeners=(metrics.count_request, log_request))
    app.add_middleware(SecureHeaders)
    return TestClient(app)


def test_a_request_is_logged_by_its_route(client):
    with capture_logs() as lines:
        client.get(f"/v1/facilities/ucd-01/patients/{PATIENT}?note={PATIENT}")
    (line,) = lines
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/facilities/{facility}/patients/{patient}",
        "status": 200,
    }


def test_what_machines_ask_all_the_time_is_told_at_debug_only(client):
    with capture_logs() as lines:
        client.get("/health/live")
    assert [line["log_level"] for line in lines] == ["debug"]


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
