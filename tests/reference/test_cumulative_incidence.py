"""Aalen-Johansen against R's survival and etm on three public data sets."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from service.stats.cumulative_incidence import cumulative_incidence
from service.stats.curve import CumulativeIncidenceCurve
from tests.reference.outside import cases, table

TimeAndCause = tuple[float, int]


def mgus2(row: dict[str, str]) -> TimeAndCause:
    if row["pstat"] == "1":
        return float(row["ptime"]), 1
    return float(row["futime"]), 2 if row["death"] == "1" else 0


def transplant(row: dict[str, str]) -> TimeAndCause:
    codes = {"ltx": 1, "death": 2, "withdraw": 3, "censored": 0}
    return float(row["futime"]), codes[row["event"]]


def los(row: dict[str, str]) -> TimeAndCause:
    ends = {1: row["j.01"], 2: row["j.02"], 3: row["j.03"], 0: row["cens"]}
    cause = min(ends, key=lambda code: float(ends[code]))
    return float(ends[cause]), cause


READERS: Mapping[str, Callable[[dict[str, str]], TimeAndCause]] = {
    "mgus2": mgus2,
    "transplant": transplant,
    "los": los,
}


def curve_of(
    case: dict[str, Any], code: int, interval: str = "loglog", variance: str = "aalen"
) -> CumulativeIncidenceCurve:
    given = case["input"]
    stratum = given["stratum_variable"]
    rows = [
        READERS[case["dataset"]](row)
        for row in table(given["data_file"])
        if stratum is None or row[stratum] == given["stratum_value"]
    ]
    assert len(rows) == given["n"]
    times = np.array([time for time, _ in rows]).astype(np.int64)
    causes = np.array([cause for _, cause in rows])
    # The cause asked for becomes 1, every other one 2; day 0 counts, so all enter on day -1.
    coded = np.where(causes == 0, 0, np.where(causes == code, 1, 2))
    return cumulative_incidence(
        np.full(times.shape, -1), times, coded, interval=interval, variance=variance
    )


@pytest.mark.parametrize("case", cases("cumulative_incidence"))
def test_estimate_standard_error_and_number_at_risk(case: dict[str, Any]) -> None:
    for cause in case["expected"]:
        curve = curve_of(case, cause["code"])
        for line in cause["table"]:
            found = curve.at(line["time"])
            assert found.at_risk == line["n_risk_just_before"]
            assert found.events == line["cum_events"]
            assert found.estimate == pytest.approx(line["cuminc"], rel=1e-12)
            expected = line["se_infinitesimal_jackknife_survival"]
            assert found.std_error == pytest.approx(expected, rel=1e-11)
            if line["se_greenwood_etm"] is not None:
                assert found.std_error == pytest.approx(line["se_greenwood_etm"], rel=1e-11)


@pytest.mark.parametrize("case", cases("cumulative_incidence"))
@pytest.mark.parametrize("interval", ["loglog", "log", "plain"])
def test_limits_of_each_transformation(case: dict[str, Any], interval: str) -> None:
    for cause in case["expected"]:
        curve = curve_of(case, cause["code"], interval)
        for line in cause["table"]:
            found = curve.at(line["time"]).interval
            if line["cuminc"] == 0:
                # survival prints [0, 0], or nothing, where nobody has had the event: no certainty.
                assert (found.lower, found.upper) == (None, None)
                continue
            expected = (line[f"ci_{interval}_lower"], line[f"ci_{interval}_upper"])
            assert (found.lower, found.upper) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("case", cases("cumulative_incidence"))
def test_grays_variance(case: dict[str, Any]) -> None:
    for cause in case["expected"]:
        curve = curve_of(case, cause["code"], variance="gray")
        for line in cause["table"]:
            error = curve.at(line["time"]).std_error
            assert error is not None
            assert error**2 == pytest.approx(line["var_gray_cmprsk"], rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("case", cases("recurrent_mcf"))
def test_first_infection_in_the_cgd_trial(case: dict[str, Any]) -> None:
    """With nothing competing the estimate is 1 - Kaplan-Meier with Greenwood's standard error."""
    first = [
        row
        for row in table("survival_cgd.csv")
        if row["enum"] == "1" and case["input"]["subset"] in ("all", row["treat"])
    ]
    assert len(first) == case["input"]["n_subjects"]
    stops = np.array([int(row["tstop"]) for row in first])
    status = np.array([int(row["status"]) for row in first])
    curve = cumulative_incidence(np.zeros(stops.shape), stops, status)
    for line in case["expected"]["first_infection_km"]:
        found = curve.at(line["time"])
        assert found.at_risk == line["n_risk"]
        assert found.events == line["cum_events"]
        assert found.estimate == pytest.approx(line["one_minus_km"], rel=1e-12)
        assert found.std_error == pytest.approx(line["se_greenwood"], rel=1e-11)
