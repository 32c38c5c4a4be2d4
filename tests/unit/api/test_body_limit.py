"""A body larger than allowed is refused, whether its length is told or not."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from service.api.body_limit import BodyLimit
from service.api.problem_types import MEDIA_TYPE
from service.api.problems import report_problems
from service.api.request_bodies import is_line_stream


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    report_problems(app)
    app.add_middleware(BodyLimit, max_body_bytes=100, is_unbounded=is_line_stream)

    @app.post("/v1/events")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/model")
    def take(sent: dict[str, str]) -> int:
        return len(sent)

    return TestClient(app)


def in_pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 30):
        yield body[start : start + 30]


def test_a_body_of_the_allowed_size_passes(client):
    assert client.post("/v1/events", content=b"x" * 100).json() == 100
    assert client.post("/v1/events", content=in_pieces(b"x" * 100)).json() == 100


@pytest.mark.parametrize("path", ["/v1/events", "/model"])
@pytest.mark.parametrize("send", [bytes, in_pieces])
def test_a_larger_one_is_413(client, path, send):
    headers = {"content-type": "application/json"}
    answer = client.post(path, content=send(b"x" * 101), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, MEDIA_TYPE)
    assert answer.json()["type"] == "/problems/too_large"


def test_a_stream_of_lines_may_be_of_any_length(client):
    headers = {"content-type": "application/x-ndjson"}
    assert client.post("/v1/events", content=in_pieces(b"x" * 999), headers=headers).json() == 999
