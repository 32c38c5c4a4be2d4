"""Alerts over HTTP: their life, who sees them, and how they are heard of as they happen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest

from service.examples.mexico import mexico_events
from tests.journeys.conftest import Service
from tests.journeys.watched import injected, send, watching

EXCESS = "excess-cinicola-ntm-allo"
numbers = count()


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    return watched_client


def one_case(client: httpx.Client, facility: str = "ucd-01", **more: Any) -> str:
    """A case that suffices; the id of its alert."""
    patient = f"p{next(numbers)}"
    send(client, injected(facility, patient, "2024-01-01", performed_at=patient, **more))
    (newest, *_) = client.get("/v1/alerts").json()["items"]
    assert newest["facilities"] == [facility]
    return str(newest["id"])


def allo_recipients(
    facility: str, index_date: date, number: int, ill: int
) -> Iterator[dict[str, Any]]:
    for place in range(number):
        who = {"facility": facility, "patient": f"{facility}-{place}"}
        onset = index_date + timedelta(days=40 + place)
        yield {
            "type": "transplant",
            "event_id": f"{facility}-{place}-t",
            **who,
            "occurred_on": index_date.isoformat(),
            "transplant_type": "allo-HSCT",
        }
        if place < ill:
            yield {
                "type": "infection",
                "event_id": f"{facility}-{place}-i",
                **who,
                "occurred_on": onset.isoformat(),
                "organism": "MAC",
                "specimen": "sputum",
            }


# Life


def test_an_alert_is_acknowledged_commented_closed_and_opened_again(network, client):
    alert_id = one_case(client)
    with network.client(network.key("alerts:manage")) as nurse:
        address = f"/v1/alerts/{alert_id}"
        assert nurse.post(f"{address}/acknowledge").json()["status"] == "acknowledged"
        said = nurse.post(f"{address}/comment", json={"note": "Isolate sent for sequencing."})
        assert said.json()["status"] == "acknowledged"
        closed = nurse.post(
            f"{address}/close", json={"outcome": "pseudo_outbreak", "note": "Contaminated scope."}
        ).json()
        assert (closed["status"], closed["outcome"]) == ("closed", "pseudo_outbreak")
        assert closed["closed_on"] is not None
        reopened = nurse.post(f"{address}/reopen", json={"note": "A second clone."}).json()
        assert (reopened["status"], reopened["outcome"]) == ("open", None)
    history = [(entry["name"], entry["actor"], entry["note"]) for entry in reopened["history"]]
    assert history == [
        ("opened", "graftwatch", None),
        ("acknowledged", "test", None),
        ("commented", "test", "Isolate sent for sequencing."),
        ("closed", "test", "Contaminated scope."),
        ("reopened", "test", "A second clone."),
    ]


def test_what_an_alerts_state_does_not_allow_is_refused_with_the_reason(client):
    address = f"/v1/alerts/{one_case(client)}"
    assert client.post(f"{address}/reopen").status_code == 409
    assert client.post(f"{address}/acknowledge").status_code == 200
    again = client.post(f"{address}/acknowledge")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_status")
    assert "acknowledged" in again.json()["detail"]
    assert client.post(f"{address}/close", json={"outcome": "expected"}).status_code == 200
    assert client.post(f"{address}/close", json={"outcome": "expected"}).status_code == 409
    # A remark may be added to a closed alert too.
    assert client.post(f"{address}/comment", json={"note": "Seen again."}).status_code == 200
    assert client.post("/v1/alerts/alert-0-0/acknowledge").status_code == 404


@pytest.mark.parametrize(
    ("action", "body", "pointer"),
    [
        ("close", {}, "/outcome"),
        ("close", {"outcome": "nothing"}, "/outcome"),
        ("comment", {}, "/note"),
        ("comment", {"note": ""}, "/note"),
        ("comment", {"note": "   "}, "/note"),
        ("comment", {"note": "x" * 2001}, "/note"),
        ("acknowledge", {"outcome": "expected"}, "/outcome"),
    ],
    ids=str,
)
def test_what_is_missing_from_an_action_is_named(client, action, body, pointer):
    answer = client.post(f"/v1/alerts/{one_case(client)}/{action}", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_closed_alert_stays_closed_and_a_new_case_opens_another(client):
    first = one_case(client)
    client.post(f"/v1/alerts/{first}/close", json={"outcome": "expected"})
    send(client, injected("ucd-01", "again", "2024-02-01", performed_at="elsewhere"))
    still_open = client.get("/v1/alerts", params={"status": "open"}).json()["items"]
    assert [[case["event_id"] for case in a["cases"]] for a in still_open] == [["again-culture"]]
    assert client.get(f"/v1/alerts/{first}").json()["status"] == "closed"


# Lists


def test_alerts_are_filtered_and_come_in_pages_from_the_newest(client):
    for facility in ("ucd-01", "ucd-02", "ucd-03"):
        one_case(client, facility)
    client.post(
        f"/v1/alerts/{client.get('/v1/alerts').json()['items'][0]['id']}/close",
        json={"outcome": "other"},
    )

    def facilities(**query: Any) -> list[str]:
        items = client.get("/v1/alerts", params=query).json()["items"]
        return [item["facilities"][0] for item in items]

    assert facilities() == ["ucd-03", "ucd-02", "ucd-01"]
    assert facilities(status="open") == ["ucd-02", "ucd-01"]
    assert facilities(status=["open", "closed"]) == facilities()
    assert facilities(facility="ucd-02") == ["ucd-02"]
    assert facilities(severity="warning") == []
    assert facilities(monitor="sentinel-ntm-cell-injection") == facilities(kind="sentinel")
    assert facilities(kind="cluster") == []

    first = client.get("/v1/alerts", params={"limit": 2})
    assert first.headers["link"] == f'<{first.json()["next"]}>; rel="next"'
    second = client.get(first.json()["next"]).json()
    assert [item["facilities"][0] for item in second["items"]] == ["ucd-01"]
    assert second["next"] is None
    refused = client.get("/v1/alerts", params={"cursor": "nonsense"})
    assert refused.json()["errors"][0]["pointer"] == "?cursor"
    assert client.get("/v1/alerts", params={"status": "unknown"}).status_code == 422


# Who sees what


def test_pseudonyms_are_shown_to_those_who_may_read_patients(network, client):
    alert_id = one_case(client)
    assert client.get(f"/v1/alerts/{alert_id}").json()["cases"][0]["patient"] is not None
    with network.client(network.key("rates:read")) as reader:
        (case,) = reader.get(f"/v1/alerts/{alert_id}").json()["cases"]
        assert case["patient"] is None
        assert case["organism"] == "Mycobacterium abscessus"


def test_a_bound_key_sees_alerts_of_its_own_facilities_alone(network, client):
    send(client, mexico_events())
    own = ("mx-traveller-az-1", "mx-traveller-co-1")
    whole = [*own, "mx-traveller-co-2"]
    with network.client(network.key(facilities=own)) as bound:
        seen = bound.get("/v1/alerts").json()["items"]
        assert {tuple(alert["facilities"]) for alert in seen} == {(name,) for name in own}
        cluster = client.get("/v1/alerts", params={"kind": "cluster"}).json()["items"][0]
        assert bound.get(f"/v1/alerts/{cluster['id']}").status_code == 404
        assert bound.post(f"/v1/alerts/{cluster['id']}/acknowledge").status_code == 404
        elsewhere = {"facility": "mx-traveller-co-2"}
        assert bound.get("/v1/alerts", params=elsewhere).status_code == 403
    with network.client(network.key(facilities=tuple(whole))) as wide:
        assert len(wide.get("/v1/alerts").json()["items"]) == 4


def test_what_each_scope_may_do_with_alerts(network, client):
    alert_id = one_case(client)
    with network.client(network.key("rates:read")) as reader:
        assert reader.get("/v1/alerts").status_code == 200
        assert reader.post(f"/v1/alerts/{alert_id}/acknowledge").status_code == 403
        assert reader.patch(f"/v1/monitors/{EXCESS}", json={"enabled": False}).status_code == 403
    with network.client(network.key("events:write")) as writer:
        for path in ("/v1/alerts", f"/v1/alerts/{alert_id}", "/v1/alerts/stream", "/v1/monitors"):
            assert writer.get(path).status_code == 403


# Monitors


def test_a_monitor_tells_its_promise_and_how_its_evidence_went(client):
    """Six of thirty at one hospital, none of thirty at another: e-values with every day."""
    index_date = date(2024, 3, 1)
    send(client, allo_recipients("hsct-1", index_date, 30, ill=6))
    send(client, allo_recipients("hsct-2", index_date, 30, ill=0))
    monitor = client.get(f"/v1/monitors/{EXCESS}").json()
    assert monitor["guarantee"]["false_alarm_probability"] == 0.05
    assert "at most 5%" in monitor["guarantee"]["text"]
    assert monitor["baseline"] == {"id": "cinicola-ntm-allo", "version": 1}
    assert monitor["threshold"] == 20

    path = client.get(f"/v1/monitors/{EXCESS}/path", params={"facility": "hsct-1"}).json()
    assert path["null"] == {"value": 0.0193, "described_as": "upper 95% limit of the baseline"}
    last = path["points"][-1]
    assert (last["cases"], path["exposure"], path["exposure_unit"]) == (6, 30, "recipients")
    assert last["expected"] == pytest.approx(0.0193 * 30)
    days = [point["day"] for point in path["points"]]
    assert days == sorted(days)
    assert days[0] == "2024-03-01"
    highest = [point["highest"] for point in path["points"]]
    assert highest == sorted(highest)

    alerts = client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"]
    of_hospital = next(alert for alert in alerts if alert["scope"] == "facility:hsct-1")
    assert of_hospital["evidence"]["e_value"] == pytest.approx(last["highest"])
    assert of_hospital["evidence"]["signalled_on"] == path["signalled_on"]
    assert of_hospital["passes_fdr"] is True
    quiet = client.get(f"/v1/monitors/{EXCESS}/path", params={"facility": "hsct-2"}).json()
    assert quiet["points"][-1]["highest"] == 1.0
    assert quiet["signalled_on"] is None

    (compared,) = client.get(
        "/v1/comparisons", params={"baseline": "cinicola-ntm-allo", "facility": "hsct-1"}
    ).json()["items"]
    assert compared["e_value"]["value"] == pytest.approx(last["highest"])
    assert compared["observed"]["value"] == pytest.approx(0.2)


def test_a_monitor_switched_on_is_evaluated_before_the_answer_comes(client):
    client.patch(f"/v1/monitors/{EXCESS}", json={"enabled": False})
    send(client, allo_recipients("hsct-1", date(2024, 3, 1), 30, ill=6))
    assert client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"] == []
    changed = client.patch(f"/v1/monitors/{EXCESS}", json={"enabled": True, "alpha": 0.01}).json()
    assert (changed["enabled"], changed["threshold"], changed["version"]) == (True, 100, 3)
    found = client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"]
    assert {alert["scope"] for alert in found} == {"facility:hsct-1", "network"}
    assert {alert["evidence"]["threshold"] for alert in found} == {100}


def test_a_further_monitor_watches_a_baseline_in_its_own_way(client):
    send(client, allo_recipients("hsct-1", date(2024, 3, 1), 30, ill=6))
    wanted = {"id": "ours", "baseline": "cinicola-ntm-allo", "scope": "network", "null": "point"}
    made = client.post("/v1/monitors", json={**wanted, "enabled": True})
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/monitors/ours"
    (alert,) = client.get("/v1/alerts", params={"monitor": "ours"}).json()["items"]
    assert alert["evidence"]["null"]["described_as"] == "published figure"
    assert client.post("/v1/monitors", json=wanted).status_code == 409


@pytest.mark.parametrize(
    ("monitor_id", "body", "pointer"),
    [
        (EXCESS, {"alpha": 0}, "/alpha"),
        (EXCESS, {"alpha": 1}, "/alpha"),
        (EXCESS, {"scope": "ward"}, "/scope"),
        (EXCESS, {"kind": "cluster"}, "/kind"),
        (EXCESS, {"enabled": None}, "/enabled"),
        ("cluster-ntm", {"scope": "both"}, "/scope"),
        ("cluster-ntm", {"alpha": 0.1}, "/alpha"),
        ("sentinel-ntm-cell-injection", {"null": "point"}, "/null"),
    ],
    ids=str,
)
def test_a_change_that_means_nothing_is_refused(client, monitor_id, body, pointer):
    answer = client.patch(f"/v1/monitors/{monitor_id}", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_what_has_no_expectation_has_no_path_and_no_excess(client):
    assert client.get("/v1/monitors/cluster-ntm/path").status_code == 404
    assert client.get("/v1/monitors/none").status_code == 404
    for baseline in ("mmwr-mabs-mexico", "bkvan-uppsala", "none"):
        answer = client.post("/v1/monitors", json={"id": "ours", "baseline": baseline})
        assert answer.json()["errors"][0]["pointer"] == "/baseline"


def test_a_bound_key_sees_the_path_of_its_own_facility_alone(network, client):
    send(client, allo_recipients("hsct-1", date(2024, 3, 1), 5, ill=0))
    with network.client(network.key(facilities=("hsct-1",))) as bound:
        address = f"/v1/monitors/{EXCESS}/path"
        assert bound.get(address, params={"facility": "hsct-1"}).json()["exposure"] == 5
        assert bound.get(address, params={"facility": "hsct-2"}).status_code == 403
        assert bound.get(address).json()["errors"][0]["pointer"] == "?facility"
        assert bound.patch(f"/v1/monitors/{EXCESS}", json={"enabled": False}).status_code == 403


# As they happen


@contextmanager
def listening(client: httpx.Client, last_event_id: str | None = None) -> Iterator[Any]:
    """The events of the stream, one by one; the first look has been taken when the block begins."""
    headers = {"last-event-id": last_event_id} if last_event_id else {}
    with client.stream("GET", "/v1/alerts/stream", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "etag" not in answer.headers
        lines = answer.iter_lines()
        greeting = [next(lines) for _ in range(2)]
        assert greeting == [": listening", "retry: 3000"]

        def events() -> Iterator[dict[str, str]]:
            event: dict[str, str] = {}
            for line in lines:
                name, separator, text = line.partition(": ")
                if separator and name:
                    event[name] = text
                elif not line and event:
                    yield event
                    event = {}

        yield events()


def data(event: dict[str, str]) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(event["data"])
    return decoded


def test_a_listener_hears_of_an_alert_and_of_what_becomes_of_it(network, client):
    with network.client(network.key("rates:read")) as listener, listening(listener) as events:
        alert_id = one_case(client)
        opened = next(events)
        assert opened["event"] == "alert.opened"
        assert (data(opened)["id"], data(opened)["reason"]) == (alert_id, "opened")
        assert "cases" not in data(opened)
        assert "patient" not in opened["data"]

        client.post(f"/v1/alerts/{alert_id}/comment", json={"note": "a name that slipped in"})
        commented = next(events)
        assert (commented["event"], data(commented)["reason"]) == ("alert.updated", "commented")
        assert "slipped" not in commented["data"]

        client.post(f"/v1/alerts/{alert_id}/close", json={"outcome": "expected"})
        closed = next(events)
        assert (closed["event"], data(closed)["status"]) == ("alert.closed", "closed")
        assert int(opened["id"]) < int(commented["id"]) < int(closed["id"])


def test_a_listener_who_comes_back_hears_what_was_missed(client):
    with listening(client) as events:
        first = one_case(client)
        heard = next(events)["id"]
    second = one_case(client, "ucd-02")
    client.post(f"/v1/alerts/{first}/acknowledge")
    with listening(client, heard) as events:
        missed = [next(events), next(events)]
    assert [data(event)["id"] for event in missed] == [second, first]
    assert [data(event)["reason"] for event in missed] == ["opened", "acknowledged"]


def test_a_bound_listener_hears_of_its_own_facilities_alone(network, client):
    key = network.key("rates:read", facilities=("ucd-02",))
    with network.client(key) as bound, listening(bound) as events:
        one_case(client, "ucd-01")
        own = one_case(client, "ucd-02")
        assert data(next(events))["id"] == own


def test_an_id_that_is_none_of_ours_is_refused_before_the_stream_begins(client):
    answer = client.get("/v1/alerts/stream", headers={"last-event-id": "yesterday"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "header Last-Event-ID"


def test_a_listener_does_not_keep_the_service_from_ending(migrated_url, tmp_path):
    with watching(migrated_url, tmp_path / "log") as service, service.client(service.key()) as one:
        listener = listening(one)
        events = listener.__enter__()
        alert_id = one_case_on(service)
        assert data(next(events))["id"] == alert_id
    # The service has ended, within the twenty seconds that `stop` waits; the stream has too.
    with pytest.raises((StopIteration, httpx.HTTPError, RuntimeError)):
        next(events)
    assert "Traceback" not in service.log


def one_case_on(service: Service) -> str:
    with service.client(service.key()) as client:
        return one_case(client)
