"""Every fault of an item, at once, with its place and without what was sent."""

import json
from typing import Any

import pytest

from service.ingest.faults import Draft, Rejection
from service.ingest.ndjson import read_line
from service.ingest.wire import REPORTS, FindingIn, ProductIn
from tests.unit.ingest.charts import TODAY, Chart, Read

SECRET = "Maria-Quispe-1961"


def faults(read: Read, item: object) -> list[tuple[str, str]]:
    rejection = read(item)
    assert isinstance(rejection, Rejection), rejection
    return [(fault.pointer, fault.code) for fault in rejection.faults]


@pytest.mark.parametrize(
    ("kind", "change", "pointer", "code"),
    [
        ("outcome", {"facility": "ucd 01"}, "/facility", "malformed_identifier"),
        ("outcome", {"facility": "a" * 65}, "/facility", "malformed_identifier"),
        ("outcome", {"patient": ""}, "/patient", "malformed_identifier"),
        ("outcome", {"patient": "p\n"}, "/patient", "malformed_identifier"),
        ("outcome", {"patient": 17}, "/patient", "wrong_type"),
        ("outcome", {"event_id": ""}, "/event_id", "malformed_event_id"),
        ("outcome", {"event_id": "a\u200bb"}, "/event_id", "malformed_event_id"),
        ("outcome", {"event_id": "e" * 129}, "/event_id", "too_long"),
        ("outcome", {"event_id": "\ud800"}, "/event_id", "not_unicode"),
        ("outcome", {"occurred_on": "2022-02-30"}, "/occurred_on", "not_a_date"),
        ("outcome", {"occurred_on": "20220201"}, "/occurred_on", "not_a_date"),
        ("outcome", {"occurred_on": "2022-W01-1"}, "/occurred_on", "not_a_date"),
        ("outcome", {"occurred_on": "2022-02-01T00:00:00"}, "/occurred_on", "not_a_date"),
        (
            "outcome",
            {"occurred_on": "\u0662\u0660\u0662\u0662-01-01"},
            "/occurred_on",
            "not_a_date",
        ),
        ("outcome", {"occurred_on": 1646092800}, "/occurred_on", "not_a_date"),
        ("outcome", {"occurred_on": "2026-11-23"}, "/occurred_on", "future_date"),
        ("outcome", {"occurred_on": "1899-12-31"}, "/occurred_on", "out_of_range"),
        ("outcome", {"replaces": "o1"}, "/replaces", "self_reference"),
        ("outcome", {"outcome": "Death"}, "/outcome", "not_allowed"),
        ("outcome", {"outcome": None}, "/outcome", "not_allowed"),
        ("outcome", {"type": "visit"}, "/type", "unknown_type"),
        ("outcome", {"type": None}, "/type", "unknown_type"),
        ("outcome", {"type": ["outcome"]}, "/type", "unknown_type"),
        ("outcome", {"outcom": "death"}, "/outcom", "unknown_field"),
        ("void", {"voids": "x1"}, "/voids", "self_reference"),
        ("void", {"reason": "a" * 257}, "/reason", "too_long"),
        ("void", {"reason": "wrong\tpatient"}, "/reason", "control_character"),
        ("void", {"reason": "wrong\u0000patient"}, "/reason", "control_character"),
        ("regimen", {"agents": "CsA"}, "/agents", "wrong_type"),
        ("regimen", {"agents": None}, "/agents", "wrong_type"),
        ("regimen", {"agents": ["CsA"] * 21}, "/agents", "too_many"),
        ("regimen", {"agents": ["CsA", "TAC"]}, "/agents/1", "ambiguous_term"),
        ("regimen", {"agents": ["Protopic"]}, "/agents/0", "not_systemic"),
        ("regimen", {"agents": [""]}, "/agents/0", "too_long"),
        ("regimen", {"agents": ["C" * 129]}, "/agents/0", "too_long"),
        ("regimen", {"agents": ["CsA\ud800"]}, "/agents/0", "control_character"),
        ("regimen", {"agents": [["CsA"]]}, "/agents/0", "wrong_type"),
        ("medication", {"agent": "Protopic"}, "/agent", "not_systemic"),
        ("medication", {"ended_on": "2022-03-31"}, "/ended_on", "ends_before_it_begins"),
        ("medication", {"ended_on": "2022-04"}, "/ended_on", "not_a_date"),
        ("transplant", {"transplant_type": "ASCT"}, "/transplant_type", "ambiguous_term"),
        ("transplant", {"birth_year": 2023}, "/birth_year", "birth_after_transplant"),
        ("transplant", {"birth_year": 1899}, "/birth_year", "out_of_range"),
        ("transplant", {"age_years": 121}, "/age_years", "out_of_range"),
        ("transplant", {"age_years": -1}, "/age_years", "out_of_range"),
        ("transplant", {"age_years": 44.0}, "/age_years", "wrong_type"),
        ("transplant", {"age_years": True}, "/age_years", "wrong_type"),
        ("transplant", {"age_years": "44"}, "/age_years", "wrong_type"),
        ("transplant", {"age_years": 10**400}, "/age_years", "wrong_type"),
        ("transplant", {"age_years": float("nan")}, "/age_years", "wrong_type"),
        ("transplant", {"enrolled_on": "2026-11-23"}, "/enrolled_on", "future_date"),
        ("transplant", {"performed_in": "mx"}, "/performed_in", "unknown_country"),
        ("transplant", {"performed_in": "UK"}, "/performed_in", "unknown_country"),
        ("transplant", {"indication": "a" * 65}, "/indication", "too_long"),
        ("transplant", {"product": "stem cells"}, "/product", "wrong_type"),
        ("transplant", {"product": {"lott": "1"}}, "/product/lott", "unknown_field"),
        ("transplant", {"product": {"lot": 17}}, "/product/lot", "wrong_type"),
        ("infection", {"organism": "NO GROWTH"}, "/organism", "not_an_organism"),
        ("infection", {"organism": None}, "/infection_type", "infection_type_required"),
        ("infection", {"specimen": "cell product"}, "/specimen", "not_a_patient_site"),
        ("infection", {"site": "lavage"}, "/site", "ambiguous_term"),
        ("infection", {"status": "sick"}, "/status", "not_allowed"),
        ("infection", {"infection_type": "NTM"}, "/infection_type", "not_allowed"),
        ("follow_up", {"infections": {}}, "/infections", "wrong_type"),
        ("follow_up", {"infections": ["AFB"]}, "/infections/0", "wrong_type"),
        ("follow_up", {"infections": [{"organism": "AFB"}] * 51}, "/infections", "too_many"),
        (
            "follow_up",
            {"infections": [{"organism": "AFB"}, {}]},
            "/infections/1/infection_type",
            "infection_type_required",
        ),
    ],
)
def test_one_fault(
    kind: str, change: dict[str, Any], pointer: str, code: str, chart: Chart, read: Read
) -> None:
    assert faults(read, chart[kind] | change) == [(pointer, code)]


@pytest.mark.parametrize("item", [None, 7, "transplant", True, [], [{}]])
def test_an_item_that_is_no_object(item: object, read: Read) -> None:
    assert faults(read, item) == [("", "not_an_object")]


def test_all_faults_are_told_at_once_faults_of_meaning_beside_faults_of_form(read: Read) -> None:
    item = {
        "type": "follow_up",
        "event_id": "v1",
        "replaces": "v1",
        "patient": "p 1",
        "occurred_on": "2027-01-01",
        "agents": ["TAC", 3],
        "infections": [{}, {"organism": "GRAM NEGATIVE ROD(S)", "staus": "disease"}],
        "ocurred_on": "2022-01-01",
    }

    assert faults(read, item) == [
        ("/facility", "missing_field"),
        ("/patient", "malformed_identifier"),
        ("/occurred_on", "future_date"),
        ("/replaces", "self_reference"),
        ("/agents/0", "ambiguous_term"),
        ("/agents/1", "wrong_type"),
        ("/infections/0/infection_type", "infection_type_required"),
        ("/infections/1/organism", "not_an_organism"),
        ("/infections/1/staus", "unknown_field"),
        ("/ocurred_on", "unknown_field"),
    ]


def test_without_a_type_what_every_event_has_is_still_checked(read: Read) -> None:
    assert faults(read, {"event_id": "v1", "facility": "a b", "occurred_on": "2022-01-01"}) == [
        ("/type", "missing_field"),
        ("/facility", "malformed_identifier"),
        ("/patient", "missing_field"),
    ]


def test_a_misspelt_field_is_named_with_the_one_that_may_be_meant(chart: Chart, read: Read) -> None:
    rejection = read(chart["outcome"] | {"ocurred_on": "2022-01-01"})

    assert isinstance(rejection, Rejection)
    (fault,) = rejection.faults
    assert "`ocurred_on`" in fault.message
    assert "`occurred_on`" in fault.message


@pytest.mark.parametrize("name", ["Maria Quispe", "a/b", "x" * 65, "", "é"])
def test_an_unknown_field_that_looks_like_a_value_is_not_named(
    name: str, chart: Chart, read: Read
) -> None:
    rejection = read(chart["outcome"] | {name: 1})

    assert isinstance(rejection, Rejection)
    assert [(fault.pointer, fault.code) for fault in rejection.faults] == [("", "unknown_field")]
    assert not name or name not in rejection.faults[0].message.split()


def test_an_unknown_field_is_refused_even_where_it_says_nothing(chart: Chart, read: Read) -> None:
    assert faults(read, chart["outcome"] | {"name": None}) == [("/name", "unknown_field")]


def test_an_ambiguous_term_is_refused_with_the_candidates(chart: Chart, read: Read) -> None:
    rejection = read(chart["transplant"] | {"transplant_type": "ASCT"})

    assert isinstance(rejection, Rejection)
    assert "auto_hsct, allo_hsct" in rejection.faults[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"outcome","type":"void"}', ("", "duplicate_field")),
        ('{"type":"transplant","product":{"lot":"1","lot":"2"}}', ("/product", "duplicate_field")),
        (
            '{"type":"follow_up","infections":[{"organism":"AFB","organism":"CMV"}]}',
            ("/infections/0", "duplicate_field"),
        ),
    ],
)
def test_a_field_given_twice_is_refused(text: str, expected: tuple[str, str]) -> None:
    rejection = read_line(1, text.encode(), today_latest=TODAY)

    assert isinstance(rejection, Rejection)
    assert expected in [(fault.pointer, fault.code) for fault in rejection.faults]


def test_the_faults_of_one_item_have_a_bound(chart: Chart, read: Read) -> None:
    rejection = read(chart["outcome"] | {f"field_{n}": n for n in range(500)})

    assert isinstance(rejection, Rejection)
    assert len(rejection.faults) == 101
    assert rejection.faults[-1].code == "more_faults"


@pytest.mark.parametrize("event_id", ["e" * 129, "a\nb", "\ud800", 7, None])
def test_an_event_id_unfit_to_be_shown_is_not(event_id: object, chart: Chart, read: Read) -> None:
    rejection = read(chart["outcome"] | {"event_id": event_id, "outcome": "?"})

    assert isinstance(rejection, Rejection)
    assert rejection.event_id is None


def places(item: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a report that holds a value."""
    parts = item.items() if isinstance(item, dict) else enumerate(item)
    found = []
    for key, value in parts:
        found.append((*place, key))
        if isinstance(value, dict | list):
            found += places(value, (*place, key))
    return found


@pytest.mark.parametrize("kind", REPORTS)
@pytest.mark.parametrize(
    "secret",
    [SECRET, f"{SECRET}\n", [SECRET], {SECRET: SECRET}, f"{SECRET} " * 50, f"{SECRET}\ud800"],
)
def test_no_message_repeats_a_value(kind: str, secret: Any, chart: Chart, read: Read) -> None:
    """A name planted in any field, known or not, comes back in no message and no pointer."""
    everything = chart[kind] | dict.fromkeys(set(REPORTS[kind].model_fields) - set(chart[kind]))
    if kind == "follow_up":
        everything["infections"] = [dict.fromkeys(FindingIn.model_fields) | {"organism": "AFB"}]
    if kind == "transplant":
        everything["product"] = dict.fromkeys(ProductIn.model_fields)
    for place in [*places(everything), ("note",)]:
        item = json.loads(json.dumps(everything))
        holder = item
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = secret
        read_item = read(item)
        told = read_item.warnings if isinstance(read_item, Draft) else read_item.faults
        for fault in told:
            shown = f"{fault.pointer} {fault.code} {fault.message}"
            # The name of an unknown field is told on purpose, if it looks like one.
            if not (isinstance(secret, dict) and fault.code == "unknown_field"):
                assert "Quispe" not in shown, (place, fault)
