"""Replay over HTTP: what would have fired, when, and with which settings; nothing is stored."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import Service
from tests.journeys.test_monitor_methods_api import RATE, SHARE, injected_joints, kidneys
from tests.journeys.watched import injected, send

TODAY = datetime.now(UTC).date()
VARIANTS: list[dict[str, Any]] = [
    {"name": "strict", "alpha": 0.01},
    {"name": "horizon 5", "method": "maxsprt", "settings": {"horizon": 5}},
    {"name": "conditional", "method": "conditional_maxsprt"},
    {"name": "rise", "method": "e_detector"},
    {"name": "cusum", "method": "cusum", "settings": {"rate_ratio": 3}},
    {"name": "point", "null": "point"},
]
SERRATIA = {
    "title": "Serratia in a neonatal unit",
    "measure": "rate",
    "value": 0.7 / 10_000 * 365.25,
    "printed": "0.7 per 10,000 patient-days",
    "cases": 20,
    "denominator": 285_714,
    "denominator_unit": "person_days",
    "numerator": {"organism_group": ["Mycobacterium abscessus complex"]},
    "source": {"title": "As published"},
    "verified": True,
}


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    return watched_client


def replay(client: httpx.Client, monitor: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/monitors/{monitor}/replay", json=body)
    assert answer.status_code == 200, answer.text
    table: dict[str, Any] = answer.json()
    return table


def rows(client: httpx.Client, monitor: str, **body: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in replay(client, monitor, **body)["rows"]}


def test_a_replay_is_the_monitors_own_path_and_its_alert(client: httpx.Client) -> None:
    """In whatever order the reports came, and with each method, as the live monitor signalled."""
    monitor = f"excess-{RATE}"
    for event in reversed(list(kidneys("hsct-1", 40, ill=6))):
        send(client, [event])
    for facility in (None, "hsct-1"):
        found = rows(client, monitor, facility=facility, variants=VARIANTS)
        assert list(found) == ["as_it_is", *(one["name"] for one in VARIANTS)]
        where = {"facility": facility} if facility else {}
        path = client.get(f"/v1/monitors/{monitor}/path", params=where).json()
        scope = f"facility:{facility}" if facility else "network"
        alerts = client.get("/v1/alerts", params={"monitor": monitor}).json()["items"]
        (alert,) = [one for one in alerts if one["scope"] == scope]
        own = found["as_it_is"]
        evidence = alert["latest_evidence"]
        assert own["signalled_on"] == path["signalled_on"] == evidence["signalled_on"]
        assert own["signalled_in"] == own["signalled_on"][:7]
        assert own["highest"] == evidence["e_value"] == path["points"][-1]["highest"]
        assert own["at_end"]["cases"] == evidence["observed"]
        assert own["at_end"]["severity"] == alert["severity"]
        assert own["first_case"] == alert["first_onset"]
        gone = date.fromisoformat(own["signalled_on"]) - date.fromisoformat(own["first_case"])
        assert own["days_from_first_case"] == gone.days
        # A stricter variant signals no sooner, a lower null no later.
        assert found["strict"]["signalled_on"] >= own["signalled_on"]
        assert found["point"]["signalled_on"] <= own["signalled_on"]
        for name in ("horizon 5", "conditional", "rise", "cusum"):
            row = found[name]
            assert row["fired"]
            assert row["at_signal"]["cases"] > row["at_signal"]["expected"]


def test_each_method_replays_as_it_would_have_watched(client: httpx.Client) -> None:
    send(client, kidneys("hsct-1", 40, ill=6))
    found = rows(client, f"excess-{RATE}", facility="hsct-1", variants=VARIANTS)
    for number, variant in enumerate(VARIANTS):
        wanted = {"id": f"ours-{number}", "baseline": RATE, "enabled": True, **variant}
        wanted.pop("name")
        made = client.post("/v1/monitors", json=wanted)
        assert made.status_code == 201, made.text
        address = f"/v1/monitors/ours-{number}/path"
        path = client.get(address, params={"facility": "hsct-1"}).json()
        row = found[variant["name"]]
        assert (row["signalled_on"], row["threshold"]) == (path["signalled_on"], path["threshold"])
        assert row["guarantee"] == made.json()["guarantee"]


def test_nothing_is_stored(client: httpx.Client) -> None:
    send(client, kidneys("hsct-1", 40, ill=6))
    before = [client.get(f"/v1/{name}").json() for name in ("alerts", "monitors", "error-budget")]
    replay(client, f"excess-{RATE}", variants=VARIANTS)
    after = [client.get(f"/v1/{name}").json() for name in ("alerts", "monitors", "error-budget")]
    assert after == before


def test_a_start_and_an_end_bound_what_is_seen(client: httpx.Client) -> None:
    send(client, kidneys("hsct-1", 40, ill=6))
    monitor = f"excess-{RATE}"
    whole = rows(client, monitor)["as_it_is"]
    day_before = date.fromisoformat(whole["signalled_on"]) - timedelta(days=1)
    cut = rows(client, monitor, end=day_before.isoformat())["as_it_is"]
    assert (cut["fired"], cut["signalled_on"]) == (False, None)
    start = (TODAY - timedelta(days=75)).isoformat()
    table = replay(client, monitor, start=start)
    assert table["definition"]["start"] == table["rows"][0]["started_on"] == start
    assert table["rows"][0]["first_case"] == (TODAY - timedelta(days=70)).isoformat()
    assert table["rows"][0]["at_end"]["cases"] == 3


def test_a_variant_that_cannot_watch_says_so_in_its_row(client: httpx.Client) -> None:
    variants = [{"name": "rise", "method": "cusum"}, {"name": "strict", "alpha": 0.01}]
    found = rows(client, f"share-{SHARE}", variants=variants)
    assert found["rise"]["fired"] is None
    assert "person-time" in found["rise"]["error"]
    assert (found["strict"]["fired"], found["strict"]["error"]) == (False, None)


def test_a_share_a_cluster_and_a_sentinel_replay(client: httpx.Client) -> None:
    send(client, injected_joints("hsct-1", 9))
    share = rows(client, f"share-{SHARE}", variants=[{"name": "strict", "alpha": 0.001}])
    assert share["as_it_is"]["signalled_on"] < (share["strict"]["signalled_on"] or "9")

    clinic = {"performed_at": "Clinic A", "performed_in": "MX"}
    for facility, patient, on in (("a", "1", "2022-01-10"), ("b", "2", "2022-02-01")):
        send(client, injected(f"hsct-{facility}", patient, on, **clinic))
    send(client, injected("hsct-c", "3", "2023-06-01", **clinic))
    variants = [
        {"name": "three", "rule": {"min_cases": 3}},
        {"name": "three in two years", "rule": {"min_cases": 3, "max_gap_days": 730}},
        {"name": "lots", "rule": {"links": [{"attribute": "lot"}]}},
    ]
    found = rows(client, "cluster-ntm", variants=variants)
    own = found["as_it_is"]
    (alert,) = client.get("/v1/alerts", params={"monitor": "cluster-ntm"}).json()["items"]
    assert (own["signalled_on"], own["at_signal"]["cases"]) == (alert["last_onset"], 2)
    assert own["days_from_first_case"] == 22
    assert [found[one["name"]]["fired"] for one in variants] == [False, True, False]
    assert found["three in two years"]["signalled_on"] == "2023-07-31"
    assert "within 730 days" in found["three in two years"]["rule"]
    assert not rows(client, "cluster-ntm", facility="hsct-a")["as_it_is"]["fired"]

    sentinel = rows(client, "sentinel-ntm-cell-injection", start="2022-03-20")["as_it_is"]
    assert (sentinel["signalled_on"], sentinel["at_end"]["cases"]) == ("2022-04-02", 2)
    assert sentinel["at_signal"] == {"cases": 1, "expected": None, "severity": "critical"}


def months(first: str, number: int, cases: int, per_10_000: float) -> list[dict[str, Any]]:
    """Monthly counts spread evenly over days."""
    start = date.fromisoformat(first)
    year, month = divmod(start.year * 12 + start.month - 1 + number, 12)
    length = (date(year, month + 1, 1) - start).days
    at_risk = round(cases / per_10_000 * 10_000 / length)
    return [
        {
            "date": (start + timedelta(days=place)).isoformat(),
            "cases": (place + 1) * cases // length - place * cases // length,
            "person_days": at_risk,
        }
        for place in range(length)
    ]


def test_an_outbreak_as_published_is_told_month_by_month(client: httpx.Client) -> None:
    """A year at the baseline, then 71 cases in 10 months at 3.0 per 10,000 patient-days."""
    assert client.put("/v1/baselines/published", json=SERRATIA).status_code == 201
    quiet = months("2013-01-01", 12, 20, 0.7)
    days = months("2014-01-01", 10, 71, 3.0)
    assert sum(day["cases"] for day in days) == 71
    variants = VARIANTS
    fresh = rows(client, "excess-published", variants=variants, counts={"days": days})
    assert {name: row["signalled_in"] for name, row in fresh.items()} == FRESH
    after = rows(client, "excess-published", variants=variants, counts={"days": quiet + days})
    assert {name: row["signalled_in"] for name, row in after.items()} == AFTER_A_QUIET_YEAR
    assert after["horizon 5"]["state"] == after["conditional"]["state"] == "horizon reached"
    assert after["as_it_is"]["at_end"]["cases"] == 91
    expected = [{**day, "expected": day["person_days"] * 0.7 / 10_000} for day in days]
    for day in expected:
        del day["person_days"]
    same = rows(client, "excess-published", variants=variants, counts={"days": expected})
    assert "person_days" in same.pop("conditional")["error"]
    for name, row in same.items():
        assert row["signalled_on"] == fresh[name]["signalled_on"]
        assert row["highest"] == pytest.approx(fresh[name]["highest"])


FRESH = {
    "as_it_is": "2014-01",
    "strict": "2014-02",
    "horizon 5": "2014-01",
    "conditional": "2014-01",
    "rise": "2014-02",
    "cusum": "2014-01",
    "point": "2014-01",
}
"""The month in which each method fires where watching begins with the outbreak."""

AFTER_A_QUIET_YEAR = {
    "as_it_is": "2014-04",
    "strict": "2014-04",
    "horizon 5": None,
    "conditional": None,
    "rise": "2014-02",
    "cusum": "2014-01",
    "point": "2014-04",
}
"""And where it began a year before: a horizon of 5 expected cases is then long past, and 50 cases
come before their ratio to the quiet year's suffices."""


def test_counts_beside_expected_cases_need_no_person_time(client: httpx.Client) -> None:
    days = [{"date": "2024-01-01", "cases": 4, "expected": 0.1}]
    table = replay(client, f"excess-{RATE}", variants=VARIANTS, counts={"days": days})
    found = {row["name"]: row for row in table["rows"]}
    assert (table["definition"]["data"], table["definition"]["end"]) == ("given", "2024-01-01")
    assert found["as_it_is"]["at_signal"] == {"cases": 4, "expected": 0.1, "severity": "critical"}
    assert found["point"]["highest"] == found["as_it_is"]["highest"]
    assert "person_days" in found["conditional"]["error"]


@pytest.mark.parametrize(
    "day",
    [
        {"cases": 0, "expected": 0.0},
        {"cases": 0, "person_days": 0},
        {"cases": 3, "person_days": 0},
        {"cases": 1, "expected": 1e-9},
        {"cases": 1_000_000, "expected": 1e6},
        {"cases": 1_000_000, "expected": 0.0},
        {"cases": 0, "person_days": 1_000_000_000},
    ],
    ids=str,
)
def test_extreme_counts_are_answered_in_finite_numbers(
    client: httpx.Client, day: dict[str, Any]
) -> None:
    counts = {"days": [{"date": "2024-01-01", **day}]}
    text = client.post(
        f"/v1/monitors/excess-{RATE}/replay", json={"variants": VARIANTS, "counts": counts}
    ).text
    assert '"as_it_is"' in text
    assert "NaN" not in text
    assert "Infinity" not in text


def test_rows_come_as_csv_and_lines_too(client: httpx.Client) -> None:
    address = f"/v1/monitors/excess-{RATE}/replay"
    body = {"variants": VARIANTS}
    table = client.post(address, params={"format": "csv"}, json=body).text
    read = list(csv.DictReader(io.StringIO(table)))
    assert [row["name"] for row in read] == ["as_it_is", *(one["name"] for one in VARIANTS)]
    assert (read[0]["fired"], read[0]["at_signal_cases"]) == ("false", "")
    lines = client.post(address, json=body, headers={"accept": "application/x-ndjson"}).text
    assert len(lines.splitlines()) == 1 + len(read)


def test_a_bound_key_replays_its_own_facilities(network: Service, client: httpx.Client) -> None:
    send(client, kidneys("hsct-1", 40, ill=6))
    send(client, kidneys("hsct-2", 40, ill=0))
    monitor = f"excess-{RATE}"
    with network.client(network.key(facilities=("hsct-2",))) as bound:
        assert not rows(bound, monitor, facility="hsct-2")["as_it_is"]["fired"]
        address = f"/v1/monitors/{monitor}/replay"
        assert bound.post(address, json={"facility": "hsct-1"}).status_code == 403
        refused = bound.post(address, json={})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/facility"
        days = [{"date": "2024-01-01", "cases": 4, "expected": 0.1}]
        assert rows(bound, monitor, counts={"days": days})["as_it_is"]["fired"]


DAY = {"date": "2024-01-01", "cases": 1, "expected": 1.0}
FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"variants": [{"name": "a", "method": "crystal_ball"}]}, "/variants/0/method", "e_detector"),
    ({"variants": [{"name": "a", "alpha": 1.0}]}, "/variants/0/alpha", "less than 1"),
    ({"variants": [{"name": "a", "alpha": 0}]}, "/variants/0/alpha", "greater than 0"),
    ({"variants": [{"name": str(n)} for n in range(21)]}, "/variants", "at most 20"),
    ({"variants": [{"name": "as_it_is"}]}, "/variants/0/name", "of its own"),
    ({"variants": [{"name": "a"}, {"name": "a"}]}, "/variants/1/name", "of its own"),
    (
        {"variants": [{"name": "a", "method": "cusum", "alpha": 0.01}]},
        "/variants/0/alpha",
        "days_between_false_alarms",
    ),
    (
        {"variants": [{"name": "a"}, {"name": "b", "settings": {"horizon": 1}}]},
        "/variants/1/settings",
        "leave settings out",
    ),
    (
        {"variants": [{"name": "a", "method": "maxsprt", "settings": {"horizon": 0}}]},
        "/variants/0/settings",
        "horizon",
    ),
    ({"variants": [{"name": "a", "method": "linkage"}]}, "/variants/0/method", "no baseline"),
    ({"variants": [{"name": "a", "rule": {"min_cases": 3}}]}, "/variants/0/rule", "no rule"),
    ({"start": "2024-02-01", "end": "2024-01-01"}, "/start", "must not be after"),
    ({"end": "9999-01-01"}, "/end", "after today"),
    ({"start": "01.02.2024"}, "/start", "YYYY-MM-DD"),
    ({"counts": {"days": [{**DAY, "cases": -1}]}}, "/counts/days/0/cases", "0"),
    ({"counts": {"days": [{**DAY, "expected": -0.5}]}}, "/counts/days/0/expected", "0"),
    ({"counts": {"days": [{**DAY, "person_days": 5}]}}, "/counts/days/0", "either"),
    ({"counts": {"days": [{"date": "2024-01-01", "cases": 1}]}}, "/counts/days/0", "either"),
    ({"counts": {"days": [DAY, DAY]}}, "/counts", "add up"),
    ({"counts": {"days": []}}, "/counts/days", "at least 1"),
    (
        {"counts": {"days": [DAY, {**DAY, "date": "2200-01-01"}]}},
        "/counts",
        "36,525",
    ),
    ({"counts": {"days": [DAY]}, "facility": "hsct-1"}, "/facility", "no stored facility"),
    ({"colour": "red"}, "/colour", "not permitted"),
]


@pytest.mark.parametrize(("body", "pointer", "said"), FAULTS, ids=str)
def test_what_cannot_be_replayed_is_refused_with_what_to_do(
    client: httpx.Client, body: dict[str, Any], pointer: str, said: str
) -> None:
    answer = client.post(f"/v1/monitors/excess-{RATE}/replay", json=body)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert said in fault["message"]


def test_rules_refuse_what_they_have_not(client: httpx.Client) -> None:
    address = "/v1/monitors/cluster-ntm/replay"
    for change, said in (
        ({"alpha": 0.01}, "has none"),
        ({"method": "e_process"}, "no baseline"),
        ({"rule": {"site_class": "pulmonary"}}, "no site_class"),
        ({"rule": {"infection_type": "plague"}}, "must be one of"),
    ):
        answer = client.post(address, json={"variants": [{"name": "a", **change}]})
        assert answer.status_code == 422, answer.text
        assert said in answer.json()["errors"][0]["message"]
    given = client.post(address, json={"counts": {"days": [DAY]}})
    assert (given.status_code, given.json()["code"]) == (422, "measure_mismatch")
    share = client.post(f"/v1/monitors/share-{SHARE}/replay", json={"counts": {"days": [DAY]}})
    assert share.json()["code"] == "measure_mismatch"
    assert client.post("/v1/monitors/nothing/replay", json={}).status_code == 404
