"""One case suffices, of the right kind and after the right procedure."""

import pytest

from service.monitors.cases import Case
from service.monitors.sentinel import sentinel_evaluations
from service.monitors.shipped import SENTINEL_NTM
from tests.unit.monitors.charts import ntm_case


def signalled(*cases: Case) -> list[str]:
    evaluations = sentinel_evaluations(SENTINEL_NTM, cases, {case.facility for case in cases})
    return [
        case.patient
        for evaluation in evaluations
        for signal in evaluation.signals
        for case in signal.cases
    ]


def test_a_case_outside_follow_up_is_not_counted_but_seen() -> None:
    assert signalled(ntm_case("1", 100, counted=False)) == ["p-1"]


def test_one_of_two_procedures_of_a_day_suffices() -> None:
    assert signalled(ntm_case("1", 100, transplant_type="kidney+msc_infusion")) == ["p-1"]


@pytest.mark.parametrize(
    "difference",
    [
        {"transplant_type": "kidney"},
        {"site_class": "pulmonary"},
        {"site_class": "unknown"},
        {"status": "colonisation"},
        {"infection_type": "tuberculosis"},
        {"infection_type": "unknown", "organism": None, "organism_group": "unknown"},
        {"organism": "Mycobacterium gordonae", "organism_group": "Mycobacterium gordonae"},
        {"exposure": None},
    ],
    ids=str,
)
def test_what_is_not_a_sentinel_case(difference: dict[str, object]) -> None:
    assert signalled(ntm_case("1", 100, **difference)) == []


def test_one_signal_for_each_facility_with_all_its_cases() -> None:
    cases = [ntm_case("2", 200), ntm_case("1", 100), ntm_case("3", 50, "b")]
    evaluations = sentinel_evaluations(SENTINEL_NTM, cases, ["a", "b", "c"])
    assert [len(evaluation.signals) for evaluation in evaluations] == [1, 1, 0]
    (at_a,) = evaluations[0].signals
    assert (at_a.scope_key, at_a.severity) == ("facility:a", "critical")
    assert [case.onset_day for case in at_a.cases] == [100, 200]
    assert (at_a.first_onset_day, at_a.last_onset_day) == (100, 200)
