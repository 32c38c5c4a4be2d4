"""Every reason for which an episode is no case of a cell, told in the order of its weight."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from service.domain.events import AnyEvent, Finding, Infection, Outcome, Regimen, Transplant
from service.domain.explanation import REASONS, ExplainedPatient, explained
from service.domain.figures import DIMENSIONS, RateDefinition
from service.domain.rules import FollowUpRules
from service.domain.timeline import timeline

INDEX = date(2024, 1, 1)
NTM = {"infection_type": ("ntm",)}
ASKED = RateDefinition(INDEX.toordinal(), INDEX.toordinal() + 400, NTM)


def stamp(day: int, name: str) -> dict[str, Any]:
    return {
        "event_id": f"{name}-{day}",
        "facility": "f",
        "patient": "p",
        "occurred_on": INDEX + timedelta(days=day),
    }


def transplanted(**more: Any) -> AnyEvent:
    return Transplant(**stamp(0, "t"), transplant_type="kidney", **more)


def ntm(day: int, **more: Any) -> AnyEvent:
    group = {"organism": "Mycobacterium avium", "organism_group": "Mycobacterium avium complex"}
    told = {"infection_type": "ntm", "site": "lung", "site_class": "pulmonary", **group, **more}
    return Infection(**stamp(day, "i"), finding=Finding(**told))


def ended(day: int, outcome: str) -> AnyEvent:
    return Outcome(**stamp(day, "o"), outcome=outcome)


def explain(asked: RateDefinition, *history: AnyEvent) -> ExplainedPatient:
    assert asked.total is not None
    return explained(timeline(history, FollowUpRules()), asked, asked.total)


def reasons(patient: ExplainedPatient) -> list[str | None]:
    return [one.reason for one in patient.exclusions]


def test_a_case_has_no_reason_against_it() -> None:
    found = explain(ASKED, transplanted(), ntm(10))
    (course,) = found.courses
    assert (course.person_days, found.cases, found.exclusions) == (11, 1, ())
    assert course.cases[0].record_ids == ("i-10#0",)


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ((ntm(10),), "no_transplant_known"),
        ((transplanted(), ntm(-1)), "before_transplant"),
        ((transplanted(enrolled_on=INDEX + timedelta(days=30)), ntm(10)), "before_entry"),
        ((transplanted(), ended(5, "death"), ntm(10)), "after_death"),
        ((transplanted(), ended(5, "withdrawn"), ntm(10)), "after_withdrawn"),
        ((transplanted(), ended(5, "transferred_out"), ntm(10)), "after_transferred_out"),
        ((transplanted(), ended(5, "lost_to_follow_up"), ntm(10)), "after_lost_to_follow_up"),
        ((transplanted(), ntm(401)), "outside_window"),
        ((transplanted(), ntm(10, status="colonisation")), "other_status"),
    ],
)
def test_what_did_not_happen_under_observation_is_no_case(
    history: tuple[AnyEvent, ...], reason: str
) -> None:
    found = explain(ASKED, *history)
    assert (found.cases, reasons(found)) == (0, [reason])


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"facility": ("other",)}, "other_facility"),
        ({"phase": ("366+",)}, "other_phase"),
        ({"regimen": ("none",)}, "other_regimen"),
        ({"agent": ("tacrolimus",)}, "other_agent"),
        ({"organism": ("unknown",)}, "other_organism"),
        ({"site_class": ("extrapulmonary",)}, "other_site_class"),
        ({"certainty": ("possible",)}, "other_certainty"),
    ],
)
def test_a_filter_that_leaves_a_case_out_is_named(
    filters: dict[str, tuple[str, ...]], reason: str
) -> None:
    on_sirolimus = Regimen(**stamp(0, "r"), agents=("sirolimus",))
    found = explain(replace(ASKED, filters=NTM | filters), transplanted(), on_sirolimus, ntm(10))
    assert (found.cases, reasons(found)) == (0, [reason])


def test_only_the_first_counts_unless_all_are_asked_for() -> None:
    other = {"organism": "Mycobacterium abscessus", "organism_group": "M. abscessus complex"}
    history = transplanted(), ntm(10), ntm(20, **other)
    assert reasons(explain(ASKED, *history)) == ["not_first"]
    everything = replace(ASKED, episodes="all", person_time="follow_up")
    assert explain(everything, *history).cases == 2


def test_an_episode_of_another_type_is_not_spoken_of() -> None:
    found = explain(ASKED, transplanted(), ntm(10, infection_type="viral"))
    assert (found.cases, found.exclusions) == (0, ())


def test_every_reason_has_its_words() -> None:
    assert {f"other_{name}" for name in DIMENSIONS} < set(REASONS)
    assert all(words.endswith(".") for words in REASONS.values())
