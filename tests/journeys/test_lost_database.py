"""A database that is lost: every route says so, nothing is made up, all goes on when it is back.

The service is never restarted here.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import make_url

from service.store.keys import PREFIX
from tests.journeys.conftest import Service, running
from tests.journeys.own_postgres import OwnPostgres
from tests.journeys.watched import injected, send, watching

PATIENCE_SECONDS = 30
UNASKED = {
    "/.well-known/smart-configuration",
    "/fhir/.well-known/smart-configuration",
    "/fhir/metadata",
    "/health/live",
    "/metrics",
    "/oauth/token",
    "/problems/{name}",
}
"""Routes that need no database; tokens need one, after an assertion that is worth a look."""
REFUSED = {400, 404, 409, 415, 422}
"""What was asked, and whether it is set up, is judged before anything is looked up."""
NEEDED = {
    "/fhir": {"facility": "ucd-01"},
    "/v1/rates/standardised": {"standard": "european_2013"},
    "/v1/rate-ratios": {"compare": "agent:sirolimus", "reference": "agent:tacrolimus"},
}
BODIES = {
    "/v1/events": injected("ucd-01", "p1", "2024-03-01"),
    "/fhir": {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {"resourceType": "Patient", "id": "p1"},
                "request": {"method": "PUT", "url": "Patient/p1"},
            }
        ],
    },
    "/v1/alerts/{alert_id}/close": {"outcome": "outbreak", "note": "x"},
    "/v1/alerts/{alert_id}/comment": {"note": "x"},
}
PAGES = ("/", "/alerts/a1", "/open-alerts", "/live")
DHIS2_MAPPING = Path(__file__).parents[2] / "docs" / "examples" / "dhis2-mapping.toml"
BATCH = 10
"""Lines of a stream stored per transaction."""


def told_unavailable(answer: httpx.Response) -> bool:
    """Does it say that it may be tried again, and nothing of how the service is made?"""
    assert not re.search(r"Traceback|psycopg|sqlalchemy|host=|socket|\.py", answer.text)
    return answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


def operations(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Every method and path of the API."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        yield from ((method.upper(), path) for method in methods)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "the service has not recovered"
        time.sleep(0.05)


def is_ready(client: httpx.Client) -> bool:
    return client.get("/health/ready").status_code == 200


@pytest.fixture(scope="module")
def services(
    own_postgres: OwnPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Service]]:
    """Two on one database: one behind keys and watching, one open to everybody."""
    logs: Path = tmp_path_factory.mktemp("lost")
    url = own_postgres.create()
    with ExitStack() as stack:
        keyed = stack.enter_context(watching(url, logs / "keyed"))
        open_settings = {
            "auth": "off",
            "ingest_batch_size": BATCH,
            "sse_poll_seconds": 0.1,
            "pseudonym_key": "x" * 32,
            "dhis2_mapping_file": DHIS2_MAPPING,
        }
        opened = stack.enter_context(running(url, logs / "open", **open_settings))
        yield keyed, opened


def test_every_route_that_needs_it_says_so_and_works_again(own_postgres, services):
    keyed, opened = services
    with keyed.client(keyed.key()) as client, opened.client(None) as anybody:
        send(anybody, injected("ucd-02", "p1", "2024-03-01"))
        before = anybody.get("/v1/rates").json()["total"]
        with own_postgres.stopped():
            for method, path in operations(client):
                address = re.sub(r"{[^}]+}", "a1", path)
                if path in UNASKED:
                    continue
                sent = {"json": BODIES.get(path, {})} if method in {"POST", "PUT", "PATCH"} else {}
                sent |= {"params": NEEDED[path]} if path in NEEDED else {}
                for one in (client, anybody):
                    answer = one.request(method, address, **sent)
                    if answer.status_code in REFUSED and one is anybody and path not in BODIES:
                        continue
                    assert told_unavailable(answer), (method, path, answer.text)
                    is_fhir = path.startswith("/fhir")
                    kind = "application/fhir+json" if is_fhir else "application/problem+json"
                    assert answer.headers["content-type"] == kind
                    assert is_fhir or answer.json()["code"] == "unavailable"
            csv = {"content-type": "text/csv"}
            assert told_unavailable(anybody.post("/v1/imports", content="type\n", headers=csv))
            assert client.get("/health/live").status_code == 200
            assert "graftwatch_database_up 0.0" in client.get("/metrics").text
            stranger = {"authorization": f"Bearer {PREFIX}_0_0"}
            assert told_unavailable(client.get("/v1/rates", headers=stranger))
        until(lambda: is_ready(client))
        assert client.get("/v1/rates").json()["total"] == before
        assert client.get("/v1/rates", headers=stranger).status_code == 401
        send(client, injected("ucd-02", "p2", "2024-03-01"))
        after = [one.get("/v1/rates").json()["total"] for one in (client, anybody)]
        assert after[0] == after[1]
        assert after[0]["cases"] == before["cases"] + 1
    for service in services:
        assert "unexpected fault" not in service.log


def test_pages_say_it_in_a_persons_words(own_postgres, services):
    _, opened = services
    with opened.client(None) as viewer:
        with own_postgres.stopped():
            for page in PAGES:
                answer = viewer.get(page)
                assert told_unavailable(answer), (page, answer.text)
                assert "The database does not answer" in answer.text
        until(lambda: is_ready(viewer))
        assert viewer.get("/").status_code == 200


def test_a_stream_of_events_says_how_far_it_came(own_postgres, services):
    _, opened = services
    lines = [
        msgspec.json.encode(event) + b"\n"
        for number in range(3 * BATCH)
        for event in injected("ucd-03", f"p{number}", "2024-03-01", None)
    ]
    with opened.client(None) as client, opened.client(None) as looker:
        position = looker.get("/health/ready").json()["position"]

        def body() -> Iterator[bytes]:
            yield b"".join(lines[: 2 * BATCH])
            until(lambda: looker.get("/health/ready").json()["position"] == position + 2 * BATCH)
            own_postgres.stop()
            yield b"".join(lines[2 * BATCH :])

        ndjson = {"content-type": "application/x-ndjson"}
        try:
            answer = client.post("/v1/events", content=body(), headers=ndjson)
        finally:
            own_postgres.start()
        assert told_unavailable(answer)
        told = answer.json()
        assert (told["accepted"], told["position"]) == (2 * BATCH, position + 2 * BATCH)
        until(lambda: is_ready(client))
        again = client.post("/v1/events", content=b"".join(lines), headers=ndjson).json()
        assert (again["duplicates"], again["accepted"]) == (2 * BATCH, BATCH)


def test_listeners_stay_and_hear_of_what_comes_after(own_postgres, services):
    keyed, _ = services
    listening = "GET", "/v1/alerts/stream"
    with keyed.client(keyed.key()) as client, client.stream(*listening) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        with own_postgres.stopped():
            time.sleep(0.5)  # some looks in vain
        with keyed.client(keyed.key()) as sender:
            until(lambda: is_ready(sender))
            send(sender, injected("ucd-04", "p1", "2024-03-01"))
        assert "event: alert.opened" in lines


@pytest.mark.parametrize(
    ("refuse", "allow", "code"),
    [
        ("ROLE {name} CONNECTION LIMIT 0", "ROLE {name} CONNECTION LIMIT -1", "unavailable"),
        (
            "DATABASE {name} SET default_transaction_read_only = on",
            "DATABASE {name} RESET default_transaction_read_only",
            "read_only",
        ),
        (
            "DATABASE {name} WITH ALLOW_CONNECTIONS false",
            "DATABASE {name} WITH ALLOW_CONNECTIONS true",
            "unavailable",
        ),
    ],
    ids=["no connection", "read only", "closed"],
)
def test_a_database_that_refuses_says_why(own_postgres, services, facility, refuse, allow, code):
    _, opened = services
    name = make_url(opened.database_url).database
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    events = injected(facility, "p1", "2024-03-01")
    with opened.client(None) as client:
        own_postgres.execute(f"ALTER {refuse.format(name=name)}")
        try:
            own_postgres.execute(cut)
            answer = client.post("/v1/events", json=events)
            assert told_unavailable(answer)
            assert answer.json()["code"] == code
        finally:
            own_postgres.execute(f"ALTER {allow.format(name=name)}")
            own_postgres.execute(cut)
        answer = client.post("/v1/events", json=events)
        assert (answer.status_code, answer.json()["accepted"]) == (201, 2)
    assert "unexpected fault" not in opened.log
