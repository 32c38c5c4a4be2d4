"""Rate ratios against R's poisson.test, rateratio.test, exactci, epitools and epiR."""

from typing import Any

import pytest

from service.stats.interval import Interval
from service.stats.mantel_haenszel import mantel_haenszel
from service.stats.rate_ratios import Counts, rate_ratio
from tests.reference.outside import cases, of_group

TWO_SAMPLES = cases("rate_ratio", of_group("two_sample"))
STRATIFIED = cases("rate_ratio", of_group("mantel_haenszel"))

P_VALUES = {
    "exact_p_two_sided_minlike": "minlike",
    "exact_p_two_sided_central": "central",
    "exact_p_greater": "greater",
    "midp_p_two_sided": "midp",
    "wald_p_chisq_epitools": "score",
}
INTERVALS = {
    "exact_ci": "exact",
    "exact_ci_rateratio_test": "exact",
    "midp_ci": "midp",
    "wald_log_ci_epitools": "wald",
}


def counts_of(given: dict[str, Any]) -> Counts:
    return Counts(given["events1"], given["person_time1"], given["events0"], given["person_time0"])


def limits(interval: Interval) -> dict[str, float | None]:
    return {"lower": interval.lower, "upper": interval.upper}


@pytest.mark.parametrize("field", P_VALUES)
@pytest.mark.parametrize("case", TWO_SAMPLES)
def test_every_p_value_by_its_name(case: dict[str, Any], field: str) -> None:
    found = rate_ratio(counts_of(case["input"]), p_value=P_VALUES[field])
    expected = case["expected"][field]
    # epitools takes one minus a chi-square probability: 1e-7 has nine digits left there.
    tolerance = 1e-9 if field == "wald_p_chisq_epitools" else 1e-10
    assert found.p_value == (expected and pytest.approx(expected, rel=tolerance, abs=0))


@pytest.mark.parametrize("field", INTERVALS)
@pytest.mark.parametrize("case", TWO_SAMPLES)
def test_every_interval_by_its_name(case: dict[str, Any], field: str) -> None:
    level = case["input"]["conf_level"]
    found = rate_ratio(counts_of(case["input"]), method=INTERVALS[field], level=level)
    expected = case["expected"][field]
    if expected is None:
        assert limits(found.interval) == {"lower": None, "upper": None}
    else:
        assert limits(found.interval) == pytest.approx(expected, rel=1e-10, abs=0)
    ratio = case["expected"]["rate_ratio"]
    assert found.ratio == (ratio and pytest.approx(ratio, rel=1e-14))


@pytest.mark.parametrize(
    "case",
    cases("rate_ratio", lambda case: bool(case["expected"].get("epitools_midp_as_shipped"))),
)
def test_epitools_midp_agrees_within_its_own_tolerance(case: dict[str, Any]) -> None:
    shipped, counts = case["expected"]["epitools_midp_as_shipped"], counts_of(case["input"])
    found = rate_ratio(counts, method="midp", level=case["input"]["conf_level"])
    expected = {"lower": shipped["lower"], "upper": shipped["upper"]}
    assert limits(found.interval) == pytest.approx(expected, rel=5e-3)
    assert found.p_value == pytest.approx(shipped["p"], rel=1e-10)
    if counts.cases:  # the median-unbiased ratio is where both limits meet as the level falls
        median = rate_ratio(counts, method="midp", level=1e-12).interval
        assert median.lower == pytest.approx(shipped["median_unbiased"], rel=5e-3)


@pytest.mark.parametrize("case", STRATIFIED)
def test_mantel_haenszel_is_epir_s(case: dict[str, Any]) -> None:
    level, expected = case["input"]["conf_level"], case["expected"]
    strata = [counts_of(stratum) for stratum in case["input"]["strata"]]
    found = mantel_haenszel(strata, level)
    assert found.ratio == pytest.approx(expected["mh_irr"]["est"], rel=1e-13)
    assert found.interval.lower == pytest.approx(expected["mh_irr"]["lower"], rel=1e-12)
    assert found.interval.upper == pytest.approx(expected["mh_irr"]["upper"], rel=1e-12)
    for stratum, ratio in zip(strata, expected["stratum_irr_est"], strict=True):
        assert rate_ratio(stratum).ratio == pytest.approx(ratio, rel=1e-14)


@pytest.mark.parametrize("case", STRATIFIED)
def test_the_crude_ratio_is_epir_s(case: dict[str, Any]) -> None:
    strata = case["input"]["strata"]
    names = ("events1", "person_time1", "events0", "person_time0")
    whole = Counts(*(sum(stratum[name] for stratum in strata) for name in names))
    found = rate_ratio(whole, level=case["input"]["conf_level"])
    expected = case["expected"]["crude_irr"]
    assert found.ratio == pytest.approx(expected["est"], rel=1e-14)
    assert found.interval.lower == pytest.approx(expected["lower"], rel=1e-10)
    assert found.interval.upper == pytest.approx(expected["upper"], rel=1e-10)
