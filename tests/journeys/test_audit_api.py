"""Who did or saw what, over HTTP and at the command line, and what a patient is told of it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from service.store.engine import Database
from service.store.import_rows import WaitingRow, add_rows
from tests.journeys.conftest import Service
from tests.journeys.test_cli import graftwatch
from tests.journeys.watched import injected, send

FACILITY = "ucd-01"
PATIENT = "p-jane-doe"
ADDRESS = f"/v1/facilities/{FACILITY}/patients/{PATIENT}"
INJECTED_ON = (date.today() - timedelta(days=400)).isoformat()  # noqa: DTZ011


@pytest.fixture
def told(watched_client: httpx.Client) -> httpx.Client:
    """A patient with NTM after a stem cell injection, who stands in an alert too."""
    send(watched_client, injected(FACILITY, PATIENT, INJECTED_ON))
    return watched_client


def report(client: httpx.Client) -> dict[str, Any]:
    answer = client.get(f"{ADDRESS}/report")
    assert answer.status_code == 200, answer.text
    return answer.json()


def seen_since(client: httpx.Client, before: dict[str, Any]) -> list[str]:
    """What the patient's report says was seen since an earlier report, in that order."""
    known = {access["entry"] for access in before["accesses"]}
    new = [one for one in report(client)["accesses"] if one["entry"] not in known]
    return [one["action"] for one in reversed(new)][:-1]


def test_every_way_to_see_a_patient_is_in_the_patients_report(told: httpx.Client) -> None:
    before = report(told)
    alerts = told.get("/v1/alerts").json()["items"]
    alert = next(one for one in alerts if one["cases"])
    told.get(f"/v1/alerts/{alert['id']}")
    told.post(f"/v1/alerts/{alert['id']}/acknowledge")
    told.get(ADDRESS)
    told.get(f"{ADDRESS}/events")
    told.get("/v1/rates/explain", params={"facility": FACILITY})
    late = {"facility": FACILITY, "end": (date.today() - timedelta(days=1)).isoformat()}  # noqa: DTZ011
    assert told.get("/v1/follow-up/overdue", params=late).status_code in (200, 422)
    seen = seen_since(told, before)
    assert [one for one in seen if one != "overdue_shown"] == [
        "alerts_shown",
        "alert_shown",
        "alert_shown",  # what acknowledging answers
        "patient_shown",
        "patient_events_shown",
        "rate_explained",
    ]
    named = report(told)["accesses"][1]
    assert (named["actor"], named["action"]) == ("test", "patient_report_shown")


def test_the_page_of_an_alert_is_such_a_way(network: Service, told: httpx.Client) -> None:
    before = report(told)
    alerts = told.get("/v1/alerts").json()["items"]
    alert = next(one for one in alerts if one["cases"])
    with browser(network, network.key("rates:read")) as stranger:
        assert PATIENT not in stranger.get(f"/alerts/{alert['id']}").text
    assert seen_since(told, before) == ["alerts_shown"]
    with browser(network, network.key("rates:read", "patients:read")) as doctor:
        assert PATIENT in doctor.get(f"/alerts/{alert['id']}").text
    last = report(told)["accesses"][1:]
    assert last[0]["action"] == "alert_shown"
    assert last[0]["facts"] == {"alert": alert["id"], "page": True}


@contextmanager
def browser(service: Service, key: str) -> Iterator[httpx.Client]:
    headers = {"origin": service.base_url}
    with httpx.Client(base_url=service.base_url, headers=headers, timeout=60) as client:
        assert client.post("/sign-in", data={"key": key}).status_code == 303
        yield client


def test_who_sees_no_pseudonym_has_seen_nobody(network: Service, told: httpx.Client) -> None:
    before = report(told)
    with network.client(network.key("rates:read")) as reader:
        assert reader.get("/v1/alerts").json()["items"]
        assert reader.get("/v1/rates").status_code == 200
    assert seen_since(told, before) == []


def test_the_report_holds_everything_and_who_sent_it(told: httpx.Client) -> None:
    found = report(told)
    assert [event["event_id"] for event in found["events"]] == [
        f"{PATIENT}-injection",
        f"{PATIENT}-culture",
    ]
    assert {event["recorded_by"]["actor"] for event in found["events"]} == {"test"}
    assert found["timeline"]["courses"][0]["transplant_type"] == "stem_cell_injection"
    assert [alert["status"] for alert in found["alerts"]]
    assert found["accesses"][0]["action"] == "patient_report_shown"


def test_the_report_holds_rows_of_files_that_wait(network: Service, told: httpx.Client) -> None:
    rows = [
        WaitingRow(1, FACILITY, PATIENT, '[2,3,"what was sent"]'),
        WaitingRow(2, FACILITY, "somebody-else", '[2,4,"of another"]'),
    ]
    with closing(Database(network.database_url)) as database, database.note() as connection:
        add_rows(connection, "an import", rows)
    (held,) = report(told)["waiting"]
    assert held == {"import_id": "an import", "row": 1, "said": [2, 3, "what was sent"]}


def test_the_report_needs_both_scopes(network: Service, told: httpx.Client) -> None:
    for scopes in (["patients:read"], ["manage"]):
        with network.client(network.key(*scopes)) as client:
            assert client.get(f"{ADDRESS}/report").json()["code"] == "scope_missing"
    with network.client(network.key("manage", "patients:read", facilities=("x",))) as client:
        assert client.get(f"{ADDRESS}/report").json()["code"] == "facility_not_allowed"
    assert told.get(f"{ADDRESS}-x/report").status_code == 404


def test_the_trail_is_listed_page_by_page_and_names_no_patient(told: httpx.Client) -> None:
    for _ in range(3):
        report(told)
    first = told.get("/v1/audit", params={"limit": 2})
    page = first.json()
    assert [one["entry"] for one in page["items"]] == [
        int(page["head"].partition(":")[0]),
        int(page["head"].partition(":")[0]) - 1,
    ]
    assert first.headers["link"] == f'<{page["next"]}>; rel="next"'
    assert told.get(page["next"]).json()["items"][0]["entry"] == page["items"][-1]["entry"] - 1
    assert PATIENT not in told.get("/v1/audit", params={"limit": 1000}).text
    shown = told.get("/v1/audit", params={"action": "patient_report_shown", "actor": "test"})
    assert {one["action"] for one in shown.json()["items"]} == {"patient_report_shown"}
    assert shown.json()["items"][0]["patients"] == 1
    assert told.get("/v1/audit", params={"actor": "nobody"}).json()["items"] == []
    assert told.get("/v1/audit", params={"cursor": "nonsense"}).status_code == 422
    assert told.get("/v1/audit", params={"sort": "x"}).status_code == 422


def test_a_key_bound_to_facilities_sees_no_trail(network: Service) -> None:
    with network.client(network.key("manage", facilities=(FACILITY,))) as client:
        assert client.get("/v1/audit").json()["code"] == "network_not_allowed"


def test_what_was_seen_is_entered_before_the_service_ends(start_service: Any) -> None:
    with start_service() as service, service.client(service.key()) as client:
        send(client, injected(FACILITY, PATIENT, INJECTED_ON))
        assert client.get(ADDRESS).status_code == 200
    done = graftwatch("audit", "show", database_url=service.database_url)
    assert (done.returncode, "patient_shown" in done.stdout) == (0, True)
    assert PATIENT not in done.stdout


def test_while_the_trail_cannot_be_written_nobody_sees_a_patient(start_service: Any) -> None:
    with (
        start_service() as service,
        service.client(service.key()) as client,
        closing(Database(service.database_url)) as database,
    ):
        send(client, injected(FACILITY, PATIENT, INJECTED_ON))
        with database.note() as connection:
            connection.execute(text("ALTER TABLE audit_head RENAME TO away"))
        client.get(ADDRESS)  # nobody can know yet
        assert client.get("/v1/audit").status_code == 503
        refused = client.get(ADDRESS)
        assert (refused.status_code, PATIENT in refused.text) == (503, False)
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert client.get("/v1/rates").status_code == 200, "sums show nobody"
        with database.note() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO audit_head"))
        wait_for(lambda: client.get(ADDRESS).status_code == 200)
        seen = report(client)["accesses"]
        assert [one["action"] for one in seen[1:]] == ["patient_shown", "patient_shown"]


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def kept(start_service: Any) -> str:
    """A database in which something was done, and nothing serves it any more."""
    with start_service() as service, service.client(service.key()) as client:
        send(client, injected(FACILITY, PATIENT, INJECTED_ON))
        client.get(ADDRESS)
    return service.database_url


def test_the_commands_verify_and_report(kept: str) -> None:
    made = graftwatch("keys", "create", "lab", "--scope", "events:write", database_url=kept)
    assert made.returncode == 0
    told = graftwatch("patient", "report", FACILITY, PATIENT, database_url=kept)
    found = json.loads(told.stdout)
    assert [one["action"] for one in found["accesses"]] == ["patient_report_shown", "patient_shown"]
    assert found["accesses"][0]["actor"] == "command line"
    shown = graftwatch("audit", "show", "--action", "key_created", database_url=kept).stdout
    assert "events:write" in shown

    head = graftwatch("audit", "head", database_url=kept).stdout.strip()
    whole = graftwatch("audit", "verify", "--head", head, database_url=kept)
    assert (whole.returncode, whole.stdout.splitlines()[-1]) == (0, "The audit trail is whole.")
    with closing(Database(kept)) as database, database.note() as connection:
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER audit_no_update"))
        else:
            connection.execute(text("DROP TRIGGER append_only ON audit"))
        connection.execute(text("UPDATE audit SET actor = 'somebody' WHERE sequence = 2"))
    broken = graftwatch("audit", "verify", database_url=kept)
    assert broken.returncode == 1
    assert "2: changed" in broken.stdout
    assert graftwatch("audit", "verify", "--head", "7", database_url=kept).returncode == 2
