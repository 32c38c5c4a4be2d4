"""Alerts reach those who wish to hear of them: webhooks by the running service."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.journeys.conftest import Service
from tests.journeys.receivers import Receiver, receiving, wait_until
from tests.journeys.watched import forget_everything, injected, send, watching

FAST = {
    "webhook_allow_http": "true",
    "webhook_networks": "127.0.0.0/8",
    "delivery_poll_seconds": 0.05,
    "delivery_retry_seconds": 0.1,
    "delivery_retry_most_seconds": 0.3,
    "public_url": "https://graftwatch.example.org/",
}
numbers = count()


@pytest.fixture(scope="module")
def network(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log_file = tmp_path_factory.mktemp("network") / "log"
    with databases(migrated=True) as url, watching(url, log_file, **FAST) as service:
        yield service


@pytest.fixture
def client(network: Service) -> Iterator[httpx.Client]:
    forget_everything(network)
    with network.client(network.key()) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def one_case(client: httpx.Client, facility: str = "ucd-01") -> str:
    """A case that suffices; the id of its alert."""
    patient = f"secret-patient-{next(numbers)}"
    send(client, injected(facility, patient, "2024-01-01", performed_at=patient))
    (newest, *_) = client.get("/v1/alerts").json()["items"]
    return str(newest["id"])


def add(client: httpx.Client, receiver: Receiver, **more: Any) -> dict[str, Any]:
    body = {"name": "ward", "channel": "webhook", "target": receiver.url, **more}
    answer = client.post("/v1/recipients", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def deliveries(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/v1/deliveries", params=query).json()["items"]
    return items


def wait_for_state(client: httpx.Client, state: str, number: int = 1, **query: Any) -> None:
    wait_until(lambda: len(deliveries(client, state=state, **query)) >= number)


def test_whoever_wishes_hears_of_an_alerts_whole_life_once_and_in_order(client, receiver):
    secret = add(client, receiver)["secret"]
    assert secret.startswith("whsec_")
    alert = one_case(client)
    address = f"/v1/alerts/{alert}"
    client.post(f"{address}/acknowledge")
    client.post(f"{address}/comment", json={"note": "Mrs. Example of bed 7 is isolated."})
    client.post(f"{address}/close", json={"outcome": "expected", "note": "Mrs. Example again."})
    client.post(f"{address}/reopen")
    receiver.wait_for(4)
    wait_for_state(client, "delivered", 4)
    told = receiver.verified(secret)
    assert [message["type"] for message in told] == [
        "alert.opened",
        "alert.acknowledged",
        "alert.closed",
        "alert.reopened",
    ]
    first = told[0]["data"]
    assert first == {
        "alert": alert,
        "kind": "sentinel",
        "monitor": first["monitor"],
        "severity": "critical",
        "status": "open",
        "facilities": ["ucd-01"],
        "sequence": first["sequence"],
        "url": f"https://graftwatch.example.org/alerts/{alert}",
    }
    assert told[2]["data"]["outcome"] == "expected"
    sequences = [message["data"]["sequence"] for message in told]
    assert sequences == sorted(set(sequences))
    assert len(set(receiver.ids())) == 4
    everything = json.dumps(told) + json.dumps([headers for headers, _ in receiver.taken])
    assert "secret-patient" not in everything
    assert "Example" not in everything


def test_what_was_meant_for_one_who_was_down_comes_in_order_and_once(client, receiver):
    secret = add(client, receiver)["secret"]
    receiver.stop()
    alerts = [one_case(client, f"ucd-{number:02}") for number in range(5)]
    wait_until(lambda: any(len(one["attempts"]) >= 3 for one in deliveries(client)))
    (recipient,) = client.get("/v1/recipients").json()["items"]
    assert recipient["failing_since"] is not None
    tried = [len(one["attempts"]) for one in deliveries(client)]
    assert tried[:-1] == [0] * 4, "one that is down is tried by one message at a time"
    receiver.status = 503
    receiver.start()
    wait_until(lambda: receiver.refused >= 2)
    receiver.status = 204
    wait_for_state(client, "delivered", 5)
    assert [message["data"]["alert"] for message in receiver.verified(secret)] == alerts
    assert client.get("/v1/recipients").json()["items"][0]["failing_since"] is None
    attempts = deliveries(client)[-1]["attempts"]
    assert [one["outcome"] for one in attempts[:2]] == ["failed", "failed"]
    assert attempts[-1]["status"] == 204


def test_one_that_is_gone_is_switched_off_and_can_be_switched_on(client, receiver):
    address = f"/v1/recipients/{add(client, receiver)['id']}"
    receiver.status = 410
    one_case(client)
    wait_until(lambda: not client.get(address).json()["enabled"])
    assert client.get(address).json()["disabled_because"] == "gone"
    one_case(client, "ucd-02")
    assert receiver.refused == 1
    assert [one["state"] for one in deliveries(client)] == ["failed"]
    actions = [entry["action"] for entry in client.get("/v1/audit").json()["items"]]
    assert "recipient_disabled" in actions
    assert client.post(f"{address}/test").status_code == 409
    receiver.status = 200
    assert client.patch(address, json={"enabled": True}).json()["disabled_because"] is None
    (lost,) = deliveries(client)
    again = client.post(f"/v1/deliveries/{lost['id']}/replay")
    assert (again.status_code, again.json()["replay_of"]) == (202, lost["id"])
    receiver.wait_for(1)
    assert receiver.ids() == [lost["message_id"]]


def test_a_secret_is_changed_without_losing_a_message(client, receiver):
    made = add(client, receiver)
    address = f"/v1/recipients/{made['id']}"
    rotated = client.post(f"{address}/rotate-secret", params={"overlap_hours": 1}).json()
    one_case(client)
    receiver.wait_for(1)
    assert receiver.verified(made["secret"]) == receiver.verified(rotated["secret"])
    last = client.post(f"{address}/rotate-secret", params={"overlap_hours": 0}).json()["secret"]
    one_case(client, "ucd-02")
    receiver.wait_for(2)
    headers, body = receiver.taken[1]
    assert Webhook(last).verify(body, headers)["type"] == "alert.opened"
    for old in (made["secret"], rotated["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(body, headers)
    assert "whsec_" not in client.get(address).text + client.get("/v1/recipients").text
    assert "whsec_" not in client.get("/v1/audit").text


def test_each_hears_of_its_own_facilities_and_severity(client, receiver):
    with receiving() as elsewhere:
        add(client, receiver, facilities=["ucd-01"], least_severity="critical")
        add(client, elsewhere, facilities=["ucd-02"])
        alert = one_case(client, "ucd-01")
        wait_for_state(client, "delivered")
        assert len(receiver.taken) == 1
        assert elsewhere.taken == []
        assert deliveries(client, alert=alert)[0]["event"] == "alert.opened"


def test_a_redirect_is_not_followed(client, receiver):
    with receiving() as inside:
        add(client, receiver)
        receiver.status, receiver.headers = 307, {"location": inside.url}
        one_case(client)
        wait_until(lambda: receiver.refused >= 2)
        assert inside.taken == []
        assert deliveries(client)[0]["attempts"][0]["reason"] == "redirect"


def test_a_message_that_is_refused_holds_up_no_other(client, receiver):
    add(client, receiver)
    receiver.status = 422
    one_case(client)
    wait_until(lambda: receiver.refused >= 1)
    receiver.status = 204
    wait_for_state(client, "delivered")
    (delivery,) = deliveries(client)
    outcomes = [one["outcome"] for one in delivery["attempts"]]
    assert (outcomes[0], outcomes[-1]) == ("refused", "delivered")


def test_what_waits_and_how_it_went_is_told_to_prometheus(client, receiver):
    add(client, receiver)
    receiver.stop()
    one_case(client)
    wait_until(lambda: any(one["attempts"] for one in deliveries(client)))
    told = client.get("/metrics").text
    assert "graftwatch_outbox_depth 1.0" in told
    assert 'graftwatch_delivery_attempts_total{channel="webhook",outcome="failed"}' in told
    assert "graftwatch_outbox_oldest_due_seconds 0.0\n" not in told
    receiver.start()
    wait_for_state(client, "delivered")
    assert "graftwatch_outbox_depth 0.0" in client.get("/metrics").text


@pytest.mark.parametrize(
    "target",
    [
        "ftp://example.org/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.7/hook",
        "https://[::1]/hook",
        "https://0x7f.1.2.3:8000@10.1.1.1/",
        "https://user:word@example.org/",
        "https://",
        "nowhere",
    ],
)
def test_a_target_within_is_refused_when_it_is_named(client, target):
    answer = client.post(
        "/v1/recipients", json={"name": "x", "channel": "webhook", "target": target}
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/target"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"quiet_hours": ["07:00", "07:00"]}, "/quiet_hours"),
        ({"quiet_hours": ["7", "25:00"]}, "/quiet_hours/0"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"digest_at": "08:00", "escalate_after_minutes": 5}, "/digest_at"),
        ({"facilities": []}, "/facilities"),
        ({"channel": "pigeon"}, "/channel"),
        ({"secret": "whsec_mine"}, "/secret"),
        ({"name": None}, "/name"),
    ],
)
def test_a_recipient_that_means_nothing_is_refused(client, receiver, change, pointer):
    body = {"name": "ward", "channel": "webhook", "target": receiver.url, **change}
    answer = client.post("/v1/recipients", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_recipients_are_changed_and_removed_and_the_trail_says_by_whom(client, receiver):
    made = add(client, receiver)
    address = f"/v1/recipients/{made['id']}"
    changed = client.patch(address, json={"least_severity": "critical", "facilities": ["b", "a"]})
    assert changed.json()["facilities"] == ["a", "b"]
    assert client.patch(address, json={"name": None}).status_code == 422
    assert client.patch(address, json={"facilities": None}).json()["facilities"] is None
    tested = client.post(f"{address}/test")
    assert tested.status_code == 202
    receiver.wait_for(1)
    wait_until(lambda: client.get(tested.headers["location"]).json()["state"] == "delivered")
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert client.delete(address).status_code == 404
    entries = client.get("/v1/audit").json()["items"]
    found = {entry["action"]: entry["facts"] for entry in reversed(entries)}
    assert found["recipient_added"]["target"] == "127.0.0.1"
    assert "of-ours" not in json.dumps(entries), "what else is in a URL may be a secret"
    assert {"recipient_changed", "recipient_tested", "recipient_removed"} <= found.keys()


def test_the_log_comes_in_pages(client, receiver):
    address = f"/v1/recipients/{add(client, receiver)['id']}"
    for _ in range(3):
        client.post(f"{address}/test")
    first = client.get("/v1/deliveries", params={"limit": 2}).json()
    second = client.get(first["next"]).json()
    numbers = [one["id"] for one in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), second["next"]) == (3, None)


def test_only_an_operator_of_the_whole_network_deals_with_recipients(network, client):
    with network.client(network.key("alerts:manage", "rates:read")) as other:
        assert other.get("/v1/recipients").status_code == 403
    with network.client(network.key("manage", facilities=("ucd-01",))) as bound:
        for path in ("/v1/recipients", "/v1/deliveries"):
            refused = bound.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "network_not_allowed")


def graftwatch(network: Service, *arguments: str) -> "subprocess.CompletedProcess[str]":
    names = {f"GRAFTWATCH_{name.upper()}": str(value) for name, value in FAST.items()}
    environment = {**os.environ, **names, "GRAFTWATCH_DATABASE_URL": network.database_url}
    command = [str(Path(sys.executable).parent / "graftwatch"), "recipients", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_operator_does_the_same_by_commands(network, client, receiver):
    told = ("--facility", "ucd-01", "--quiet", "22:00-07:00", "--timezone", "Europe/Berlin")
    added = graftwatch(network, "add", "Ward 7", "webhook", receiver.url, *told)
    (recipient,) = client.get("/v1/recipients").json()["items"]
    assert (recipient["name"], recipient["quiet_hours"]) == ("Ward 7", ["22:00", "07:00"])
    assert graftwatch(network, "test", recipient["id"]).returncode == 0
    receiver.wait_for(1)
    assert receiver.verified(added.stdout.strip())[0]["type"] == "test"
    wait_for_state(client, "delivered")
    (delivery,) = deliveries(client)
    assert graftwatch(network, "replay", str(delivery["id"])).returncode == 0
    receiver.wait_for(2)
    assert receiver.ids() == [delivery["message_id"]] * 2
    wait_for_state(client, "delivered", 2)
    assert "delivered 204" in graftwatch(network, "log").stdout
    assert "quiet 22:00-07:00" in graftwatch(network, "list").stdout
    assert graftwatch(network, "disable", recipient["id"]).returncode == 0
    refused = graftwatch(network, "test", recipient["id"])
    assert (refused.returncode, refused.stdout) == (2, "")
    within = graftwatch(network, "add", "x", "webhook", "https://10.0.0.1/")
    assert "GRAFTWATCH_WEBHOOK_NETWORKS" in within.stderr
    assert graftwatch(network, "remove", recipient["id"]).returncode == 0
    assert client.get("/v1/recipients").json()["items"] == []
