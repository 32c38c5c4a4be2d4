"""HEAD: what GET would answer, without the body, and without waiting for what never ends."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.conftest import Service

CHANGING = {"date", "ratelimit", "ratelimit-policy"}
PATHS = (
    "/health/live",
    "/health/ready",
    "/sign-in",
    "/docs",
    "/docs/assets/swagger-ui.css",
    "/openapi.json",
    "/v1/rates",
    "/v1/rates?by=transplant_type&format=csv",
    "/v1/alerts",
    "/v1/rates?by=nothing",
    "/v1/facilities/ucd-01/patients/nobody",
    "/nowhere",
)


def counted(client: httpx.Client, **labels: str) -> float:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        if family.name == "graftwatch_http_requests"
        for sample in family.samples
        if sample.name.endswith("_total") and labels.items() <= sample.labels.items()
    )


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_status_and_headers_of_get_and_no_body(client, path):
    asked, got = client.head(path), client.get(path)
    assert asked.status_code == got.status_code
    assert asked.content == b""
    assert {name: value for name, value in asked.headers.items() if name not in CHANGING} == {
        name: value for name, value in got.headers.items() if name not in CHANGING
    }


def test_head_needs_a_key_where_get_does_and_knows_its_etag(service, client):
    with service.client(None) as stranger:
        assert stranger.head("/v1/rates").status_code == 401
    etag = client.head("/v1/alerts").headers["etag"]
    assert client.head("/v1/alerts", headers={"if-none-match": etag}).status_code == 304


def test_head_of_a_stream_comes_back_at_once(client):
    for _ in range(2):  # the connection is as good as before
        asked = client.head("/v1/alerts/stream", timeout=10)
        assert asked.status_code == 200
        assert asked.headers["content-type"].startswith("text/event-stream")
    assert client.get("/health/live").status_code == 200


def test_head_is_counted_as_such_under_its_route(client):
    seen = {"method": "HEAD", "route": "/v1/alerts/stream", "status": "200"}
    before = counted(client, **seen)
    client.head("/v1/alerts/stream", timeout=10)
    assert counted(client, **seen) == before + 1
    client.head("/metrics")
    assert counted(client, method="HEAD", route="/metrics", status="200") > 0


def test_where_only_post_is_answered_head_is_not(client):
    refused = client.head("/v1/events")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    refused = client.delete("/v1/rates")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_nothing_is_logged_as_a_fault(service: Service, client: httpx.Client) -> None:
    client.head("/v1/alerts/stream", timeout=10)
    assert "unexpected fault" not in service.log
    assert "Traceback" not in service.log
