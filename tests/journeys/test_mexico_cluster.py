"""The MMWR cluster over HTTP: three hospitals, three cities, one organism, one alert.

The letter that started this asked whether three M. abscessus infections after stem cell injections
in Mexico would have been seen. Each test reads like the three charts.
"""

from itertools import islice
from typing import Any

import httpx
import pytest

from service.examples.mexico import mexico_events
from tests.journeys.watched import send

ABSCESSUS = "Mycobacterium abscessus complex"
HOSPITALS = ["mx-traveller-az-1", "mx-traveller-co-1", "mx-traveller-co-2"]


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    return watched_client


def alerts(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/alerts", params=query).json()["items"]
    return found


def test_the_cluster_is_seen_as_the_reports_come_in(client):
    reports = iter(mexico_events())

    # Arizona reports an injection and acid-fast bacilli: not yet NTM, so nothing is signalled.
    send(client, islice(reports, 2))
    assert alerts(client) == []

    # Denver reports M. abscessus in the CSF: one case suffices after an injection.
    send(client, islice(reports, 2))
    (sentinel,) = alerts(client)
    assert (sentinel["kind"], sentinel["severity"]) == ("sentinel", "critical")
    assert [case["event_id"] for case in sentinel["cases"]] == ["mx-a-culture-1"]
    assert sentinel["cases"][0]["patient"] == "mx-a"
    assert sentinel["cases"][0]["site"] == "cns"
    assert any("medical tourism" in advice["text"] for advice in sentinel["advice"])

    # Arizona's laboratory names the organism in a correction: a case since July.
    send(client, islice(reports, 2))
    by_facility = {alert["facilities"][0]: alert for alert in alerts(client, kind="sentinel")}
    assert set(by_facility) == set(HOSPITALS[:2])
    assert by_facility["mx-traveller-az-1"]["first_onset"] == "2022-07-05"
    assert alerts(client, kind="cluster") == []

    # The third city reports: one cluster holds all three.
    send(client, reports)
    (cluster,) = alerts(client, kind="cluster")
    assert cluster["facilities"] == HOSPITALS
    assert [case["event_id"] for case in cluster["cases"]] == [
        "mx-b-culture-2",
        "mx-a-culture-1",
        "mx-c-culture-1",
    ]
    assert cluster["evidence"]["organism_group"] == ABSCESSUS
    assert cluster["title"].startswith(ABSCESSUS)
    assert (cluster["status"], cluster["supported"]) == ("open", True)
    assert (cluster["first_onset"], cluster["last_onset"]) == ("2022-07-05", "2023-03-08")
    assert len(alerts(client, kind="sentinel")) == 3


def test_the_published_cluster_is_shown_beside_its_open_alert(client):
    send(client, mexico_events())
    (alert,) = alerts(client, kind="cluster")
    answer = client.get("/v1/comparisons", params={"baseline": "mmwr-mabs-mexico"}).json()
    (compared,) = answer["items"]
    assert compared["cluster"]["open_alerts"] == [alert["id"]]
    assert compared["cluster"]["cases"] == 3
    assert "3 sharing transplant type and country at 2 facilities" in compared["cluster"]["rule"]
    assert (compared["observed"], compared["ratio"]) == (None, None)
    assert "no denominator" in compared["reason"]


def test_a_voided_case_leaves_the_alert_standing_and_says_so(client):
    """The third culture turns out to be another patient's: two cases are no cluster of three."""
    send(client, mexico_events())
    (before,) = alerts(client, kind="cluster")
    send(
        client,
        [
            {
                "type": "void",
                "event_id": "mx-c-void",
                "facility": "mx-traveller-co-2",
                "patient": "mx-c",
                "occurred_on": "2023-05-20",
                "voids": "mx-c-culture-1",
                "reason": "wrong patient",
            }
        ],
    )
    after = client.get(f"/v1/alerts/{before['id']}").json()
    assert after["status"] == "open"
    assert after["supported"] is False
    assert "no cluster" in after["support_note"]
    assert [entry["name"] for entry in after["history"]] == ["opened", "unsupported"]
    assert after["evidence"] == before["evidence"]  # as known when it fired

    sentinel = next(a for a in alerts(client) if a["facilities"] == ["mx-traveller-co-2"])
    assert sentinel["supported"] is False


def test_two_linked_by_their_clinic_lose_one_case_and_keep_the_alert(client):
    """All three at one clinic: with one voided, two cases at a clinic are still a cluster."""
    reports = [
        {**event, "performed_at": "One Clinic"} if event["type"] == "transplant" else event
        for event in mexico_events()
    ]
    send(client, reports)
    (before,) = alerts(client, kind="cluster")
    assert len(before["cases"]) == 3
    void = {"type": "void", "voids": "mx-c-culture-1", "reason": "wrong patient"}
    who = {"facility": "mx-traveller-co-2", "patient": "mx-c", "event_id": "mx-c-void"}
    send(client, [{**void, **who, "occurred_on": "2023-05-20"}])
    after = client.get(f"/v1/alerts/{before['id']}").json()
    assert (len(after["cases"]), after["supported"]) == (2, True)
    assert after["history"][-1]["name"] == "updated"
    assert after["history"][-1]["detail"]["what"] == ["1 case no longer in it"]
    assert (after["evidence"]["observed"], after["latest_evidence"]["observed"]) == (3, 2)


def test_the_rate_beside_it_does_not_call_acid_fast_bacilli_ntm(client):
    send(client, islice(mexico_events(), 2))
    query = {"infection_type": "ntm", "end": "2022-08-01"}
    assert client.get("/v1/rates", params=query).json()["total"]["cases"] == 0
