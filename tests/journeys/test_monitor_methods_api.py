"""Every method over HTTP: a monitor is made, events come, and alert, evidence and path tell it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.journeys.watched import send

RATE, INCIDENCE, PROPORTION = "tb-sot-spain", "stcs-any-1y", "cinicola-ntm-allo"
SHARE = "cinicola-share-extrapulmonary"
TODAY = datetime.now(UTC).date()
METHODS = {
    "e_process": ("excess", RATE, "e_value", {}),
    "maxsprt": ("excess", RATE, "log_likelihood_ratio", {"horizon": 5.0, "least_cases": 2}),
    "conditional_maxsprt": ("excess", RATE, "log_likelihood_ratio", {"most_cases": 20}),
    "e_detector": ("rise", RATE, "e_detector", {"rate_ratios": [2.0, 5.0]}),
    "cusum": ("rise", RATE, "cusum", {"rate_ratio": 3.0}),
    "share_shift": ("share", SHARE, "e_value", {}),
}
"""Kind, baseline, statistic and settings to try each method with."""


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    return watched_client


def kidneys(facility: str, number: int, ill: int) -> Iterator[dict[str, Any]]:
    """Recipients followed for the last 700 days; some have tuberculosis in the last 100 of them."""
    for place in range(number):
        who = {"facility": facility, "patient": f"{facility}-{place}"}

        def event(type_: str, day: date, who: dict[str, str] = who, **more: Any) -> dict[str, Any]:
            event_id = f"{who['patient']}-{type_}-{day}"
            on = day.isoformat()
            return {"type": type_, "event_id": event_id, **who, "occurred_on": on, **more}

        yield event("transplant", TODAY - timedelta(days=700), transplant_type="kidney")
        yield event("follow_up", TODAY - timedelta(days=1))
        if place < ill:
            onset = TODAY - timedelta(days=100 - 10 * place)
            yield event("infection", onset, organism="M. tuberculosis", specimen="sputum")


def injected_joints(facility: str, number: int) -> Iterator[dict[str, Any]]:
    """NTM of the joint, one patient each."""
    for place in range(number):
        who = {"facility": facility, "patient": f"j-{place}"}
        index_date = TODAY - timedelta(days=300)
        base = {**who, "occurred_on": index_date.isoformat()}
        yield {
            "type": "transplant",
            "event_id": f"j-{place}-t",
            **base,
            "transplant_type": "allo-HSCT",
        }
        yield {
            "type": "infection",
            "event_id": f"j-{place}-i",
            **who,
            "occurred_on": (index_date + timedelta(days=40 + place)).isoformat(),
            "organism": "M. abscessus",
            "specimen": "synovial fluid",
        }


@pytest.mark.parametrize("method", METHODS)
def test_a_monitor_of_each_method_signals_and_tells_its_evidence(
    client: httpx.Client, method: str
) -> None:
    kind, baseline, statistic, settings = METHODS[method]
    wanted = {"id": "ours", "baseline": baseline, "method": method, "enabled": True}
    more = {"settings": settings} if settings else {}
    made = client.post("/v1/monitors", json=wanted | more)
    assert made.status_code == 201, made.text
    monitor = made.json()
    assert (monitor["kind"], monitor["method"], monitor["statistic"]) == (kind, method, statistic)
    assert {name: monitor["settings"][name] for name in settings} == settings
    promised = monitor["guarantee"]
    numbers = [promised["false_alarm_probability"], promised["days_between_false_alarms"]]
    assert numbers == ([None, 3650.0] if kind == "rise" else [0.05, None])

    send(client, kidneys("hsct-1", 100, ill=8))
    send(client, injected_joints("hsct-1", 9))
    alerts = client.get("/v1/alerts", params={"monitor": "ours", "kind": kind}).json()["items"]
    assert {alert["scope"] for alert in alerts} == {"facility:hsct-1", "network"}
    alert = next(one for one in alerts if one["scope"] == "facility:hsct-1")
    evidence = alert["evidence"]
    assert (evidence["method"], evidence["statistic"]) == (method, statistic)
    assert evidence[statistic] >= evidence["threshold"]
    assert len(alert["cases"]) == evidence["observed"] > evidence["expected"]
    if kind == "rise":
        assert alert["title"].startswith("Tuberculosis: SOT, 16 Spanish centres: a recent rise")
        assert evidence["rise_from"] == alert["first_onset"]

    path = client.get("/v1/monitors/ours/path", params={"facility": "hsct-1"}).json()
    assert (path["method"], path["statistic"]) == (method, statistic)
    assert path["signalled_on"] == evidence["signalled_on"]
    assert path["threshold"] == evidence["threshold"]
    assert path["points"][-1]["highest"] == evidence[statistic]
    assert path["points"][-1]["value"] == evidence[f"{statistic}_now"]
    assert path["points"][-1]["day"] == TODAY.isoformat()
    assert path["expected_per_year"] > 0
    gaps = path["gaps"]
    assert len(gaps["points"]) == path["points"][-1]["cases"] - 1
    assert {gap["days"] for gap in gaps["points"]} == ({1} if kind == "share" else {10})
    assert gaps["in_expected"]["centre"] == 1.0
    assert "Benneyan" in gaps["source"]


def test_a_share_counts_cases_of_the_kind_among_the_cases(client: httpx.Client) -> None:
    send(client, injected_joints("hsct-1", 9))
    (alert, _) = client.get("/v1/alerts", params={"kind": "share"}).json()["items"]
    assert (alert["evidence"]["observed"], alert["evidence"]["cases"]) == (9, 9)
    assert alert["evidence"]["expected"] == pytest.approx(0.56 * 9)
    (compared,) = client.get("/v1/comparisons", params={"baseline": SHARE}).json()["items"]
    assert compared["e_value"]["value"] == pytest.approx(alert["evidence"]["e_value"])
    assert compared["e_value"]["monitor"] == f"share-{SHARE}"


def test_a_closed_rise_starts_from_nothing_the_day_after(client: httpx.Client) -> None:
    send(client, kidneys("hsct-1", 100, ill=8))
    alerts = client.get("/v1/alerts", params={"monitor": f"rise-{RATE}"}).json()["items"]
    for alert in alerts:
        closed = client.post(f"/v1/alerts/{alert['id']}/close", json={"outcome": "outbreak"})
        assert closed.status_code == 200
    address = f"/v1/monitors/rise-{RATE}/path"
    path = client.get(address, params={"facility": "hsct-1"}).json()
    assert path["counted_from"] == (TODAY + timedelta(days=1)).isoformat()
    assert (path["points"], path["signalled_on"], path["rise_from"]) == ([], None, None)


def test_a_horizon_that_is_reached_is_told(client: httpx.Client) -> None:
    settings = {"horizon": 0.5}
    wanted = {"id": "ours", "baseline": RATE, "method": "maxsprt", "settings": settings}
    client.post("/v1/monitors", json=wanted)
    send(client, kidneys("hsct-1", 100, ill=1))
    path = client.get("/v1/monitors/ours/path", params={"facility": "hsct-1"}).json()
    assert (path["state"], path["signalled_on"]) == ("horizon reached", None)
    guarantee = client.get("/v1/monitors/ours").json()["guarantee"]["text"]
    assert "before 0.5 cases were expected" in guarantee
    assert "horizon is reached" in guarantee


def test_a_method_may_be_changed_for_another_of_its_kind(client: httpx.Client) -> None:
    changed = client.patch(
        f"/v1/monitors/rise-{RATE}", json={"method": "cusum", "days_between_false_alarms": 1000}
    ).json()
    assert (changed["method"], changed["settings"]) == ("cusum", {"rate_ratio": 2.0})
    assert changed["guarantee"]["days_between_false_alarms"] == 1000
    tuned = client.patch(f"/v1/monitors/rise-{RATE}", json={"settings": {"rate_ratio": 4}}).json()
    assert (tuned["settings"], tuned["version"]) == ({"rate_ratio": 4.0}, 3)
    refused = client.patch(f"/v1/monitors/rise-{RATE}", json={"method": "e_process"})
    assert refused.json()["errors"][0]["code"] == "other_kind"
    assert "POST /v1/monitors" in refused.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"method": "crystal_ball"}, "/method", "e_detector"),
        ({"method": "e_detector", "baseline": PROPORTION}, "/method", "runs ahead"),
        ({"method": "cusum", "baseline": SHARE}, "/method", "person-time"),
        ({"method": "share_shift"}, "/method", "risk of recipients"),
        ({"method": "e_process", "baseline": SHARE}, "/method", "share_shift"),
        ({"method": "conditional_maxsprt", "baseline": "hz-sot-va"}, "/method", "own cases"),
        ({"method": "conditional_maxsprt", "baseline": INCIDENCE}, "/method", "person-time"),
        ({"method": "sentinel"}, "/method", "no baseline"),
        ({"baseline": "bkvan-uppsala"}, "/baseline", "30, 100, 180 or 365"),
        ({"alpha": 1.0}, "/alpha", "less than 1"),
        ({"alpha": -0.05}, "/alpha", "greater than 0"),
        ({"method": "cusum", "days_between_false_alarms": -1}, "/days_between_false_alarms", "1"),
        ({"method": "cusum", "alpha": 0.05}, "/alpha", "days_between_false_alarms"),
        ({"days_between_false_alarms": 100}, "/days_between_false_alarms", "alpha"),
        ({"method": "conditional_maxsprt", "null": "point"}, "/null", "no chosen figure"),
        ({"method": "maxsprt", "settings": {"rate_ratio": 2}}, "/settings/rate_ratio", "horizon"),
        ({"method": "maxsprt", "settings": {"horizon": 0}}, "/settings", "horizon"),
        ({"method": "maxsprt", "settings": {"horizon": 1e9}}, "/settings", "1000"),
        (
            {"method": "maxsprt", "settings": {"horizon": 0.1, "least_cases": 5}},
            "",
            "rarer",
        ),
        ({"method": "conditional_maxsprt", "settings": {"most_cases": 999}}, "/settings", "200"),
        ({"method": "conditional_maxsprt", "settings": {"most_cases": None}}, "/settings", "end"),
        ({"method": "e_detector", "settings": {"rate_ratios": []}}, "/settings", "1 to 20"),
        ({"method": "e_detector", "settings": {"rate_ratios": [0.5]}}, "/settings", "above 1"),
        ({"method": "cusum", "settings": {"rate_ratio": 1.0}}, "/settings", "between"),
        ({"settings": {"horizon": 1}}, "/settings", "leave settings out"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_what_to_do(
    client: httpx.Client, body: dict[str, Any], pointer: str, said: str
) -> None:
    answer = client.post("/v1/monitors", json={"id": "ours", "baseline": RATE, **body})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert said in fault["message"]


def test_a_conditional_test_longer_than_can_be_computed_is_refused(client: httpx.Client) -> None:
    body = {"id": "ours", "baseline": RATE, "method": "conditional_maxsprt"}
    answer = client.post(
        "/v1/monitors", json={**body, "settings": {"most_cases": None, "longest_ratio": 50}}
    )
    assert answer.status_code == 409
    assert "longest_ratio must be at most" in answer.json()["detail"]
