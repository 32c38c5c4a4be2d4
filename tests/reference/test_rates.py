"""Rates and their intervals against R's poisson.test, exactci and epiR."""

from typing import Any

import pytest

from service.stats.rates import DAYS_PER_YEAR, poisson_interval, rate_estimate
from tests.reference.outside import cases, table


def limits_of(case: dict[str, Any], method: str) -> dict[str, float | None]:
    given = case["input"]
    interval = poisson_interval(given["events"], method, given["conf_level"])
    per = interval.scaled(1.0 / given["person_time"])
    return {"lower": per.lower, "upper": per.upper}


@pytest.mark.parametrize("case", cases("rate_ci"))
def test_the_exact_interval_is_r_s_poisson_test(case: dict[str, Any]) -> None:
    found = limits_of(case, "exact")
    assert found == pytest.approx(case["expected"]["exact_poisson_test"], rel=1e-12, abs=0)
    assert found == pytest.approx(case["expected"]["exact_epiR"], rel=1e-12, abs=0)


@pytest.mark.parametrize("case", cases("rate_ci"))
def test_the_midp_interval_is_that_of_exactci(case: dict[str, Any]) -> None:
    expected = case["expected"]["midp_exactci"]
    assert limits_of(case, "midp") == pytest.approx(expected, rel=1e-11, abs=0)


@pytest.mark.parametrize(
    "case", cases("rate_ci", lambda case: case["expected"]["byar_classic_epiR_smr"] is not None)
)
def test_the_byar_interval_is_the_classical_one(case: dict[str, Any]) -> None:
    expected = case["expected"]["byar_classic_epiR_smr"]
    assert limits_of(case, "byar") == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    "case",
    cases(
        "rate_ci",
        lambda case: case["expected"]["exact_epitools_as_shipped_lowprecision"] is not None,
    ),
)
def test_epitools_agrees_within_its_own_tolerance(case: dict[str, Any]) -> None:
    expected = case["expected"]["exact_epitools_as_shipped_lowprecision"]
    tolerance = 2e-4 / case["input"]["person_time"]
    assert limits_of(case, "exact") == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    "case", cases("rate_ci", lambda case: float(case["input"]["person_time"]).is_integer())
)
def test_the_rate_itself_with_its_interval(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    found = rate_estimate(
        given["events"],
        int(given["person_time"]),
        per=1.0,
        unit="person_days",
        level=given["conf_level"],
    )
    assert found.rate == pytest.approx(expected["rate"], rel=1e-15)
    assert found.interval.upper == pytest.approx(expected["exact_poisson_test"]["upper"], rel=1e-12)


def test_the_cgd_trial_per_hundred_person_years() -> None:
    """The placebo arm: 56 serious infections in 18,524 person-days, per 100 person-years."""
    placebo = [row for row in table("survival_cgd.csv") if row["treat"] == "placebo"]
    person_days = sum(int(row["tstop"]) - int(row["tstart"]) for row in placebo)
    infections = sum(int(row["status"]) for row in placebo)
    found = rate_estimate(infections, person_days)
    assert (found.cases, found.person_days) == (56, 18_524)
    assert found.person_years == 18_524 / DAYS_PER_YEAR
    assert found.rate == pytest.approx(110.41891600086375, rel=1e-14)
    assert found.interval.lower == pytest.approx(83.40926250380959, rel=1e-12)
    assert found.interval.upper == pytest.approx(143.388146929769, rel=1e-12)
