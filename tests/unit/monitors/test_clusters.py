"""Which cases are linked, and which only look alike."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.monitors.cases import Case
from service.monitors.clusters import cluster_evaluation
from service.monitors.definitions import Attribute, ClusterRule, Link, MonitorDefinition
from service.monitors.linkage import may_share, shared_values
from service.monitors.shipped import CLUSTER_NTM
from service.monitors.signals import Signal
from tests.unit.monitors.charts import ntm_case


def signals(*cases: Case, monitor: MonitorDefinition = CLUSTER_NTM) -> tuple[Signal, ...]:
    return cluster_evaluation(monitor, cases).signals


def clusters(*cases: Case, monitor: MonitorDefinition = CLUSTER_NTM) -> list[set[str]]:
    return [
        {case.episode_id.removesuffix("#0") for case in signal.cases}
        for signal in signals(*cases, monitor=monitor)
    ]


@pytest.mark.parametrize(("gap_days", "linked"), [(365, True), (366, False)])
def test_a_gap_of_a_year_still_links_and_a_day_more_does_not(gap_days: int, linked: bool) -> None:
    found = clusters(
        ntm_case("1", 100, product_lot="L-17"), ntm_case("2", 100 + gap_days, product_lot="L-17")
    )
    assert found == ([{"1", "2"}] if linked else [])


def test_each_onset_need_only_follow_the_one_before_it() -> None:
    cases = [ntm_case(str(n), n * 300, performed_at="Clinic") for n in range(5)]
    assert clusters(*cases) == [{"0", "1", "2", "3", "4"}]


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        ("Clínica Azul", "CLÍNICA  azul ", True),
        ("Clínica Azul", "Cli\u0301nica Azul", True),
        ("Clínica Azul", "Clinica Azul", False),
        ("unknown", "Unknown", False),
        ("", "", False),
    ],
)
def test_names_are_compared_as_people_mean_them(one: str, other: str, linked: bool) -> None:
    found = clusters(
        ntm_case("1", 100, performed_at=one), ntm_case("2", 110, "b", performed_at=other)
    )
    assert bool(found) is linked


@pytest.mark.parametrize(
    ("suppliers", "linked"),
    [
        (("S", "s"), [{"1", "2"}]),
        (("S", None), [{"1", "2"}]),
        ((None, None), [{"1", "2"}]),
        (("S", "T"), []),
    ],
)
def test_a_lot_number_is_one_lot_unless_two_suppliers_use_it(
    suppliers: tuple[str | None, str | None], linked: list[set[str]]
) -> None:
    one, other = suppliers
    found = clusters(
        ntm_case("1", 100, product_lot="L-17", product_supplier=one),
        ntm_case("2", 130, "b", product_lot="l-17", product_supplier=other),
    )
    assert found == linked


def test_country_and_procedure_need_three_cases_at_two_facilities() -> None:
    one, two = ntm_case("1", 1, performed_in="MX"), ntm_case("2", 2, "b", performed_in="MX")
    at_one_facility = [ntm_case(str(n), n, "b", performed_in="MX") for n in (3, 4, 5)]
    other_country = ntm_case("6", 6, performed_in="US")
    other_procedure = ntm_case("7", 7, performed_in="MX", transplant_type="kidney")
    assert clusters(one, two) == []
    assert clusters(*at_one_facility) == []
    assert clusters(one, two, other_country) == []
    assert clusters(one, two, other_procedure) == []
    assert clusters(one, *at_one_facility) == [{"1", "3", "4", "5"}]


def test_two_episodes_of_one_patient_link_nobody() -> None:
    again = ntm_case("2", 400, product_lot="L-17", patient="p-1")
    assert clusters(ntm_case("1", 100, product_lot="L-17"), again) == []


@pytest.mark.parametrize(
    ("organism", "group"),
    [
        (None, "unknown"),
        ("Nontuberculous mycobacteria", "Nontuberculous mycobacteria"),
        ("Mycobacterium gordonae", "Mycobacterium gordonae"),
    ],
)
def test_what_is_not_one_known_organism_group_links_nobody(
    organism: str | None, group: str
) -> None:
    cases = [
        ntm_case(name, 100, product_lot="L-17", organism=organism, organism_group=group)
        for name in "12"
    ]
    assert clusters(*cases) == []


def test_usual_contaminants_are_linked_where_the_monitor_asks_for_them() -> None:
    gordonae = {"organism": "Mycobacterium gordonae", "organism_group": "Mycobacterium gordonae"}
    cases = [ntm_case(name, 100, product_lot="L-17", **gordonae) for name in "12"]
    asking = msgspec.structs.replace(CLUSTER_NTM, exclude_usual_contaminants=False)
    assert clusters(*cases, monitor=asking) == [{"1", "2"}]


def test_different_organism_groups_are_two_clusters() -> None:
    avium = {"organism": "Mycobacterium avium", "organism_group": "Mycobacterium avium complex"}
    cases = [ntm_case(name, 100, product_lot="L-17") for name in "12"]
    cases += [ntm_case(name, 100, product_lot="L-17", **avium) for name in "34"]
    assert clusters(*cases) == [{"1", "2"}, {"3", "4"}]


def test_groups_with_a_case_in_common_are_one_cluster_that_lists_what_is_shared_by_whom() -> None:
    (signal,) = signals(
        ntm_case("1", 100, "a", product_lot="L-17"),
        ntm_case("2", 120, "b", product_lot="L-17", performed_at="Azul"),
        ntm_case("3", 140, "c", performed_at="azul"),
    )
    assert signal.facilities == ("a", "b", "c")
    assert signal.title == (
        "Mycobacterium abscessus complex: 3 linked cases at 3 facilities, "
        "sharing the product lot and the clinic"
    )
    shared = [
        (link["attribute"], link["value"], [case["event_id"] for case in link["cases"]])
        for link in signal.evidence["links"]
    ]
    assert shared == [("lot", "L-17", ["1", "2"]), ("clinic", "Azul", ["2", "3"])]


def test_the_rule_is_the_operators_to_change() -> None:
    rule = ClusterRule(links=(Link(attribute="clinic", min_cases=3),), max_gap_days=30)
    monitor = msgspec.structs.replace(CLUSTER_NTM, cluster=rule)
    cases = [ntm_case(str(n), n * 30, performed_at="Azul", product_lot="L") for n in range(3)]
    assert clusters(*cases, monitor=monitor) == [{"0", "1", "2"}]
    assert clusters(*cases[:2], monitor=monitor) == []


def test_the_order_of_cases_does_not_matter() -> None:
    cases = [
        ntm_case("1", 100, product_lot="L-17", performed_at="Azul"),
        ntm_case("2", 100, "b", product_lot="l-17", performed_at="AZUL"),
        ntm_case("3", 90, "b", performed_at="azul "),
    ]
    assert signals(*cases) == signals(*reversed(cases))


names = st.sampled_from([None, "", "a", "B", "n/a"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "performed_at": names,
                "performed_in": st.sampled_from([None, "MX", "DE"]),
                "product_lot": names,
                "product_supplier": names,
            },
        ),
        max_size=6,
    )
)
def test_whatever_shares_anything_may_share(courses: list[dict[str, str | None]]) -> None:
    """Cases that may not are left out before anything is grouped."""
    cases = [ntm_case(str(number), number, **course) for number, course in enumerate(courses)]
    for attribute in get_args(Attribute):
        linked = shared_values(attribute, cases)
        assert linked == shared_values(attribute, filter(may_share, cases))
