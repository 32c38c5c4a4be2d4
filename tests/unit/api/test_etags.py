"""Whole answers to a GET carry a strong ETag; who has them already is spared the body."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from service.api.etags import ETags


def pieces() -> Iterator[str]:
    yield "a"
    yield "b"


def marked(_request):
    return PlainTextResponse("own", headers={"etag": '"mine"'})


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/whole", lambda _request: PlainTextResponse("hello"), methods=["GET", "POST"]),
        Route("/parts", lambda _request: StreamingResponse(pieces())),
        Route("/marked", marked),
        Route("/missing", lambda _request: Response("no", 404)),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(ETags)
    return TestClient(app)


def test_the_same_body_has_the_same_strong_tag(client):
    one, other = client.get("/whole"), client.get("/whole")
    assert one.headers["etag"] == other.headers["etag"]
    assert one.headers["etag"].startswith('"')
    assert one.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in one.headers["vary"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_the_body_already_is_spared_it(client, form):
    etag = client.get("/whole").headers["etag"]
    answer = client.get("/whole", headers={"if-none-match": form.format(etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "content-length" not in answer.headers
    assert "content-type" not in answer.headers


def test_another_tag_gets_the_body(client):
    answer = client.get("/whole", headers={"if-none-match": '"old"'})
    assert (answer.status_code, answer.text) == (200, "hello")


def test_what_comes_in_parts_passes_unmarked(client):
    answer = client.get("/parts")
    assert answer.text == "ab"
    assert "etag" not in answer.headers


def test_a_tag_of_the_routes_own_stays(client):
    assert client.get("/marked").headers["etag"] == '"mine"'


def test_errors_and_writes_have_no_tag(client):
    assert "etag" not in client.get("/missing").headers
    assert "etag" not in client.post("/whole").headers
