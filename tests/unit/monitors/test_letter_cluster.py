"""The three cases that the project began with, as their charts would have told them.

    ucd-01    stem cell injection in MX, 4 March    joint, AFB seen 2 May, M. abscessus by 20 May
    ucd-02    stem cell injection in MX, 12 April   CNS, AFB seen 20 June, M. abscessus by 1 July
    ucd-03    stem cell injection in MX, 30 April   joint, M. abscessus ssp. massiliense 9 August

No clinic, lot or supplier is known. (MMWR 2024;73(18):420-422; days and names are made up.)
"""

from datetime import date

from service.domain.events import AnyEvent, Finding, Infection, Transplant
from service.monitors.clusters import cluster_evaluation
from service.monitors.sentinel import sentinel_evaluations
from service.monitors.shipped import CLUSTER_NTM, SENTINEL_NTM
from tests.unit.monitors.charts import AlertBook, cases_of

FACILITIES = ("ucd-01", "ucd-02", "ucd-03")


def injected(facility: str, day: date) -> Transplant:
    return Transplant(
        event_id="t1",
        facility=facility,
        patient="p1",
        occurred_on=day,
        transplant_type="stem_cell_injection",
        performed_in="MX",
    )


def afb(facility: str, day: date, site: str) -> Infection:
    finding = Finding(
        infection_type="unknown",
        organism_group="Mycobacterium species",
        site=site,
        site_class="extrapulmonary",
        pending=True,
    )
    return Infection(
        event_id="i1", facility=facility, patient="p1", occurred_on=day, finding=finding
    )


def identified(facility: str, day: date, site: str, organism: str, **more: str) -> Infection:
    finding = Finding(
        infection_type="ntm",
        organism=organism,
        organism_group="Mycobacterium abscessus complex",
        site=site,
        site_class="extrapulmonary",
        status="disease",
    )
    return Infection(
        event_id="i2", facility=facility, patient="p1", occurred_on=day, finding=finding, **more
    )


FIRST: list[AnyEvent] = [
    injected("ucd-01", date(2022, 3, 4)),
    afb("ucd-01", date(2022, 5, 2), "joint"),
    injected("ucd-02", date(2022, 4, 12)),
    afb("ucd-02", date(2022, 6, 20), "cns"),
    injected("ucd-03", date(2022, 4, 30)),
]
SUBSPECIES = "Mycobacterium abscessus subsp. massiliense"
THIRD = identified("ucd-03", date(2022, 8, 9), "joint", SUBSPECIES)
CORRECTED = [
    identified("ucd-01", date(2022, 5, 2), "joint", "Mycobacterium abscessus", replaces="i1"),
    identified("ucd-02", date(2022, 6, 20), "cns", "Mycobacterium abscessus", replaces="i1"),
]


def test_acid_fast_bacilli_are_no_ntm_until_they_are_named() -> None:
    cases = cases_of(FIRST)
    assert [case.infection_type for case in cases] == ["unknown", "unknown"]
    assert cluster_evaluation(CLUSTER_NTM, cases).signals == ()
    assert not any(e.signals for e in sentinel_evaluations(SENTINEL_NTM, cases, FACILITIES))


def test_one_named_case_is_a_sentinel_and_three_are_a_cluster() -> None:
    book = AlertBook()
    received = [*FIRST, THIRD]
    for correction in (None, *CORRECTED):
        received += [correction] if correction else []
        cases = cases_of(received)
        book.take(
            cluster_evaluation(CLUSTER_NTM, cases),
            *sentinel_evaluations(SENTINEL_NTM, cases, FACILITIES),
        )
    kinds = sorted((alert.kind, alert.scope_key) for alert in book.alerts.values())
    assert kinds == [
        ("cluster", "network"),
        ("sentinel", "facility:ucd-01"),
        ("sentinel", "facility:ucd-02"),
        ("sentinel", "facility:ucd-03"),
    ]
    (cluster,) = (alert for alert in book.alerts.values() if alert.kind == "cluster")
    assert cluster.facilities == FACILITIES
    assert cluster.severity == "critical"
    assert cluster.title == (
        "Mycobacterium abscessus complex: 3 linked cases at 3 facilities, "
        "sharing the procedure and its country"
    )
    (link,) = cluster.latest_evidence["links"]
    assert (link["attribute"], link["value"]) == (
        "transplant_type+country",
        "stem_cell_injection+MX",
    )
    assert [case["event_id"] for case in link["cases"]] == ["i2", "i2", "i2"]


def test_titles_hold_nothing_of_a_patient() -> None:
    cases = cases_of([*FIRST, THIRD])
    evaluations = sentinel_evaluations(SENTINEL_NTM, cases, FACILITIES)
    titles = [signal.title for evaluation in evaluations for signal in evaluation.signals]
    assert titles == ["Extrapulmonary NTM after MSC infusion or stem cell injection at ucd-03"]
