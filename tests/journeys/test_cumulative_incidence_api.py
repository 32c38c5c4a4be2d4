"""Cumulative incidence over HTTP: R's numbers on a real waiting list, and what means nothing.

R's `transplant` (815 patients on a liver waiting list) is sent as courses from day 0: a transplant
from the list as the infection, death as death, a withdrawal as a relapse, and whoever is left as
withdrawn. Expected numbers: survival, etm and cmprsk, cases cif-04 to cif-08.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import running
from tests.reference.outside import cases, table

INDEX = date(2018, 1, 1)
ROUTE = "/v1/cumulative-incidence"
ASKED = {"infection_type": "viral", "competing": ["death", "relapse"]}
ENDS = {"death": "death", "withdraw": "relapse", "censored": "withdrawn"}


def waiting_list() -> Iterator[dict[str, Any]]:
    for number, row in enumerate(table("survival_transplant.csv")):
        whose = {"facility": "list-1", "patient": f"p{number}"}
        begins = {"transplant_type": "liver", "indication": f"blood group {row['abo']}"}
        yield {**whose, "type": "transplant", "event_id": f"{number}-0", **begins} | on(0)
        day = int(row["futime"])
        if row["event"] == "ltx":
            status = ("disease", "infection")[number % 2]
            what = {"type": "infection", "infection_type": "viral", "status": status}
        else:
            what = {"type": "outcome", "outcome": ENDS[row["event"]]}
        yield {**whose, **what, "event_id": f"{number}-1"} | on(day)


def on(day: int) -> dict[str, str]:
    return {"occurred_on": (INDEX + timedelta(days=day)).isoformat()}


@pytest.fixture(scope="module")
def registry(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log_file = tmp_path_factory.mktemp("incidence") / "log"
    with (
        databases(migrated=True) as url,
        running(url, log_file) as service,
        service.client(service.key()) as client,
    ):
        lines = b"".join(json.dumps(event).encode() + b"\n" for event in waiting_list())
        told = client.post(
            "/v1/events", content=lines, headers={"content-type": "application/x-ndjson"}
        )
        assert (told.status_code, told.json()["accepted"]) == (201, 1630)
        yield client


def asked(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.get(ROUTE, params={**ASKED, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def expected_lines() -> Iterator[tuple[str, dict[str, Any]]]:
    """R's figures of the transplants from the list, by blood group; of all under an empty name."""
    for case in cases("cumulative_incidence"):
        entry = case.values[0]
        if entry["dataset"] == "transplant":
            group = entry["input"]["stratum_value"]
            (lines,) = (cause["table"] for cause in entry["expected"] if cause["code"] == 1)
            for line in lines:
                yield f"blood group {group}" if group else "", line


def test_rs_estimates_errors_and_limits(registry: httpx.Client) -> None:
    told: dict[int, dict[str, Any]] = {}
    compared = set()
    for name, line in expected_lines():
        horizon = line["time"]
        if horizon not in told:
            answer = asked(registry, by="indication", horizon=horizon, ci="log")
            told[horizon] = {row["stratum"]["indication"]: row for row in answer["rows"]}
            told[horizon][""] = answer["total"]
        row = told[horizon][name]
        assert row["cases"] == line["cum_events"]
        assert row["at_risk"][str(horizon)] == line["n_risk_just_before"]
        assert row["cumulative_incidence"] == pytest.approx(line["cuminc"], rel=1e-9)
        error = line["se_infinitesimal_jackknife_survival"]
        assert row["std_error"] == pytest.approx(error, rel=1e-9)
        if line["cuminc"] > 0:
            limits = (line["ci_log_lower"], line["ci_log_upper"])
            assert (row["ci"]["lower"], row["ci"]["upper"]) == pytest.approx(limits, rel=1e-9)
        compared.add(name)
    assert len(compared) == 5


def test_cmprsks_variance_and_the_test_between_groups(registry: httpx.Client) -> None:
    *_, last = (line for name, line in expected_lines() if not name)
    told = asked(registry, by="indication", horizon=last["time"], variance="gray")
    assert told["total"]["std_error"] ** 2 == pytest.approx(last["var_gray_cmprsk"], rel=1e-9)
    assert told["total"]["ci"]["method"] == "loglog, gray variance"
    assert told["test"]["degrees_of_freedom"] == 3
    assert 0 < told["test"]["p_value"] < 1
    assert told["definition"]["competing"] == ["death", "relapse"]


def test_groups_are_the_same_people_and_the_rate_is_of_the_same_cohort(
    registry: httpx.Client,
) -> None:
    told = asked(registry, by="indication", horizon=100)
    total = told["total"]
    for name in ("recipients", "cases"):
        assert sum(row[name] for row in told["rows"]) == total[name]
    within = {"infection_type": "viral", "phase": ["0-30", "31-100"]}
    rate = registry.get("/v1/rates", params=within).json()["total"]
    # A relapse ends nothing in a rate; named here it competes, and takes time and cases out.
    assert rate["cases"] >= total["cases"]
    alone = asked(registry, horizon=100, competing="death")["total"]
    assert (alone["cases"], alone["rate"]["person_days"]) == (rate["cases"], rate["person_days"])
    assert alone["rate"]["rate"] == rate["rate"]
    assert alone["competing"].keys() == {"died"}


def test_kinds_of_cases_compete_and_their_curves_add_up(registry: httpx.Client) -> None:
    told = asked(registry, by="status", horizon=200)
    assert told["test"]["reason"] == "The rows are of the same recipients."
    assert sum(row["cumulative_incidence"] for row in told["rows"]) == pytest.approx(
        told["total"]["cumulative_incidence"]
    )


def test_the_curve_and_other_formats(registry: httpx.Client) -> None:
    told = asked(registry, horizon=30, include="curve")
    curve = told["total"]["curve"]
    assert curve[-1]["cumulative_incidence"] == told["total"]["cumulative_incidence"]
    assert [point["day"] for point in curve] == sorted({point["day"] for point in curve})
    params = {**ASKED, "by": "indication", "horizon": 30, "format": "csv"}
    rows = list(csv.DictReader(io.StringIO(registry.get(ROUTE, params=params).text)))
    assert [row["kind"] for row in rows] == [*["row"] * 4, "test", "total"]
    assert int(rows[-1]["at_risk_30"]) == told["total"]["at_risk"]["30"]
    assert json.loads(rows[0]["definition"])["horizon_days"] == 30


def test_what_was_known_before_anything_was_sent(registry: httpx.Client) -> None:
    told = asked(registry, as_of=0)
    assert told["total"]["recipients"] == 0
    assert told["total"]["cumulative_incidence"] is None


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"horizon": 4000, "infection_type": "ntm", "competing": "death"}, "?horizon"),
        ({"horizon": -1}, "?horizon"),
        ({"by": "phase"}, "?by"),
        ({"phase": "0-30"}, "?phase"),
        ({"competing": "gvhd"}, "?competing/1"),
        ({"variance": "jackknife"}, "?variance"),
        ({"ci": "exact"}, "?ci"),
        ({"level": 1}, "?level"),
        ({"episodes": "all"}, "?episodes"),
        ({"infection_type": ["viral", "ntm"]}, "?infection_type"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_with_its_place(
    registry: httpx.Client, params: dict[str, Any], pointer: str
) -> None:
    answer = registry.get(ROUTE, params={**ASKED, **params})
    assert answer.status_code == 422
    told = answer.json()
    assert told["errors"][0]["pointer"].startswith(pointer.split("/")[0])
    assert told["detail"]
