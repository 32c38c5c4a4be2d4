"""Two rates beside each other over HTTP: who with whom, within which strata, in which format."""

import csv
import io
import json
from typing import Any

import pytest

from service.stats.mantel_haenszel import mantel_haenszel
from service.stats.rate_ratios import Counts, rate_ratio

HOW = {"infection_type": "ntm", "start": "2024-01-01", "end": "2024-12-31"}
AGENTS = {"compare": "agent:rapamycin", "reference": "agent:FK506"}


@pytest.fixture
def ward(client, facility):
    """
    1 January 2024, kidneys, all withdrawn on 30 December (365 days) unless said otherwise

    p1   sirolimus; NTM disease on day 20, 21 days
    p2   sirolimus
    p3   tacrolimus; NTM disease on day 60, 61 days
    p4   tacrolimus; NTM disease on day 10, 11 days
    p5   tacrolimus, from day 101 both, from day 151 sirolimus: 101 days, 50 days, 214 days
    p6   belatacept: on neither side; NTM disease on day 5
    """
    charts: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "p1": [regimen("2024-01-01", "SRL"), ntm("2024-01-21")],
        "p2": [regimen("2024-01-01", "SRL")],
        "p3": [regimen("2024-01-01", "FK506"), ntm("2024-03-01")],
        "p4": [regimen("2024-01-01", "FK506"), ntm("2024-01-11")],
        "p5": [
            regimen("2024-01-01", "FK506"),
            regimen("2024-04-10", "FK506", "SRL"),
            regimen("2024-05-30", "SRL"),
        ],
        "p6": [regimen("2024-01-01", "belatacept"), ntm("2024-01-06")],
    }
    transplant = ("transplant", "2024-01-01", {"transplant_type": "kidney"})
    outcome = ("outcome", "2024-12-30", {"outcome": "withdrawn"})
    events = [
        {
            "type": type_,
            "event_id": f"{patient}-{number}",
            "facility": facility,
            "patient": patient,
            "occurred_on": on,
            **more,
        }
        for patient, chart in charts.items()
        for number, (type_, on, more) in enumerate([transplant, *chart, outcome])
    ]
    told = client.post("/v1/events", json=events)
    assert told.status_code == 201, told.text
    return told.json()


def regimen(on: str, *agents: str) -> tuple[str, str, dict[str, Any]]:
    return "regimen", on, {"agents": list(agents)}


def ntm(on: str) -> tuple[str, str, dict[str, Any]]:
    return "infection", on, {"organism": "M. avium", "specimen": "sputum", "status": "disease"}


def ratios(client, facility: str, **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/rate-ratios", params={"facility": facility, **HOW, **AGENTS, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def side(told: dict[str, Any], name: str) -> tuple[int, int]:
    return told[name]["cases"], told[name]["person_days"]


def test_a_ratio_of_two_agents_and_the_days_under_both(client, facility, ward):
    told = ratios(client, facility)
    total = told["total"]
    assert side(total, "compare") == (1, 21 + 365 + 214)
    assert side(total, "reference") == (2, 61 + 11 + 101)
    assert told["overlap"] == {"cases": 0, "person_days": 50}
    expected = rate_ratio(Counts(1, 600, 2, 173))
    assert total["rate_ratio"] == pytest.approx(expected.ratio)
    assert total["ci"] == {
        "lower": pytest.approx(expected.interval.lower),
        "upper": pytest.approx(expected.interval.upper),
        "level": 0.95,
        "method": "exact",
    }
    assert total["p_value"] == pytest.approx(expected.p_value)
    assert (total["reason"], told["rows"], told["adjusted"]) == (None, [], None)
    definition = told["definition"]
    assert definition["compare"] == {"agent": ["sirolimus"]}
    assert definition["reference"] == {"agent": ["tacrolimus"]}
    assert (definition["method"], definition["p"], definition["strata"]) == (
        "exact",
        "central",
        [],
    )
    assert not {"by", "agent"} & definition.keys()
    assert (definition["facility"], definition["end"]) == ([facility], "2024-12-31")


def test_each_side_is_the_rate_of_the_same_name(client, facility, ward):
    total = ratios(client, facility)["total"]
    for name, regimens in {"compare": ["SRL"], "reference": ["FK506"]}.items():
        asked = {"facility": facility, **HOW, "regimen": regimens}
        rate = client.get("/v1/rates", params=asked).json()["total"]
        assert total[name] == {key: rate[key] for key in total[name]}


def test_the_strata_add_up_and_the_adjusted_ratio_is_theirs(client, facility, ward):
    told = ratios(client, facility, strata="phase", level=0.9)
    assert [row["stratum"]["phase"] for row in told["rows"]] == [
        "0-30",
        "101-180",
        "181-365",
        "31-100",
    ]
    for name in ("compare", "reference"):
        for number in ("cases", "person_days"):
            assert sum(row[name][number] for row in told["rows"]) == told["total"][name][number]
    strata = [Counts(*side(row, "compare"), *side(row, "reference")) for row in told["rows"]]
    expected = mantel_haenszel(strata, 0.9)
    assert told["adjusted"]["rate_ratio"] == pytest.approx(expected.ratio)
    assert told["adjusted"]["ci"] == {
        "lower": pytest.approx(expected.interval.lower),
        "upper": pytest.approx(expected.interval.upper),
        "level": 0.9,
        "method": "greenland_robins",
    }
    assert told["adjusted"]["informative_strata"] == 2
    assert told["adjusted"]["heterogeneity"]["degrees_of_freedom"] == 1
    late = next(row for row in told["rows"] if row["stratum"]["phase"] == "181-365")
    assert (late["rate_ratio"], late["reason"]) == (None, "no person-time on one side")


@pytest.mark.parametrize(
    ("asked", "definition"),
    [
        ({}, "central"),
        ({"p": "minlike"}, "minlike"),
        ({"method": "midp"}, "midp"),
        ({"method": "midp", "p": "central"}, "central"),
    ],
)
def test_the_p_is_the_one_named(client, facility, ward, asked, definition):
    told = ratios(client, facility, **asked)
    expected = rate_ratio(Counts(1, 600, 2, 173), p_value=definition)
    assert told["definition"]["p"] == definition
    assert told["total"]["p_value"] == pytest.approx(expected.p_value)


def test_several_values_are_one_group(client, facility, ward):
    told = ratios(
        client,
        facility,
        compare=["agent:belatacept", "agent:sirolimus"],
        reference="agent:tacrolimus",
    )
    assert side(told["total"], "compare") == (2, 600 + 6)
    assert told["definition"]["compare"] == {"agent": ["belatacept", "sirolimus"]}


def test_several_types_share_follow_up_only(client, facility, ward):
    told = ratios(client, facility, infection_type=["ntm", "viral"], episodes="all")
    assert told["definition"]["person_time"] == "follow_up"
    assert side(told["total"], "compare") == (1, 365 + 365 + 214)


def test_nobody_on_a_side_is_no_ratio(client, facility, ward):
    total = ratios(client, facility, compare="agent:ciclosporin")["total"]
    assert (total["rate_ratio"], total["p_value"]) == (None, None)
    assert total["reason"] == "no person-time on one side"
    assert total["compare"]["rate"] is None


def test_as_it_was_known(client, facility, ward):
    before = ratios(client, facility)
    found = {
        "type": "infection",
        "event_id": "p2-late",
        "facility": facility,
        "patient": "p2",
        "occurred_on": "2024-02-01",
        "organism": "M. avium",
        "specimen": "sputum",
        "status": "disease",
    }
    assert client.post("/v1/events", json=found).status_code == 201
    assert side(ratios(client, facility)["total"], "compare")[0] == 2
    again = ratios(client, facility, as_of=before["as_of"]["position"])
    assert again == before


def test_csv_and_ndjson_carry_everything(client, facility, ward):
    asked = {"facility": facility, **HOW, **AGENTS, "strata": "phase"}
    told = client.get("/v1/rate-ratios", params=asked).json()
    text = client.get("/v1/rate-ratios", params={**asked, "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["kind"] for row in rows] == ["row"] * 4 + ["adjusted", "total"]
    assert float(rows[-1]["rate_ratio"]) == told["total"]["rate_ratio"]
    assert float(rows[-1]["compare_ci_upper"]) == told["total"]["compare"]["ci"]["upper"]
    assert float(rows[-2]["rate_ratio"]) == told["adjusted"]["rate_ratio"]
    assert json.loads(rows[0]["definition"]) == told["definition"]
    assert rows[0]["as_of_position"] == str(told["as_of"]["position"])
    answer = client.get("/v1/rate-ratios", params=asked, headers={"accept": "application/x-ndjson"})
    head, *lines = [json.loads(line) for line in answer.text.splitlines()]
    assert head["overlap"] == told["overlap"]
    assert [line.pop("kind") for line in lines] == ["row"] * 4 + ["adjusted", "total"]
    assert lines == [*told["rows"], told["adjusted"], told["total"]]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"reference": "agent:sirolimus"}, "?reference"),
        ({"reference": "phase:0-30"}, "?reference"),
        ({"compare": "sirolimus"}, "?compare"),
        ({"compare": "agent:"}, "?compare"),
        ({"compare": "agent:sirolimuz"}, "?compare"),
        ({"compare": "shoe_size:44"}, "?compare"),
        ({"compare": "site:lung", "reference": "site:blood"}, "?compare"),
        ({"compare": ["agent:sirolimus", "phase:0-30"]}, "?compare"),
        ({"agent": "tacrolimus"}, "?agent"),
        ({"strata": "regimen"}, "?strata"),
        ({"strata": "agent"}, "?strata"),
        ({"strata": "organism"}, "?strata"),
        ({"strata": "colour"}, "?strata"),
        ({"by": "phase"}, "?by"),
        ({"method": "wald"}, "?method"),
        ({"p": "greater"}, "?p"),
        ({"infection_type": ["ntm", "viral"]}, "?infection_type"),
    ],
)
def test_what_means_nothing_is_answered_with_what_to_ask(client, facility, asked, pointer):
    answer = client.get("/v1/rate-ratios", params={"facility": facility, **HOW, **AGENTS, **asked})
    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


def test_both_sides_must_be_named(client):
    answer = client.get("/v1/rate-ratios", params={"compare": "agent:sirolimus"})
    assert answer.status_code == 422
    assert "?reference" in {error["pointer"] for error in answer.json()["errors"]}


def test_a_bound_key_compares_only_its_own_facilities(service, client, facility, ward):
    other = f"{facility}-2"
    asked = {**HOW, "compare": f"facility:{facility}", "reference": f"facility:{other}"}
    assert client.get("/v1/rate-ratios", params=asked).status_code == 200
    with service.client(service.key(facilities=(facility,))) as bound:
        assert bound.get("/v1/rate-ratios", params=asked).status_code == 403
        within = {**HOW, **AGENTS}
        told = bound.get("/v1/rate-ratios", params=within).json()
        assert told["total"] == ratios(client, facility)["total"]
        assert told["definition"]["facility"] == [facility]
    with service.client(service.key(facilities=(facility, other))) as bound:
        told = bound.get("/v1/rate-ratios", params=asked)
        assert told.status_code == 200
        assert side(told.json()["total"], "compare") == (4, 21 + 365 + 61 + 11 + 365 + 6)
