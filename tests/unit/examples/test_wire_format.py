"""Every example event is one that docs/api.md allows: fields, identifiers, references."""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from service.examples.cgd import cgd_events
from service.examples.demo import demo_events
from service.examples.mexico import mexico_events
from service.examples.network import simulate
from service.reference import CERTAINTIES, INFECTION_TYPES, OUTCOMES, SEXES, STATUSES

TODAY = date(2026, 11, 22)
COMMON = {"type", "event_id", "facility", "patient", "occurred_on"}
FINDING = {"infection_type", "organism", "site", "specimen", "status", "certainty"}
FIELDS = {
    "transplant": {
        "transplant_type",
        "indication",
        "birth_year",
        "age_years",
        "sex",
        "enrolled_on",
        "performed_at",
        "performed_in",
        "product",
    },
    "regimen": {"agents"},
    "infection": FINDING,
    "follow_up": {"agents", "infections"},
    "outcome": {"outcome"},
    "void": {"voids", "reason"},
}
REQUIRED = {
    "transplant": {"transplant_type"},
    "regimen": {"agents"},
    "outcome": {"outcome"},
    "void": {"voids", "reason"},
}
IDENTIFIER = re.compile(r"[A-Za-z0-9._:-]{1,64}")

EXAMPLES = {
    "cgd": lambda: cgd_events(),
    "mexico": lambda: mexico_events(),
    "demo": lambda: demo_events(TODAY),
    "network": lambda: simulate(
        5, patients=400, facilities=7, start=date(2019, 1, 1), end=TODAY
    ).events(),
}


@pytest.fixture(params=EXAMPLES)
def events(request: pytest.FixtureRequest) -> Iterable[dict[str, Any]]:
    return list(EXAMPLES[request.param]())


def test_an_event_has_the_contracts_fields_and_no_others(events: list[dict[str, Any]]) -> None:
    for event in events:
        kind = event["type"]
        assert set(event) <= COMMON | FIELDS[kind] | {"replaces"}, event
        assert set(event) >= COMMON | REQUIRED.get(kind, set()), event
        if kind == "transplant":
            assert len(event.get("indication", "")) <= 64
            assert set(event.get("product", {})) <= {"kind", "lot", "supplier"}
            assert event.get("sex", "unknown") in SEXES
            assert ("age_years" in event) + ("birth_year" in event) <= 1
        assert event.get("outcome", "death") in OUTCOMES


def test_every_finding_says_what_was_found_in_allowed_words(events: list[dict[str, Any]]) -> None:
    for event in events:
        for finding in [event] if event["type"] == "infection" else event.get("infections", []):
            assert "organism" in finding or "infection_type" in finding
            assert finding.get("infection_type", "unknown") in INFECTION_TYPES
            assert finding.get("status", "infection") in STATUSES
            assert finding.get("certainty", "confirmed") in CERTAINTIES
            assert event["type"] == "infection" or set(finding) <= FINDING


def test_identifiers_are_allowed_and_unique_within_a_facility(events: list[dict[str, Any]]) -> None:
    seen = set()
    for event in events:
        assert IDENTIFIER.fullmatch(event["facility"])
        assert IDENTIFIER.fullmatch(event["patient"])
        assert 1 <= len(event["event_id"]) <= 128
        seen.add((event["facility"], event["event_id"]))
    assert len(seen) == len(events)


def test_no_date_lies_in_the_future(events: list[dict[str, Any]]) -> None:
    for event in events:
        assert date.fromisoformat(event["occurred_on"]) <= TODAY
        if "enrolled_on" in event:
            assert event["occurred_on"] <= event["enrolled_on"] <= TODAY.isoformat()


def test_a_reference_points_to_an_earlier_event_of_the_same_patient(
    events: list[dict[str, Any]],
) -> None:
    seen = set()
    for event in events:
        who = (event["facility"], event["patient"])
        for target in (event.get("replaces"), event.get("voids")):
            assert target is None or (*who, target) in seen
        seen.add((*who, event["event_id"]))


def test_every_patient_has_a_transplant(events: list[dict[str, Any]]) -> None:
    patients = {(event["facility"], event["patient"]) for event in events}
    transplanted = {
        (event["facility"], event["patient"]) for event in events if event["type"] == "transplant"
    }
    assert patients == transplanted


def test_an_event_survives_the_wire(events: list[dict[str, Any]]) -> None:
    assert [json.loads(json.dumps(event)) for event in events] == events
