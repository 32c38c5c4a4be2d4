"""The funnel over HTTP: each facility among its limits, by the network or a published rate."""

import csv
import io
import json
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from service.stats.empirical_bayes import posterior, prior
from service.stats.funnel import control_limits
from service.stats.sir import observed_expected
from tests.journeys.watched import send

HOW = {"infection_type": "bacterial", "start": "2020-01-01", "end": "2020-12-31"}
PATIENTS = 8
ILL = {"a": 7, "b": 2, "c": 0}


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    """
    Three facilities with eight kidney recipients each, 1 January 2020, all withdrawn on day 364;
    of a seven had a bacterial infection on day 50, of b two, of c none. Nobody at d but one lung
    recipient, gone on the first day.
    """
    events = []
    for facility, ill in ILL.items():
        for number in range(PATIENTS):
            chart = [("transplant", 0, {"transplant_type": "kidney", "age_years": 50})]
            if number < ill:
                chart.append(("infection", 50, {"organism": "E. coli", "site": "blood"}))
            chart.append(("outcome", 364, {"outcome": "withdrawn"}))
            events += [happened(facility, f"{facility}{number}", *one) for one in chart]
    events.append(happened("d", "d0", "transplant", 0, {"transplant_type": "lung"}))
    events.append(happened("d", "d0", "outcome", 0, {"outcome": "withdrawn"}))
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


def funnel(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/funnel", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def points(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["stratum"]["facility"]: row for row in told["rows"]}


def test_each_facility_among_the_limits_of_its_expected_number(client):
    told = funnel(client, **HOW)
    at_risk = {name: ill * 51 + (PATIENTS - ill) * 365 for name, ill in ILL.items()} | {"d": 1}
    rates = client.get("/v1/rates", params={**HOW, "by": "facility"}).json()["rows"]
    found = points(told)
    for rate in rates:
        row = found[rate["stratum"]["facility"]]
        same = ("cases", "person_days", "person_years", "rate", "ci")
        assert {n: row[n] for n in same} == {n: rate[n] for n in same}
    expected = {name: 9 * days / sum(at_risk.values()) for name, days in at_risk.items()}
    assert {name: row["expected"] for name, row in found.items()} == pytest.approx(expected)
    assert told["total"]["expected"] == pytest.approx(told["total"]["cases"]) == pytest.approx(9)
    a, c, d = found["a"], found["c"], found["d"]
    ratio = observed_expected(7, expected["a"])
    assert (a["ratio"], a["reason"]) == (pytest.approx(ratio.ratio), None)
    assert a["ratio_ci"]["method"] == "midp"
    assert a["ratio_ci"]["lower"] == pytest.approx(ratio.interval.lower)
    limits = control_limits(expected["a"], 0.998)
    assert a["limits_998"] == {
        "lower": pytest.approx(limits.lower),
        "upper": pytest.approx(limits.upper),
    }
    assert a["position"] == "above 99.8%"
    assert (c["ratio"], c["ratio_ci"]["lower"], c["position"]) == (0.0, None, "below 95%")
    assert (d["ratio"], d["reason"], d["position"]) == (None, "expected below 1", "inside")


def test_rates_are_drawn_towards_the_mean_of_all(client):
    told = funnel(client, **HOW)
    rows = told["rows"]
    cases, expected = [r["cases"] for r in rows], [r["expected"] for r in rows]
    known = prior(cases, expected)
    assert told["empirical_bayes"] == {
        "mean": pytest.approx(known.mean),
        "dispersion": pytest.approx(known.dispersion),
        "facilities": 4,
        "reason": None,
        "method": "gamma_poisson",
    }
    for row in rows:
        found, shrunken = posterior(row["cases"], row["expected"], known), row["shrunken"]
        assert shrunken["ratio"] == pytest.approx(found.ratio)
        assert shrunken["ci"]["lower"] == pytest.approx(found.interval.lower)
        as_expected = row["expected"] / row["person_years"] * 100
        assert shrunken["rate"] == pytest.approx(found.ratio * as_expected)
        assert shrunken["rate_ci"]["upper"] == pytest.approx(found.interval.upper * as_expected)
    spread = told["overdispersion"]
    deviations = [(o - e) / e**0.5 for o, e in zip(cases, expected, strict=True)]
    assert spread["phi"] == pytest.approx(sum(z * z for z in deviations) / 4)
    assert (spread["facilities"], spread["winsorised"]) == (4, 0)


def test_against_strata_and_among_some(client):
    told = funnel(client, **HOW, standardise_by="phase,transplant_type")
    assert told["definition"]["standardise_by"] == ["phase", "transplant_type"]
    assert points(told)["d"]["expected"] == 0.0  # no lung recipient was ever ill
    gone = points(told)["d"]
    assert (gone["limits_95"], gone["position"], gone["p_value"]) == (None, None, None)
    assert gone["shrunken"]["ratio"] is None
    two = funnel(client, **HOW, facility=["b", "c"])
    assert [row["stratum"]["facility"] for row in two["rows"]] == ["b", "c"]
    assert sum(row["expected"] for row in two["rows"]) == pytest.approx(2)
    alone = points(funnel(client, **HOW, facility="a"))["a"]
    assert (alone["expected"], alone["position"]) == (pytest.approx(7), "inside")
    assert alone["shrunken"]["reason"] == "one facility has nothing to be drawn towards"


def test_nobody_ill_is_nothing_expected(client):
    told = funnel(client, infection_type="fungal")
    assert {row["expected"] for row in told["rows"]} == {0.0}
    assert told["overdispersion"]["phi"] is None
    assert told["empirical_bayes"]["reason"] == "nothing expected"


def test_a_published_rate_expects_as_in_comparisons(client):
    published = {
        "title": "Bacterial infection after kidney transplantation",
        "measure": "rate",
        "value": 0.5,
        "printed": "50 per 100 patient-years",
        "population": {"transplant_type": ["kidney"]},
        "numerator": {"infection_type": ["bacterial"]},
        "source": {"title": "A paper"},
        "verified": True,
    }
    assert client.put("/v1/baselines/mine", json=published).status_code == 201
    told = funnel(client, baseline="mine")
    assert set(points(told)) == {"a", "b", "c"}
    for facility, row in points(told).items():
        query = {"baseline": "mine", "facility": facility}
        (compared,) = client.get("/v1/comparisons", params=query).json()["items"]
        assert (row["cases"], row["person_days"]) == (
            compared["observed"]["cases"],
            compared["observed"]["person_days"],
        )
        assert row["expected"] == compared["expected"]["cases"]
        assert row["ratio"] == (compared["ratio"] and compared["ratio"]["value"])
    baseline = told["definition"]["baseline"]
    assert (baseline["id"], baseline["version"], baseline["rate_per_person_year"]) == (
        "mine",
        1,
        0.5,
    )
    curve = funnel(client, baseline="mine", include="limits")["limit_curve"]
    expected = [row["expected"] for row in told["rows"]]
    assert len(curve) == 200
    assert curve[0]["expected"] == pytest.approx(min(expected))
    assert curve[-1]["expected"] == pytest.approx(max(expected))


def test_as_it_was_known(client):
    before = funnel(client, **HOW)
    send(client, [happened("c", "c0", "infection", 20, {"organism": "E. coli", "site": "blood"})])
    assert points(funnel(client, **HOW))["c"]["cases"] == 1
    assert funnel(client, **HOW, as_of=before["as_of"]["position"]) == before


def test_csv_and_ndjson_carry_everything(client):
    told = funnel(client, **HOW, include="limits")
    text = client.get("/v1/funnel", params={**HOW, "include": "limits", "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    kinds = ["row"] * 4 + ["limit_curve"] * 200 + ["empirical_bayes", "overdispersion", "total"]
    assert [row["kind"] for row in rows] == kinds
    assert (rows[0]["facility"], rows[0]["position"]) == ("a", "above 99.8%")
    assert (
        float(rows[0]["shrunken_rate_ci_upper"])
        == (told["rows"][0]["shrunken"]["rate_ci"]["upper"])
    )
    assert float(rows[4]["limits_95_upper"]) == told["limit_curve"][0]["limits_95"]["upper"]
    assert json.loads(rows[0]["definition"]) == told["definition"]
    lines = client.get("/v1/funnel", params={**HOW, "format": "ndjson"}).text.splitlines()
    head, *rest = [json.loads(line) for line in lines]
    assert head["definition"]["control_limits"] == "poisson_exact_interpolated"
    assert [line.pop("kind") for line in rest] == [kind for kind in kinds if kind != "limit_curve"]
    assert rest[:4] == told["rows"]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"standardise_by": "agent"}, "?standardise_by"),
        ({"standardise_by": "facility"}, "?standardise_by"),
        ({"by": "phase"}, "?by"),
        ({"include": "curves"}, "?include.0"),
        ({"episodes": "all", "person_time": "at_risk"}, "?episodes"),
        ({"baseline": "nobody-knows"}, "?baseline"),
        ({"baseline": "tb-sot-spain", "infection_type": "ntm"}, "?infection_type"),
        ({"baseline": "tb-sot-spain", "as_of": "1"}, "?as_of"),
        ({"baseline": "tb-sot-spain", "standardise_by": "phase"}, "?standardise_by"),
        ({"baseline": "cinicola-ntm-allo"}, "?baseline"),
    ],
)
def test_what_means_nothing_is_answered_with_what_to_ask(watched_client, asked, pointer):
    answer = watched_client.get("/v1/funnel", params=asked)
    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


def test_a_bound_key_never_learns_of_the_others(network, client):
    every = points(funnel(client, baseline="tb-sot-spain"))
    with network.client(network.key("rates:read", "patients:read", facilities=("b",))) as bound:
        for asked in ({}, HOW, {"facility": "b"}, {**HOW, "standardise_by": "phase"}):
            refused = bound.get("/v1/funnel", params=asked)
            assert (refused.status_code, refused.json()["code"]) == (403, "network_not_allowed")
            assert "baseline" in refused.json()["detail"]
        query = {"baseline": "tb-sot-spain"}
        told = funnel(bound, **query, include="limits")
        assert list(points(told)) == ["b"]
        own = {name: value for name, value in points(told)["b"].items() if name != "shrunken"}
        assert own == {name: every["b"][name] for name in own}
        assert [point["expected"] for point in told["limit_curve"]] == [own["expected"]]
        assert told["empirical_bayes"]["facilities"] == 1
        assert told["overdispersion"]["facilities"] == 1
        assert told["total"]["person_days"] == own["person_days"]
        assert bound.get("/v1/funnel", params={**query, "facility": "a"}).status_code == 403
