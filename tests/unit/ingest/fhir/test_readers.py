"""What each kind of resource says, and what says nothing."""

from datetime import date
from typing import Any

import pytest

from service.ingest.fhir.elements import Element
from service.ingest.fhir.kinds import read
from service.ingest.fhir.readings import Reading, Surroundings
from service.ingest.fhir.references import References

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PCS = "http://hl7.org/fhir/sid/icd-10-pcs"
ICD_10 = "http://hl7.org/fhir/sid/icd-10-cm"
SUBJECT = {"subject": {"reference": "Patient/1"}}


def said(*resources: dict[str, Any]) -> Reading:
    """What the last resource says, where the others came along with it."""
    elements = [Element(each, each["resourceType"]) for each in resources]
    around = Surroundings(References.among([("", each) for each in elements]), date(2026, 11, 22))
    return read(elements[-1], around)


def coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def text(words: str) -> dict[str, Any]:
    return {"text": words}


def observation(**more: Any) -> dict[str, Any]:
    told = {
        "resourceType": "Observation",
        "status": "final",
        "code": text("Bacteria identified in Blood by Culture"),
        "effectiveDateTime": "2024-05-01T23:30:00-07:00",
    }
    return told | SUBJECT | more


def organisms(reading: Reading) -> list[str]:
    return [body["organism"] for body in reading.bodies]


def severities(reading: Reading) -> list[str]:
    return [issue.severity for issue in reading.issues]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (coded(SNOMED, "70536003"), "kidney"),
        (coded(PCS, "0TY00Z0"), "kidney"),
        (coded(PCS, "0FY00Z0"), "liver"),
        (coded(PCS, "02YA0Z0"), "heart"),
        (coded(PCS, "0BYM0Z0"), "lung"),
        (coded(PCS, "30243G0"), "auto_hsct"),
        (coded(PCS, "30233Y3"), "allo_hsct"),
        (text("Transplantation of kidney (procedure)"), "kidney"),
        (text("allo-HSCT"), "allo_hsct"),
    ],
)
def test_a_transplant_by_code_or_text(code: dict[str, Any], expected: str) -> None:
    procedure = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": code,
        "performedPeriod": {"start": "2024-03-01T08:00:00Z"},
        "note": [{"text": "Maria Quispe's kidney"}],
    }
    assert said(procedure).bodies == (
        {"type": "transplant", "occurred_on": "2024-03-01", "transplant_type": expected},
    )


@pytest.mark.parametrize(
    ("procedure", "severity"),
    [
        ({"status": "not-done", "code": text("kidney transplant")}, "information"),
        ({"status": "entered-in-error", "code": text("kidney transplant")}, "information"),
        ({"status": "completed", "code": text("Throat culture")}, "information"),
        ({"status": "completed", "code": text("Biopsy of transplanted kidney")}, "information"),
        ({"status": "completed", "code": text("Bone marrow transplant")}, "warning"),
        ({"status": "completed", "code": coded(PCS, "0TT00ZZ")}, "information"),
    ],
)
def test_no_transplant(procedure: dict[str, Any], severity: str) -> None:
    reading = said({"resourceType": "Procedure", "performedDateTime": "2024-03-01"} | procedure)

    assert reading.bodies == ()
    assert severities(reading) == [severity]


def test_a_transplant_without_its_day_is_not_used_and_says_why() -> None:
    procedure = {"resourceType": "Procedure", "status": "completed", "code": text("RTx")}
    (issue,) = said(procedure | {"performedDateTime": "2024-03"}).issues

    assert (issue.severity, issue.expression) == ("warning", "Procedure.performed")


def test_a_culture_names_its_organism_and_the_specimen_its_site() -> None:
    specimen = {
        "resourceType": "Specimen",
        "id": "s1",
        "type": coded(SNOMED, "258450006", "Cerebrospinal fluid"),
        "collection": {"collectedDateTime": "2024-04-29"},
    }
    result = observation(
        specimen={"reference": "Specimen/s1"},
        valueCodeableConcept=coded(SNOMED, "112283007", "Escherichia coli"),
    )
    assert said(specimen, result).bodies == (
        {
            "type": "infection",
            "occurred_on": "2024-04-29",
            "organism": "Escherichia coli",
            "specimen": "csf",
        },
    )


@pytest.mark.parametrize(
    "result",
    [
        {"valueString": "Mycobacterium abscessus"},
        {"code": text("Mycobacterium abscessus"), "valueString": "Isolated"},
        {
            "code": text("Mycobacteroides abscessus DNA [Presence] by NAA"),
            "valueCodeableConcept": coded(SNOMED, "260373001", "Detected"),
        },
        {"code": text("M. abscessus"), "valueCodeableConcept": text("POSITIVE")},
        {"code": text("M. abscessus"), "interpretation": [coded("v3", "POS")]},
        {
            "code": text("Panel"),
            "component": [
                {"code": text("M. abscessus"), "valueCodeableConcept": text("Detected")},
                {"code": text("M. avium"), "valueCodeableConcept": text("Not detected")},
            ],
        },
    ],
)
def test_an_organism_that_was_found(result: dict[str, Any]) -> None:
    assert organisms(said(observation(**result))) == ["Mycobacterium abscessus"]


@pytest.mark.parametrize(
    "result",
    [
        {"valueString": "No growth"},
        {"valueCodeableConcept": text("Negative")},
        {"code": text("M. abscessus"), "valueString": "Not isolated"},
        {"code": text("M. abscessus"), "valueString": "Not Detected"},
        {"code": text("M. abscessus"), "valueCodeableConcept": coded(SNOMED, "260415000")},
        {"code": text("Cytomegalovirus DNA"), "valueString": "<13700"},
        {"code": text("Cytomegalovirus DNA"), "valueString": "< 137 IU/mL"},
        {"code": text("Cytomegalovirus DNA"), "valueString": "0"},
        {
            "code": text("Cytomegalovirus DNA [#/volume]"),
            "valueQuantity": {"value": 13700, "comparator": "<"},
        },
        {"code": text("Cytomegalovirus IgG Ab"), "valueString": "Positive"},
        {"code": text("Amikacin [Susceptibility]"), "valueString": "Susceptible"},
        {"code": text("M. abscessus MIC"), "valueQuantity": {"value": 4}},
        {"status": "cancelled", "valueString": "M. abscessus"},
        {"status": "entered-in-error", "valueString": "M. abscessus"},
        {"code": text("Tobacco smoking status"), "valueString": "Never smoked tobacco"},
        {"specimen": {"display": "stem cell product"}, "valueString": "M. abscessus"},
        {"category": [coded("c", "survey")], "valueString": "M. abscessus"},
        {"valueCodeableConcept": coded("urn:our-own-codes", "112283007", "Mixed flora")},
        {"code": text("Body weight"), "valueQuantity": {"value": 80}},
    ],
)
def test_nothing_was_found(result: dict[str, Any]) -> None:
    reading = said(observation(**result))

    assert reading.bodies == ()
    assert severities(reading) == ["information"]


def test_a_count_above_its_detection_limit_is_a_finding() -> None:
    code = text("Cytomegalovirus DNA [#/volume] (viral load) in Serum or Plasma by NAA")
    (body,) = said(observation(code=code, valueQuantity={"value": 13700})).bodies

    assert (body["organism"], body["specimen"]) == ("Cytomegalovirus", "blood")
    assert organisms(said(observation(code=code, valueString=">1000000"))) == ["Cytomegalovirus"]


def test_an_unknown_organism_waits_and_counts_for_nothing_meanwhile() -> None:
    (body,) = said(observation(valueString="Quispella mariae")).bodies

    assert (body["organism"], body["while_unread"]) == ("Quispella mariae", "waits")


def test_a_comment_is_not_kept_and_not_repeated() -> None:
    reading = said(
        observation(valueString="Quispella mariae grown in the second of three bottles only")
    )

    (issue,) = reading.issues
    assert reading.bodies == ()
    assert (issue.severity, issue.expression) == ("warning", "Observation.value")
    assert "Quisp" not in repr(reading)


def test_a_preliminary_result_is_probable_and_a_screening_swab_colonisation() -> None:
    (body,) = said(observation(status="preliminary", valueString="E. coli")).bodies
    assert body["certainty"] == "probable"
    code = text("MRSA screening culture")
    (body,) = said(observation(code=code, valueString="Staphylococcus aureus")).bodies
    assert body["status"] == "colonisation"


def report(**more: Any) -> dict[str, Any]:
    told = {"resourceType": "DiagnosticReport", "status": "final", "code": text("Culture")}
    return told | SUBJECT | more


def test_the_result_of_a_report_takes_specimen_and_day_from_it() -> None:
    specimen = {"resourceType": "Specimen", "id": "s", "type": text("Sputum")}
    result = observation(id="o", valueString="M. avium")
    del result["effectiveDateTime"]
    whole = report(
        effectiveDateTime="2024-06-01",
        specimen=[{"reference": "Specimen/s"}],
        result=[{"reference": "Observation/o"}],
    )
    (body,) = said(specimen, whole, result).bodies

    assert (body["occurred_on"], body["specimen"]) == ("2024-06-01", "sputum")
    assert said(specimen, result, whole).bodies == ()


def test_a_cancelled_report_withdraws_the_results_that_come_with_it() -> None:
    result = observation(id="o", valueString="M. avium")
    whole = report(status="cancelled", result=[{"reference": "Observation/o"}])

    assert said(whole, result).bodies == ()


def test_contained_results_and_members_are_read_with_what_contains_them() -> None:
    culture = observation(id="c", valueString="M. avium", hasMember=[{"reference": "#ast"}])
    amikacin = observation(
        id="ast",
        code=text("Amikacin [Susceptibility]"),
        valueString="Resistant",
        derivedFrom=[{"reference": "#c"}],
    )
    whole = report(
        contained=[culture, amikacin],
        result=[{"reference": "#c"}, {"reference": "#ast"}],
        issued="2024-06-02T10:00:00Z",
    )
    assert organisms(said(whole)) == ["Mycobacterium avium"]


def test_a_report_without_results_speaks_by_its_conclusion() -> None:
    whole = report(
        effectiveDateTime="2024-06-01",
        conclusionCode=[text("Mycobacterium avium")],
        conclusion="Maria Quispe has M. avium",
    )
    assert organisms(said(whole)) == ["Mycobacterium avium"]


def drug(kind: str, words: Any, **more: Any) -> dict[str, Any]:
    concept = words if isinstance(words, dict) else text(words)
    told = {"resourceType": kind, "status": "active", "medicationCodeableConcept": concept}
    return told | SUBJECT | more


@pytest.mark.parametrize(
    "concept",
    [
        coded(RXNORM, "42316"),
        coded("http://www.whocc.no/atc", "L04AD02"),
        coded(RXNORM, "198377", "tacrolimus 1 MG Oral Capsule [Prograf]"),
        text("24 HR tacrolimus 1 MG Extended Release Oral Capsule"),
        text("Prograf 5 mg"),
        text("FK506"),
    ],
)
def test_a_drug_by_code_or_text(concept: dict[str, Any]) -> None:
    reading = said(drug("MedicationRequest", concept, intent="order", authoredOn="2024-03-02"))

    assert reading.bodies == (
        {"type": "medication", "occurred_on": "2024-03-02", "agent": "tacrolimus"},
    )


def test_a_drug_that_is_referred_to() -> None:
    prograf = {"resourceType": "Medication", "id": "m", "code": text("Prograf")}
    statement = {
        "resourceType": "MedicationStatement",
        "status": "completed",
        "effectivePeriod": {"start": "2024-03-02", "end": "2024-05-01"},
    }
    within = statement | {"contained": [prograf], "medicationReference": {"reference": "#m"}}
    beside = statement | {"medicationReference": {"reference": "Medication/m"}}
    named = statement | {"medicationReference": {"reference": "Medication/9", "display": "FK506"}}
    unknown = statement | {"medicationReference": {"reference": "Medication/9"}}
    expected = {
        "type": "medication",
        "occurred_on": "2024-03-02",
        "agent": "tacrolimus",
        "ended_on": "2024-05-01",
    }

    assert said(within).bodies == said(prograf, beside).bodies == (expected,)
    assert said(named).bodies == (expected,)
    assert severities(said(unknown)) == ["warning"]


def test_a_code_of_the_hospital_s_own_is_not_looked_up() -> None:
    reading = said(drug("MedicationRequest", coded("urn:our-own-codes", "42316")))

    assert (reading.bodies, severities(reading)) == ((), ["warning"])


def test_one_dose_speaks_to_the_next_day() -> None:
    dose = drug(
        "MedicationAdministration",
        "Simulect",
        status="completed",
        effectiveDateTime="2024-03-01T09:00:00Z",
        dosage={"route": text("Intravenous")},
    )
    (body,) = said(dose).bodies
    assert (body["agent"], body["ended_on"]) == ("basiliximab", "2024-03-02")


@pytest.mark.parametrize(
    "request_",
    [
        drug("MedicationRequest", "tacrolimus 0.1% ointment"),
        drug("MedicationRequest", "Protopic"),
        drug("MedicationRequest", "prednisolone 1% ophthalmic suspension"),
        drug("MedicationRequest", "dexamethasone", dosageInstruction=[{"route": text("Eye")}]),
        drug(
            "MedicationRequest",
            "tacrolimus",
            dosageInstruction=[{"route": coded(SNOMED, "6064005")}],
        ),
        drug("MedicationRequest", "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet"),
        drug("MedicationRequest", "tacrolimus", intent="proposal"),
        drug("MedicationRequest", "tacrolimus", status="cancelled"),
        drug("MedicationStatement", "tacrolimus", status="not-taken"),
    ],
)
def test_no_exposure(request_: dict[str, Any]) -> None:
    reading = said({"authoredOn": "2024-03-02"} | request_)

    assert (reading.bodies, severities(reading)) == ((), ["information"])


def condition(code: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"resourceType": "Condition", "code": code, "onsetDateTime": "2024-06-01"}
    return told | SUBJECT | more


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (coded(ICD_10, "A31.0"), {"infection_type": "ntm", "site": "lung"}),
        (coded(ICD_10, "B25.9"), {"organism": "Cytomegalovirus"}),
        (text("Pneumonia due to Mycobacterium avium"), {"organism": "Mycobacterium avium"}),
        (text("Cytomegalovirus infection (disorder)"), {"organism": "Cytomegalovirus"}),
        (text("Viral sinusitis (disorder)"), {"infection_type": "viral"}),
    ],
)
def test_a_diagnosis_is_disease(code: dict[str, Any], expected: dict[str, str]) -> None:
    (body,) = said(condition(code)).bodies

    assert (
        body == {"type": "infection", "occurred_on": "2024-06-01", "status": "disease"} | expected
    )


@pytest.mark.parametrize(
    "diagnosis",
    [
        condition(text("History of tuberculosis")),
        condition(text("Exposure to Mycobacterium tuberculosis")),
        condition(text("Gingivitis (disorder)")),
        condition(text("Body mass index 30+ - obesity (finding)")),
        condition(coded(ICD_10, "A31.0"), verificationStatus=coded("", "refuted")),
        condition(coded(ICD_10, "A31.0"), verificationStatus=coded("", "entered-in-error")),
    ],
)
def test_no_infection(diagnosis: dict[str, Any]) -> None:
    reading = said(diagnosis)

    assert (reading.bodies, severities(reading)) == ((), ["information"])


def test_a_patient_is_their_year_of_birth_sex_and_death_and_nothing_else() -> None:
    patient = {
        "resourceType": "Patient",
        "name": [{"family": "Quispe", "given": ["Maria"]}],
        "address": [{"city": "Lima"}],
        "birthDate": "1978-05-17",
        "gender": "female",
        "deceasedDateTime": "2025-01-02T03:04:05Z",
    }
    assert said(patient).bodies == (
        {
            "type": "demographics",
            "occurred_on": "1978-01-01",
            "birth_year": 1978,
            "sex": "female",
        },
        {"type": "outcome", "outcome": "death", "occurred_on": "2025-01-02"},
    )


def test_a_death_without_its_day_is_a_warning() -> None:
    reading = said({"resourceType": "Patient", "deceasedBoolean": True})

    assert severities(reading) == ["warning"]


def test_an_encounter_is_a_contact_and_a_planned_one_is_none() -> None:
    stay = {
        "resourceType": "Encounter",
        "status": "finished",
        "period": {"start": "2024-03-01T10:00:00Z", "end": "2024-03-04T10:00:00Z"},
    }
    days = [body["occurred_on"] for body in said(stay).bodies]

    assert days == ["2024-03-01", "2024-03-04"]
    assert said(stay | {"status": "planned"}).bodies == ()


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ({"resourceType": "Observation", "status": 1}, "Observation.status"),
        ({"resourceType": "Observation", "code": []}, "Observation.code"),
        (
            {"resourceType": "Procedure", "status": "completed", "code": {"coding": {}}},
            "Procedure.code.coding",
        ),
        ({"resourceType": "Patient", "gender": "F"}, "Patient.gender"),
        ({"resourceType": "Patient", "birthDate": "17.5.1978"}, "Patient.birthDate"),
        (
            {"resourceType": "Encounter", "status": "finished", "period": "today"},
            "Encounter.period",
        ),
    ],
)
def test_an_element_of_the_wrong_type_is_named(resource: dict[str, Any], place: str) -> None:
    (issue,) = said(resource).issues

    assert (issue.severity, issue.expression) == ("error", place)


def test_what_is_not_used_is_accepted_and_told() -> None:
    assert severities(said({"resourceType": "Claim"})) == ["information"]
