"""MaxSPRT and conditional MaxSPRT against R's Sequential and the published tables.

Sequential's own critical values are solved to |alpha error| < 1e-8 or to six decimals, so a
comparison of alpha at its critical value is the sharper one.
"""

from typing import Any

import pytest

from service.stats.conditional_maxsprt import (
    ConditionalPlan,
    HistoryEnd,
    conditional_critical_value,
    conditional_power,
)
from service.stats.maxsprt import (
    MaxsprtPlan,
    maxsprt_alpha,
    maxsprt_critical_value,
    maxsprt_performance,
)
from tests.reference.outside import cases, of_group


def plan_of(given: dict[str, Any]) -> MaxsprtPlan:
    return MaxsprtPlan(horizon=given["T"], least_cases=given["M"], start=given["D"])


def conditional_plan_of(given: dict[str, Any], most_cases: int | None = None) -> ConditionalPlan:
    return ConditionalPlan(
        past_cases=given["cc"],
        most_cases=most_cases or given.get("K"),
        longest_ratio=given.get("T"),
        least_cases=given.get("M", 1),
        history_end=HistoryEnd(given["Inference"]),
    )


@pytest.mark.parametrize(
    "case", cases("maxsprt", lambda case: case["group"] in ("cv_table_M1", "cv_table_M"))
)
def test_the_published_critical_values(case: dict[str, Any]) -> None:
    found = maxsprt_critical_value(plan_of(case["input"]), case["input"]["alpha"])
    assert found.value == pytest.approx(case["expected"]["cv"], abs=2e-7)
    assert found.alpha == pytest.approx(case["input"]["alpha"], abs=1e-11)


@pytest.mark.parametrize(
    "case", cases("maxsprt", lambda case: case["group"] in ("cv_other_alpha", "cv_offgrid"))
)
def test_other_alphas_and_horizons(case: dict[str, Any]) -> None:
    plan, alpha = plan_of(case["input"]), case["input"]["alpha"]
    assert maxsprt_critical_value(plan, alpha).value == pytest.approx(
        case["expected"]["cv"], abs=1e-5
    )
    assert maxsprt_alpha(plan, case["expected"]["cv"]) == pytest.approx(alpha, abs=1e-8)


@pytest.mark.parametrize("case", cases("maxsprt", of_group("cv_delayed_start")))
def test_a_delayed_start_even_where_the_alpha_cannot_be_had(case: dict[str, Any]) -> None:
    found = maxsprt_critical_value(plan_of(case["input"]), case["input"]["alpha"])
    assert found.value == pytest.approx(case["expected"]["cv"], abs=1.5e-6)
    truly = case.get("actual_alpha_recomputed", case["input"]["alpha"])
    assert found.alpha == pytest.approx(truly, abs=1e-7)
    assert found.alpha <= case["input"]["alpha"] + 1e-12


@pytest.mark.parametrize("case", cases("maxsprt", of_group("performance")))
def test_power_and_time_to_signal(case: dict[str, Any]) -> None:
    given = case["input"]
    found = maxsprt_performance(plan_of(given), given["cv"], rate_ratio=given["RR"])
    assert found.power == pytest.approx(case["expected"]["power"], rel=1e-11)
    assert found.time_to_signal == pytest.approx(
        case["expected"]["expected_time_to_signal"], rel=1e-11
    )
    assert found.time_watched == pytest.approx(case["expected"]["expected_sample_size"], rel=1e-11)


def of_conditional(*history_ends: str) -> Any:
    return lambda case: (
        case["group"] == "conditional_cv" and case["input"]["Inference"] in history_ends
    )


@pytest.mark.parametrize("case", cases("maxsprt", of_conditional("liberal")))
def test_conditional_critical_values(case: dict[str, Any]) -> None:
    plan, expected = conditional_plan_of(case["input"]), case["expected"]
    found = conditional_critical_value(plan, case["input"]["alpha"])
    assert found.value == pytest.approx(expected["cv"], abs=1e-7)
    assert conditional_power(plan, expected["cv"]) == pytest.approx(
        expected["type_I_error"], abs=1e-12
    )


@pytest.mark.parametrize("case", cases("maxsprt", of_conditional("exact", "conservative")))
def test_the_package_gives_its_last_step_the_liberal_weights(case: dict[str, Any]) -> None:
    """Its alpha is ours up to the last case but one, plus what `liberal` adds in the last step.

    So its critical values stand a little too low; the simulation in the unit tests sides with us.
    """
    given, cv = case["input"], case["expected"]["cv"]
    liberal = {**given, "Inference": "liberal"}
    most = given["K"]
    last_step = conditional_power(conditional_plan_of(liberal), cv) - conditional_power(
        conditional_plan_of(liberal, most - 1), cv
    )
    packages = conditional_power(conditional_plan_of(given, most - 1), cv) + last_step
    assert packages == pytest.approx(case["expected"]["type_I_error"], abs=1e-11)
    ours = conditional_critical_value(conditional_plan_of(given), given["alpha"]).value
    assert cv < ours < cv + 0.02


@pytest.mark.parametrize("case", cases("maxsprt", of_group("conditional_performance")))
def test_conditional_power(case: dict[str, Any]) -> None:
    given = case["input"]
    found = conditional_power(conditional_plan_of(given), given["cv"], rate_ratio=given["RR"])
    assert found == pytest.approx(case["expected"]["power"], abs=1e-10)
