"""`GET /metrics`: for anybody how the service does; how the programme does, for who may see it."""

import json
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.stats.rates import DAYS_PER_YEAR
from tests.journeys.conftest import Service
from tests.journeys.watched import injected, send

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
ALL = {"facility": "ucd-01", "episodes": "all"}
LAST_YEAR = (date.today() - timedelta(days=400)).isoformat()  # noqa: DTZ011


@pytest.fixture
def told(watched_client: httpx.Client) -> httpx.Client:
    """Two facilities, each with a patient whose infection raises a sentinel alert."""
    for facility in ("ucd-01", "ucd-02"):
        send(watched_client, injected(facility, f"p-{facility}", LAST_YEAR))
    return watched_client


def samples(client: httpx.Client) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def one(found: Samples, name: str, **labels: str) -> float:
    return found["graftwatch_" + name, tuple(sorted(labels.items()))]


def names(found: Samples) -> set[str]:
    return {name for name, _ in found}


def label_values(found: Samples, label: str) -> set[str]:
    return {dict(labels)[label] for _, labels in found if label in dict(labels)}


def test_numerators_and_denominators_are_the_apis(told: httpx.Client) -> None:
    found = samples(told)
    total = told.get("/v1/rates", params=ALL).json()["total"]
    at = {"facility": "ucd-01"}
    assert one(found, "facility_cases", **at, infection_type="ntm") == total["cases"] == 1
    years = one(found, "facility_person_years", **at)
    assert years == pytest.approx(total["person_days"] / DAYS_PER_YEAR)
    assert one(found, "cases", infection_type="ntm") == 2
    assert one(found, "person_years") == pytest.approx(2 * years)
    assert one(found, "facilities") == 2
    assert one(found, "programme_told") == 1


def test_what_baselines_expect_is_what_comparisons_say(told: httpx.Client) -> None:
    found = samples(told)
    answer = told.get("/v1/comparisons").json()
    rows = {row["baseline"]["id"]: row for row in answer["items"]}
    watched = [dict(labels) for name, labels in found if name == "graftwatch_baseline_cases"]
    assert len(watched) > 2
    for labels in watched:
        row = rows[labels["baseline"]]
        assert one(found, "baseline_cases", **labels) == row["observed"]["cases"]
        if labels["measure"] != "cumulative_incidence":  # there the curve counts days otherwise
            expected = one(found, "baseline_expected_cases", **labels)
            assert expected == pytest.approx(row["expected"]["cases"])


def test_open_alerts_are_counted_until_somebody_closes_them(told: httpx.Client) -> None:
    before = samples(told)
    alerts = told.get("/v1/alerts", params={"status": "open"}).json()["items"]
    critical = [alert for alert in alerts if alert["severity"] == "critical"]
    assert one(before, "open_alerts", severity="critical") == len(critical) > 0
    at = {"facility": "ucd-01", "severity": "critical"}
    own = [alert for alert in critical if alert["facilities"] == ["ucd-01"]]
    assert one(before, "facility_open_alerts", **at) >= len(own) > 0
    closing = {"outcome": "expected", "note": "tried"}
    done = told.post(f"/v1/alerts/{own[0]['id']}/close", json=closing)
    assert done.status_code == 200, done.text
    after = samples(told)
    assert one(after, "facility_open_alerts", **at) == one(before, "facility_open_alerts", **at) - 1


def test_it_follows_what_comes_in(told: httpx.Client) -> None:
    before = samples(told)
    send(told, injected("ucd-01", "p-later", LAST_YEAR))
    after = samples(told)
    assert one(after, "cases", infection_type="ntm") == 3
    assert one(after, "ledger_position") == one(before, "ledger_position") + 2
    assert one(after, "ingest_duration_seconds_count") == (
        one(before, "ingest_duration_seconds_count") + 1
    )
    assert one(after, "ledger_recorded_timestamp_seconds") > 1.7e9


def test_a_bound_key_is_told_of_its_own_facility_alone(
    network: Service, told: httpx.Client
) -> None:
    with network.client(
        network.key("rates:read", "patients:read", facilities=("ucd-01",))
    ) as bound:
        found = samples(bound)
    assert label_values(found, "facility") == {"ucd-01"}
    assert one(found, "facilities") == 1
    assert one(found, "cases", infection_type="ntm") == 1
    assert one(found, "open_alerts", severity="critical") < one(
        samples(told), "open_alerts", severity="critical"
    )


def test_small_counts_are_told_to_no_key_that_may_not_see_patients(
    network: Service, told: httpx.Client
) -> None:
    with network.client(network.key("rates:read")) as reader:
        found = samples(reader)
    assert one(found, "programme_told") == 1
    assert one(found, "person_years") == one(samples(told), "person_years")
    small = {
        key: value
        for key, value in found.items()
        if key[0] in {"graftwatch_cases", "graftwatch_facility_cases", "graftwatch_baseline_cases"}
        and 0 < value < 5
    }
    assert not small
    assert one(found, "cases", infection_type="bacterial") == 0
    told_alone = set(samples(told)) - set(found)
    assert ("graftwatch_cases", (("infection_type", "ntm"),)) in told_alone


@pytest.mark.parametrize("key", [None, "gw_0000000000000000_guess", "events"])
def test_others_are_told_how_the_service_does_and_no_more(
    network: Service, told: httpx.Client, key: str | None
) -> None:
    used = network.key("events:write") if key == "events" else key
    with network.client(used) as stranger:
        found = samples(stranger)
    assert one(found, "programme_told") == 0
    assert one(found, "database_up") == 1
    assert "graftwatch_cases" not in names(found)
    assert not label_values(found, "facility") | label_values(found, "baseline")


def test_no_metric_names_a_patient_and_labels_are_bounded(
    network: Service, told: httpx.Client
) -> None:
    told.get("/v1/facilities/ucd-01/patients/p-ucd-01")
    told.get("/v1/facilities/p-ucd-01/nowhere")
    text = told.get("/metrics").text
    assert "p-ucd-01" not in text
    declared = {
        "method",
        "route",
        "status",
        "le",
        "facility",
        "infection_type",
        "severity",
        "baseline",
        "measure",
        "unit",
        "channel",
        "outcome",
    }
    assert {label for _, labels in samples(told) for label, _ in labels} <= declared


def test_files_and_descriptions_are_counted_under_their_own_routes(
    network: Service, told: httpx.Client
) -> None:
    for method, path in (
        ("GET", "/docs/assets/swagger-ui.css"),
        ("HEAD", "/docs/assets/nothing-of-this-name"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("HEAD", "/v1/rates"),
    ):
        told.request(method, path)
    routes = label_values(samples(told), "route")
    assert {"/docs/assets/{path}", "/openapi.json", "/docs", "/v1/rates"} <= routes
    assert not any("nothing-of-this-name" in route for route in routes)


def test_grafana_finds_in_the_api_what_its_tables_show(
    network: Service, told: httpx.Client
) -> None:
    boards = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
    targets = [
        target
        for file in sorted(boards.glob("*.json"))
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
        if "url" in target
    ]
    assert len(targets) == 2
    with network.client(network.key("rates:read")) as grafana:
        for target in targets:
            answer = grafana.get(target["url"].removeprefix("http://graftwatch:8000"))
            assert answer.status_code == 200, answer.text
            for column in target["columns"]:
                found = answer.json()[target["root_selector"]][0]
                for part in column["selector"].split("."):
                    assert part in found, column
                    found = found[part]
