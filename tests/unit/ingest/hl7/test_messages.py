"""What messages of laboratories and registration desks say. All are simulated."""

from datetime import date

import pytest

from service.ingest.hl7.faults import Refused
from service.ingest.hl7.messages import Asked, read_message
from service.ingest.hl7.syntax import read_parcel

TODAY = date(2024, 12, 31)
PID = "PID|1||12345^^^ucd^MR~99^^^gov^NI||SECRET^NAME||19780412|F|||Street 1"
OBR = "OBR|1|P1^EHR|F77^LAB|87070^Sputum culture^LN|||20240301083000||||||||SPT&Sputum^^^LNG&Lung"
ORGANISM = "OBX|1|CE|11475-1^Microorganism identified^LN|1|"
ABSCESSUS = "Mycobacterium abscessus"


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment with these fields; the others are empty."""
    return "|".join([name, *(fields.get(place, "") for place in range(1, max(fields) + 1))])


def message(kind: str, *segments: str) -> str:
    return "\r".join([f"MSH|^~\\&|LAB|ucd-01|||20240310||{kind}|17|P|2.5.1", *segments])


def asked(kind: str, *segments: str) -> Asked:
    (read,) = read_parcel(message(kind, *segments).encode()).messages
    return read_message(read, TODAY)


def found(*segments: str) -> list[tuple[str, str, str]]:
    """Organism, day and site of every finding of a result."""
    said = asked("ORU^R01", PID, *segments).said
    return [
        (body["organism"], body["occurred_on"], body.get("specimen", body.get("site", "")))
        for one in said
        for body in one.bodies
    ]


def test_an_organism_is_found_by_code_by_name_and_by_text_alone():
    by_code = f"{ORGANISM}113838007^{ABSCESSUS}^SCT||||||F"
    by_local_code = f"{ORGANISM}mabs^{ABSCESSUS}^L||||||F"
    by_text = f"OBX|1|ST|ORG^Organism^L||{ABSCESSUS}||||||F"
    for result in (by_code, by_local_code, by_text):
        ((organism, day, where),) = found(OBR, result)
        assert (organism, day) == ("Mycobacterium abscessus", "2024-03-01")
        assert where


def test_a_specimen_may_stand_before_or_after_the_results():
    result = f"{ORGANISM}^{ABSCESSUS}^L||||||F"
    bare = "OBR|1|P1|F77|87070^Culture^LN|||20240302"
    specimen = "SPM|1|||CSF^Cerebrospinal fluid^HL70487|||||||||||||20240301"
    for segments in ((bare, specimen, result), (bare, result, specimen)):
        assert [(day, where) for _, day, where in found(*segments)] == [("2024-03-01", "csf")]


def test_susceptibilities_of_an_isolate_are_no_organisms():
    isolate = f"{ORGANISM}^{ABSCESSUS}^L||||||F"
    panel = segment(
        "OBR", {1: "2", 3: "F78", 4: "29576-6^Susceptibility panel", 7: "20240301", 26: "ORG^^1"}
    )
    amikacin = "OBX|1|ST|12-5^Amikacin [Susceptibility]^LN|1|S||||||F"
    assert len(found(OBR, isolate, panel, amikacin)) == 1
    assert len(found(OBR, isolate, amikacin)) == 1


def test_two_organisms_of_one_culture_with_set_ids_all_1():
    results = [f"OBX|1|CE|ORG^Organism^L||^{name}^L||||||F" for name in (ABSCESSUS, "E. coli")]
    assert [organism for organism, _, _ in found(OBR, *results)] == [
        "Mycobacterium abscessus",
        "Escherichia coli",
    ]


@pytest.mark.parametrize(
    "value",
    ["Not Isolated", "No growth", "Negative", "NEGATIVE FOR AFB", "None seen", "<13700", "Pending"],
)
def test_what_was_not_found_is_no_case(value):
    assert found(OBR, f"OBX|1|ST|542-1^Mycobacterium abscessus [Presence]^LN||{value}||||||F") == []


@pytest.mark.parametrize("value", ["Positive", "Isolated", "DETECTED"])
def test_a_test_named_after_its_organism_says_that_it_is_there(value):
    result = f"OBX|1|ST|542-1^Mycobacterium abscessus [Presence]^LN||{value}||||||F"
    assert [organism for organism, _, _ in found(OBR, result)] == ["Mycobacterium abscessus"]


@pytest.mark.parametrize("status", ["X", "W", "D", "I", "N"])
def test_a_result_that_does_not_stand_says_nothing(status):
    assert found(OBR, f"{ORGANISM}^{ABSCESSUS}^L||||||{status}") == []


def test_a_cancelled_order_says_nothing_and_takes_back_what_it_said():
    cancelled = OBR + "|" * 10 + "X"
    (said,) = asked("ORU^R01", PID, cancelled, f"{ORGANISM}^{ABSCESSUS}^L||||||F").said
    assert (said.kind, said.name, said.bodies) == ("order", "F77|LAB", ())


def test_a_preliminary_result_is_probable():
    (said,) = asked("ORU^R01", PID, OBR, f"{ORGANISM}^{ABSCESSUS}^L||||||P").said
    assert said.bodies[0]["certainty"] == "probable"


def test_an_organism_nobody_knows_is_to_wait():
    (said,) = asked("ORU^R01", PID, OBR, f"{ORGANISM}^Martian bacillus^L||||||F").said
    (body,) = said.bodies
    assert (body["organism"], body["while_unread"]) == ("Martian bacillus", "waits")


def test_the_record_number_is_that_of_the_hospital():
    assert asked("ORU^R01", PID, OBR).number == "12345"
    assert asked("ORU^R01", "PID|1||77", OBR).number == "77"


def test_contacts_death_and_birth_come_from_registration():
    stay = {2: "I", 19: "V9", 44: "20240301", 45: "20240305"}
    visit = segment("PV1", stay | {36: "20"})
    told = asked("ADT^A03", "EVN|A03|20240305", PID, visit).said
    assert {one.kind: one.bodies for one in told} == {
        "person": (
            {
                "type": "demographics",
                "occurred_on": "2024-03-05",
                "birth_year": 1978,
                "sex": "female",
            },
        ),
        "death": ({"type": "outcome", "occurred_on": "2024-03-05", "outcome": "death"},),
        "discharge": ({"type": "follow_up", "occurred_on": "2024-03-05"},),
    }
    (_, admitted) = asked("ADT^A01", "EVN|A01|20240301", PID, segment("PV1", stay)).said
    assert (admitted.kind, admitted.bodies[0]["occurred_on"]) == ("admission", "2024-03-01")
    (undone,) = asked("ADT^A11", "EVN|A11|20240302", PID, visit).said
    assert (undone.kind, undone.name, undone.bodies) == ("admission", admitted.name, ())


def test_a_death_told_by_an_update_and_taken_back():
    died = PID + "|" * 18 + "20240401|Y"
    assert [one.kind for one in asked("ADT^A08", "EVN||20240402", died).said] == ["person", "death"]
    alive = PID + "|" * 19 + "N"
    assert [one.bodies for one in asked("ADT^A31", "EVN||20240402", alive).said][1] == ()
    with pytest.raises(Refused, match="which day"):
        asked("ADT^A31", "EVN||20240402", PID + "|" * 19 + "Y")


def test_a_merge_names_both_numbers():
    told = asked("ADT^A40", "EVN||20240402", "PID|||1^^^ucd^MR", "MRG|2^^^ucd^MR")
    assert [(one.number, one.into) for one in told.merged] == [("2", "1")]
    with pytest.raises(Refused, match="MRG-1"):
        asked("ADT^A40", "EVN||20240402", "PID|||1^^^ucd^MR")


@pytest.mark.parametrize("kind", ["ORM^O01", "ORU^R30", "MDM^T02", ""])
def test_other_messages_are_rejected(kind):
    with pytest.raises(Refused) as refused:
        asked(kind, PID)
    assert refused.value.is_rejected


def test_without_a_patient_it_cannot_be_taken():
    with pytest.raises(Refused, match="record number"):
        asked("ORU^R01", OBR)


def test_without_a_day_it_cannot_be_taken():
    with pytest.raises(Refused) as refused:
        asked("ORU^R01", PID, "OBR|1||F1|87070^Culture", f"{ORGANISM}^{ABSCESSUS}^L||||||F")
    assert refused.value.flaw.where == "OBR^1"
