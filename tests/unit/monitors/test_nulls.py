"""What a baseline lets a monitor test, and which cases it counts."""

from typing import Any

import pytest

from service.domain.strata import Stratum
from service.errors import MeasureMismatch
from service.monitors.cases import Case
from service.monitors.nulls import (
    NullValue,
    counted_against,
    expected_null,
    has_expectation,
    phases_at_risk,
    phases_of_cases,
)
from service.reference.baselines import Baseline, Numerator, Population, Source
from tests.unit.monitors.charts import ntm_case


def baseline(**fields: Any) -> Baseline:
    shape: dict[str, Any] = {
        "id": "b",
        "version": 1,
        "title": "NTM",
        "measure": "rate",
        "value": 0.01,
        "printed": "",
        "verified": True,
        "source": Source(title="Paper"),
        "numerator": Numerator(infection_type=("ntm",)),
    }
    return Baseline(**(shape | fields))


def test_the_null_is_the_upper_limit_where_there_is_one() -> None:
    bounded = baseline(ci_lower=0.005, ci_upper=0.02, ci_level=0.9)
    assert expected_null(bounded, "upper") == NullValue(0.02, "upper 90% limit of the baseline")
    assert expected_null(bounded, "point") == NullValue(0.01, "published figure")
    assert expected_null(baseline(), "upper") == NullValue(0.01, "published figure")


@pytest.mark.parametrize(
    ("fields", "possible"),
    [
        ({}, True),
        ({"measure": "proportion"}, True),
        ({"measure": "cumulative_incidence", "horizon_days": 100}, True),
        ({"measure": "cumulative_incidence", "horizon_days": 548}, False),
        ({"measure": "cluster", "value": None}, False),
        ({"measure": "share"}, True),
        ({"value": 0.0}, False),
        ({"measure": "proportion", "value": 1.0}, False),
        ({"value": 1.5}, True),
        ({"comparable": False}, False),
    ],
    ids=str,
)
def test_what_leads_to_an_expected_number(fields: dict[str, Any], possible: bool) -> None:
    assert has_expectation(baseline(**fields)) is possible


def test_phases_compose_the_horizon_of_a_cumulative_incidence() -> None:
    within = baseline(measure="cumulative_incidence", horizon_days=180)
    assert phases_at_risk(within) == phases_of_cases(within) == ("0-30", "31-100", "101-180")
    with pytest.raises(MeasureMismatch):
        phases_at_risk(baseline(measure="cumulative_incidence", horizon_days=730))


def test_a_rate_may_count_early_cases_over_all_follow_up() -> None:
    calm = baseline(numerator=Numerator(infection_type=("ntm",), phase=("0-30", "31-100")))
    assert len(phases_at_risk(calm)) == 5
    assert phases_of_cases(calm) == ("0-30", "31-100")


def counted(name: str = "1", onset_day: int = 100, phase: str = "0-30", **more: Any) -> Case:
    stratum = Stratum("a", "allo_hsct", "AML", "18-39", "female", phase, "none")
    fields = {"stratum": stratum, "first_of_type": True, "course_index_day": 90, **more}
    return ntm_case(name, onset_day, **fields)


def names(against: Baseline, *cases: Case) -> list[str]:
    return [case.event_id for case in counted_against(against, cases)]


def test_cases_of_the_population_and_numerator_are_counted() -> None:
    allo = baseline(population=Population(transplant_type=("allo_hsct",)))
    assert names(allo, counted()) == ["1"]
    assert names(baseline(population=Population(transplant_type=("kidney",))), counted()) == []
    assert names(baseline(population=Population(age_group=("60+",))), counted()) == []
    assert names(baseline(numerator=Numerator(site_class=("pulmonary",))), counted()) == []
    early = baseline(measure="cumulative_incidence", horizon_days=30)
    assert names(early, counted("1"), counted("2", phase="31-100")) == ["1"]


@pytest.mark.parametrize(
    "difference",
    [
        {"stratum": None},
        {"status": "colonisation"},
        {"organism": "Mycobacterium gordonae"},
        {"infection_type": "fungal"},
    ],
    ids=str,
)
def test_what_is_not_counted_against_a_baseline(difference: dict[str, Any]) -> None:
    assert names(baseline(), counted(**difference)) == []


def test_the_ledgers_first_of_the_type_counts_where_the_whole_type_is_meant() -> None:
    bacterial = baseline(numerator=Numerator(infection_type=("bacterial",)))
    first = counted(infection_type="bacterial", organism="Escherichia coli")
    later = counted("2", 120, infection_type="bacterial", first_of_type=False)
    assert names(bacterial, later) == []
    assert names(bacterial, first, later) == ["1"]


def test_repeats_count_where_the_baseline_counts_all_episodes() -> None:
    again = counted("2", 600, patient="p-1", first_of_type=False)
    assert names(baseline(episodes="all"), counted(), again) == ["1", "2"]
    assert names(baseline(), counted(), again) == ["1"]


def test_a_recipient_counts_once_where_isolation_and_infection_both_count() -> None:
    either = Numerator(infection_type=("ntm",), status=("disease", "infection", "colonisation"))
    isolated = counted("0", 95, patient="p-1", status="colonisation")
    assert names(baseline(numerator=either), counted("1"), isolated) == ["0"]
