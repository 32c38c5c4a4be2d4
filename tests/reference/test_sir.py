"""Observed over expected against R, and against what CDC and CMS have published."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from service.stats.interval import Interval
from service.stats.p_values import poisson_p_value
from service.stats.rates import poisson_interval
from service.stats.sir import EXPECTED_BELOW_ONE, nhsn_2011_interval, observed_expected
from tests.reference.outside import cases, of_group

COMPUTED = cases("sir", of_group("computed"))
HALF_A_LAST_DIGIT = 0.0005 * (1 + 1e-9)

P_VALUES = {
    "exact_p_two_sided_central": "central",
    "exact_p_two_sided_minlike": "minlike",
    "exact_p_greater": "greater",
    "exact_p_less": "less",
    "midp_p_two_sided": "midp",
    "midp_p_greater": "midp_greater",
    "midp_p_less": "midp_less",
    "byar_p_epiR": "byar",
}
INTERVALS = {"exact_ci": "exact", "midp_ci": "midp", "byar_ci_epiR": "byar"}


def given_fields(names: Iterable[str]) -> list[Any]:
    """Each computed case with each field it has: epiR gives no Byar interval for 0 observed."""
    return [
        pytest.param(case, name, id=f"{case['id']}-{name}")
        for name in names
        for (case,) in (param.values for param in COMPUTED)
        if case["expected"][name] is not None
    ]


def ratio_limits(
    case: dict[str, Any], method: str, level: float | None = None
) -> dict[str, float | None]:
    given = case["input"]
    counts = poisson_interval(given["observed"], method, level or given["conf_level"])
    ratio = counts.scaled(1.0 / given["expected"])
    return {"lower": ratio.lower, "upper": ratio.upper}


@pytest.mark.parametrize(("case", "field"), given_fields(P_VALUES))
def test_every_p_value_by_its_name(case: dict[str, Any], field: str) -> None:
    given, expected = case["input"], case["expected"][field]
    found = poisson_p_value(given["observed"], given["expected"], P_VALUES[field])
    assert found == pytest.approx(expected, rel=1e-10, abs=0)


@pytest.mark.parametrize(("case", "field"), given_fields(INTERVALS))
def test_every_interval_by_its_name(case: dict[str, Any], field: str) -> None:
    expected = case["expected"][field]
    assert ratio_limits(case, INTERVALS[field]) == pytest.approx(expected, rel=1e-10, abs=0)


@pytest.mark.parametrize("case", COMPUTED)
def test_one_sided_bounds_are_the_limits_at_twice_the_tail(case: dict[str, Any]) -> None:
    found = ratio_limits(case, "exact", 2 * case["input"]["conf_level"] - 1)
    lower = case["expected"]["exact_lower_bound_one_sided"]
    upper = case["expected"]["exact_upper_bound_one_sided"]
    assert found == pytest.approx({"lower": lower, "upper": upper}, rel=1e-10, abs=0)


@pytest.mark.parametrize("case", COMPUTED)
def test_the_ratio_follows_nhsn_s_rules_of_today(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    found = observed_expected(given["observed"], given["expected"], given["conf_level"])
    if given["expected"] < 1:
        assert (found.ratio, found.p_value, found.reason) == (None, None, EXPECTED_BELOW_ONE)
        assert (found.interval.lower, found.interval.upper) == (None, None)
        return
    assert found.reason is None
    assert found.ratio == pytest.approx(expected["sir"], rel=1e-14)
    assert found.p_value == pytest.approx(expected["midp_p_two_sided"], rel=1e-10)
    if given["observed"]:
        assert found.interval.lower == pytest.approx(expected["midp_ci"]["lower"], rel=1e-10)
    else:
        assert found.interval.lower is None
    assert found.interval.upper == pytest.approx(expected["midp_ci"]["upper"], rel=1e-10)


@pytest.mark.parametrize(
    "case",
    cases("sir", lambda case: bool(case["expected"].get("epiR_midp_as_shipped"))),
)
def test_epir_s_midp_agrees_within_its_own_tolerance(case: dict[str, Any]) -> None:
    expected = dict(case["expected"]["epiR_midp_as_shipped"])
    p_value = expected.pop("p")
    given = case["input"]
    assert ratio_limits(case, "midp") == pytest.approx(expected, rel=2e-4)
    assert poisson_p_value(given["observed"], given["expected"]) == pytest.approx(p_value, rel=2e-4)


@pytest.mark.parametrize("case", cases("sir", of_group("cdc_nhsn_2011_published")))
def test_cdc_s_printed_figures_of_2011(case: dict[str, Any]) -> None:
    given, printed = case["input"], case["expected"]
    found = observed_expected(given["observed"], given["predicted"], method="nhsn_2011")
    assert found.ratio == pytest.approx(printed["sir"], abs=HALF_A_LAST_DIGIT)
    assert found.interval.lower == pytest.approx(printed["lower"], abs=HALF_A_LAST_DIGIT)
    assert found.interval.upper == pytest.approx(printed["upper"], abs=HALF_A_LAST_DIGIT)
    for method in case["consistent_methods"]:
        other = observed_expected(given["observed"], given["predicted"], method=method)
        assert other.interval.lower == pytest.approx(printed["lower"], abs=HALF_A_LAST_DIGIT)
        assert other.interval.upper == pytest.approx(printed["upper"], abs=HALF_A_LAST_DIGIT)


def prints_as(
    interval: Interval, expected: float, observed: int, printed: dict[str, float]
) -> bool:
    figures = (observed / expected, interval.lower, interval.upper)
    names = ("sir", "lower", "upper")
    return all(
        figure is not None and abs(figure - printed[name]) <= HALF_A_LAST_DIGIT
        for name, figure in zip(names, figures, strict=True)
    )


@pytest.mark.parametrize(
    "case", cases("sir", of_group("cms_nhsn_2022q4_2023q3_state_published_midp"))
)
def test_cms_publishes_midp_limits(case: dict[str, Any]) -> None:
    """CMS prints no expected count: some count in the feasible interval gives all three figures."""
    given = case["input"]
    low, high = given["predicted_feasible_interval"]
    explained = [
        prints_as(
            observed_expected(given["observed_inferred"], expected).interval,
            expected,
            given["observed_inferred"],
            case["expected"],
        )
        for expected in np.linspace(low, high, 9).tolist()
    ]
    assert any(explained)


@pytest.mark.parametrize("case", cases("sir", of_group("cms_pch_2022q4_2023q3_facility_published")))
def test_cancer_hospitals_ratios_are_withheld_below_one_expected(case: dict[str, Any]) -> None:
    given, printed = case["input"], case["expected"]
    found = observed_expected(given["observed"], given["predicted"])
    assert (found.ratio is None) == printed["suppressed"]
    assert found.ratio == pytest.approx(printed["sir"], abs=HALF_A_LAST_DIGIT)


def test_the_rules_of_2011_change_at_fifteen_cases() -> None:
    assert nhsn_2011_interval(14).lower == poisson_interval(14, "exact").lower
    assert nhsn_2011_interval(15).lower == pytest.approx(poisson_interval(15, "byar").lower, 1e-4)
    assert nhsn_2011_interval(15).lower != poisson_interval(15, "byar").lower
