"""The cgd trial posted over HTTP by a client, and its rates read back: they are R's.

128 patients in 13 centres, interferon gamma or placebo, 76 serious infections. Expected numbers:
R's survival and Epi, tests/reference/data/pyears.shared.json, cases py-01 and py-03.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.examples.cgd import CASE_DEFINITIONS_FILE, cgd_events, facility_of
from tests.journeys.conftest import Service, running
from tests.reference.outside import cases

ARMS = {"CGD: placebo": "placebo", "CGD: rIFN-g": "rIFN-g"}
HOW = {"episodes": "all", "person_time": "follow_up", "infection_type": "any"}


@pytest.fixture(scope="module")
def trial(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log_file = tmp_path_factory.mktemp("cgd") / "log"
    definitions = {"case_definitions_file": CASE_DEFINITIONS_FILE}
    with databases(migrated=True) as url, running(url, log_file, **definitions) as service:
        yield from posted(service)


def posted(service: Service) -> Iterator[httpx.Client]:
    with service.client(service.key()) as client:
        lines = (json.dumps(event).encode() + b"\n" for event in cgd_events())
        told = client.post(
            "/v1/events", content=lines, headers={"content-type": "application/x-ndjson"}
        )
        assert (told.status_code, told.json()["accepted"]) == (201, 332)
        yield client


def cells(case: str) -> list[dict[str, Any]]:
    (found,) = cases("pyears", lambda entry: entry["id"] == case)
    expected: list[dict[str, Any]] = found.values[0]["expected"]["cells"]
    return expected


def rates(client: httpx.Client, by: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/v1/rates", params={**HOW, "by": by}).json()["rows"]
    return rows


def assert_same(row: dict[str, Any], cell: dict[str, Any]) -> None:
    assert (row["cases"], row["person_days"]) == (cell["events"], cell["person_time"])
    assert row["rate"] == pytest.approx(cell["rate"], rel=1e-9, abs=1e-12)
    limits = (cell["rate_lower_95_exact"], cell["rate_upper_95_exact"])
    assert (row["ci"]["lower"], row["ci"]["upper"]) == pytest.approx(limits, rel=1e-9, abs=1e-12)


def test_by_arm(trial: httpx.Client) -> None:
    expected = {cell["treat"]: cell for cell in cells("py-01")}
    found = rates(trial, "indication")
    assert len(found) == len(expected) == 2
    for row in found:
        assert_same(row, expected[ARMS[row["stratum"]["indication"]]])


def test_by_arm_and_centre(trial: httpx.Client) -> None:
    expected = {(cell["treat"], facility_of(cell["center"])): cell for cell in cells("py-03")}
    found = rates(trial, "indication,facility")
    assert len(found) == len(expected) == 26
    for row in found:
        stratum = row["stratum"]
        assert_same(row, expected[ARMS[stratum["indication"]], stratum["facility"]])


def test_strata_add_up_to_the_whole_and_explain_to_the_cell(trial: httpx.Client) -> None:
    whole = trial.get("/v1/rates", params=HOW).json()["total"]
    assert (whole["cases"], whole["person_days"]) == (76, 37_477)
    for by in ("facility", "phase", "sex", "age_group", "regimen"):
        rows = rates(trial, by)
        assert sum(row["cases"] for row in rows) == 76, by
        assert sum(row["person_days"] for row in rows) == 37_477, by
    placebo = {**HOW, "indication": "CGD: placebo", "limit": 50}
    page = trial.get("/v1/rates/explain", params=placebo).json()
    explained = [page["sums"]]
    while page["next"]:
        page = trial.get(page["next"]).json()
        explained.append(page["sums"])
    assert sum(part["cases"] for part in explained) == 56
    assert sum(part["person_days"] for part in explained) == 18_524


def test_the_arms_beside_each_other(trial: httpx.Client) -> None:
    """Case rr-20 of R's epiR, crude; held fixed by sex, the trial's arms still differ."""
    (found,) = cases("rate_ratio", lambda entry: entry["id"] == "rr-20")
    expected = found.values[0]["expected"]["crude_irr"]
    arms = {"compare": "indication:CGD: rIFN-g", "reference": "indication:CGD: placebo"}
    told = trial.get("/v1/rate-ratios", params={**HOW, **arms, "strata": "sex"}).json()
    total, adjusted = told["total"], told["adjusted"]
    assert (total["compare"]["cases"], total["reference"]["cases"]) == (20, 56)
    assert total["rate_ratio"] == pytest.approx(expected["est"], rel=1e-12)
    limits = (total["ci"]["lower"], total["ci"]["upper"])
    assert limits == pytest.approx((expected["lower"], expected["upper"]), rel=1e-9)
    assert adjusted["informative_strata"] == 2
    assert adjusted["ci"]["upper"] < 1


def test_the_mean_number_of_infections(trial: httpx.Client) -> None:
    """R's survival, cases cgd-01 to cgd-03: all, and by arm, with the robust standard error."""
    compared = 0
    for case in cases("recurrent_mcf"):
        entry = case.values[0]
        arm = {label: name for name, label in ARMS.items()}.get(entry["input"]["subset"])
        for line in entry["expected"]["mean_cumulative_function"]:
            asked = {"infection_type": "any", "by": "indication", "horizon": line["time"]}
            told = trial.get("/v1/mean-cumulative-function", params=asked).json()
            rows = {row["stratum"]["indication"]: row for row in told["rows"]}
            row = rows[arm] if arm else told["total"]
            assert (row["episodes"], row["at_risk"]) == (line["cum_events"], line["n_risk"])
            assert row["mean"] == pytest.approx(line["mcf_nelson_aalen"], rel=1e-9)
            assert row["std_error"] == pytest.approx(line["se_robust"], rel=1e-9)
            compared += 1
    assert compared == 15
