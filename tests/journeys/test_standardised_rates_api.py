"""Standardised rates over HTTP: by the network's own strata, and by published ages."""

import csv
import io
import json
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from service.reference.standard_populations import standard_populations
from service.stats.direct_standardisation import direct_rate
from tests.journeys.watched import send

HOW = {"infection_type": "bacterial", "start": "2020-01-01", "end": "2020-12-31"}
DAYS_PER_YEAR = 365.25
AGES = {"0-17": 10, "18-39": 30, "40-59": 50, "60+": 70, "unknown": None}
PEOPLE = {
    ("a", "0-17"): (4, 1),
    ("a", "18-39"): (3, 0),
    ("a", "40-59"): (6, 2),
    ("a", "60+"): (5, 3),
    ("a", "unknown"): (1, 1),
    ("b", "40-59"): (8, 4),
    ("b", "60+"): (2, 0),
}
"""Kidney recipients of 1 January 2020 and how many of them were ill on day 50, the others being
withdrawn on day 364."""


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    events = []
    for (facility, age_group), (people, ill) in PEOPLE.items():
        for number in range(people):
            age = AGES[age_group]
            transplant = {"transplant_type": "kidney", **({"age_years": age} if age else {})}
            chart: list[tuple[str, int, dict[str, Any]]] = [("transplant", 0, transplant)]
            if number < ill:
                chart.append(("infection", 50, {"organism": "E. coli", "site": "blood"}))
            chart.append(("outcome", 364, {"outcome": "withdrawn"}))
            patient = f"{facility}{AGES[age_group]}-{number}"
            events += [happened(facility, patient, *one) for one in chart]
    send(watched_client, events)
    return watched_client


def happened(
    facility: str, patient: str, type_: str, days: int, more: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": type_,
        "event_id": f"{patient}-{type_}-{days}",
        "facility": facility,
        "patient": patient,
        "occurred_on": (date(2020, 1, 1) + timedelta(days=days)).isoformat(),
        **more,
    }


def at_risk(facility: str | None, age_group: str) -> int:
    return sum(
        ill * 51 + (people - ill) * 365
        for (where, age), (people, ill) in PEOPLE.items()
        if where == (facility or where) and age == age_group
    )


def ill(facility: str | None, age_group: str) -> int:
    return sum(
        sick
        for (where, age), (_, sick) in PEOPLE.items()
        if where == (facility or where) and age == age_group
    )


def standardised(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/rates/standardised", params={**HOW, "by": "facility", **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_facility(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["stratum"]["facility"]: row for row in told["rows"]}


def expected(facility: str | None, weights: dict[str, float]) -> Any:
    """Per 100 person-years, by the pure function on the cohort as it was made up."""
    return direct_rate(
        [ill(facility, age) for age in weights],
        [at_risk(facility, age) / DAYS_PER_YEAR / 100 for age in weights],
        list(weights.values()),
    )


def test_by_a_published_population(client):
    told = standardised(client, standard="european_2013")
    shares = standard_populations()["european_2013"].shares
    used = told["standard"]
    assert {one["stratum"]["age_group"]: one["weight"] for one in used["weights"]} == shares
    assert "Eurostat" in used["source"]
    assert "15-19" in used["assumption"]
    row, found = by_facility(told)["a"], expected("a", shares)
    assert row["standardised_rate"] == pytest.approx(found.rate)
    assert row["standardised_ci"] == {
        "lower": pytest.approx(found.interval.lower),
        "upper": pytest.approx(found.interval.upper),
        "level": 0.95,
        "method": "fay_feuer",
    }
    assert (row["reason"], row["strata_without_person_time"]) == (None, [])
    days = sum(at_risk("a", age) for age in AGES)
    assert row["left_out"] == {
        "cases": 1,
        "person_days": 51,
        "share_of_person_time": pytest.approx(51 / days),
    }
    assert told["total"]["standardised_rate"] == pytest.approx(expected(None, shares).rate)
    assert told["definition"]["standard"] == "european_2013"
    assert told["definition"]["strata"] == ["age_group"]


def test_a_stratum_without_person_time_leaves_no_rate_and_says_so(client):
    row = by_facility(standardised(client, standard="who_2000_2025"))["b"]
    assert (row["standardised_rate"], row["standardised_ci"]["upper"]) == (None, None)
    assert row["reason"] == "strata that the standard has are without person-time"
    assert row["strata_without_person_time"] == [{"age_group": "0-17"}, {"age_group": "18-39"}]
    assert row["rate"] is not None


def test_by_the_network_s_own_person_time(client):
    told = standardised(client, standard="network")
    days = {age: at_risk(None, age) for age in AGES}
    weights = {age: share / sum(days.values()) for age, share in days.items()}
    given = {one["stratum"]["age_group"]: one["weight"] for one in told["standard"]["weights"]}
    assert given == pytest.approx(weights)
    found, row = expected("a", weights), by_facility(told)["a"]
    assert row["standardised_rate"] == pytest.approx(found.rate)
    assert row["standardised_ci"]["lower"] == pytest.approx(found.interval.lower)
    assert row["left_out"]["person_days"] == 0
    total = told["total"]
    assert total["standardised_rate"] == pytest.approx(total["rate"])
    assert total["standardised_ci"]["upper"] == pytest.approx(total["ci"]["upper"])
    alone = standardised(client, standard="network", facility="a")
    assert alone["rows"] == [row]
    assert alone["standard"] == told["standard"]
    assert alone["total"]["standardised_rate"] == pytest.approx(row["standardised_rate"])


def test_rows_are_those_of_rates_and_speak_for_a_state_of_knowledge(client):
    before = standardised(client, standard="network", strata="sex,phase")
    rates = client.get("/v1/rates", params={**HOW, "by": "facility"}).json()
    own = rates["rows"][0].keys()
    assert [{n: row[n] for n in own} for row in before["rows"]] == rates["rows"]
    late = happened("b", "b50-5", "infection", 20, {"organism": "E. coli", "site": "blood"})
    send(client, [late])
    after = standardised(client, standard="network", strata="sex,phase")
    assert by_facility(after)["b"]["cases"] == by_facility(before)["b"]["cases"] + 1
    position = before["as_of"]["position"]
    then = standardised(client, standard="network", strata="sex,phase", as_of=position)
    assert then == before


def test_nobody_ill_and_nobody_there(client):
    shares = standard_populations()["who_2000_2025"].shares
    told = standardised(client, standard="who_2000_2025", infection_type="fungal")
    row = by_facility(told)["a"]
    assert (row["standardised_rate"], row["standardised_ci"]["lower"]) == (0.0, 0.0)
    largest = max(share / (PEOPLE["a", age][0] * 365) for age, share in shares.items())
    upper = 3.6888794541139363 * largest * DAYS_PER_YEAR * 100
    assert row["standardised_ci"]["upper"] == pytest.approx(upper)
    nobody = standardised(client, standard="network", transplant_type="lung")
    assert (nobody["rows"], nobody["standard"]["weights"]) == ([], [])
    assert nobody["total"]["reason"] == "the standard has no weight in any stratum"
    assert nobody["total"]["left_out"]["share_of_person_time"] is None


def test_csv_and_ndjson_carry_everything(client):
    asked = {"standard": "who_2000_2025", "by": "facility", **HOW}
    told = standardised(client, **asked)
    text = client.get("/v1/rates/standardised", params={**asked, "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["kind"], row["facility"]) for row in rows] == [
        ("row", "a"),
        ("row", "b"),
        ("total", ""),
    ]
    assert float(rows[0]["standardised_ci_upper"]) == told["rows"][0]["standardised_ci"]["upper"]
    missing = json.loads(rows[1]["strata_without_person_time"])
    assert missing == told["rows"][1]["strata_without_person_time"]
    assert json.loads(rows[2]["standard"]) == told["standard"]
    lines = client.get("/v1/rates/standardised", params={**asked, "format": "ndjson"}).text
    head, *rest = [json.loads(line) for line in lines.splitlines()]
    assert head["standard"] == told["standard"]
    assert [line.pop("kind") for line in rest] == ["row", "row", "total"]
    assert rest[:2] == told["rows"]


def test_a_bound_key_has_published_standards_only(network, client):
    every = by_facility(standardised(client, standard="european_2013"))
    with network.client(network.key("rates:read", "patients:read", facilities=("a",))) as bound:
        asked = {**HOW, "standard": "network", "facility": "a"}
        refused = bound.get("/v1/rates/standardised", params=asked)
        assert (refused.status_code, refused.json()["code"]) == (403, "network_not_allowed")
        assert "who_2000_2025" in refused.json()["detail"]
        assert by_facility(standardised(bound, standard="european_2013")) == {"a": every["a"]}
        other = {"standard": "european_2013", "facility": "b"}
        assert bound.get("/v1/rates/standardised", params=other).status_code == 403
