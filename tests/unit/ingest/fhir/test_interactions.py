"""What is to be done with the entries of a Bundle, and which of them speak of each other."""

from typing import Any

import pytest

from service.ingest.fhir.elements import Malformed
from service.ingest.fhir.interactions import Parcel, bundle, single
from service.ingest.fhir.references import Identifier, literal, sought


def sent(*entries: dict[str, Any], kind: str = "transaction") -> Parcel:
    return bundle({"resourceType": "Bundle", "type": kind, "entry": list(entries)})


def entry(method: str, url: str, resource: Any = None, **more: Any) -> dict[str, Any]:
    body = {} if resource is None else {"resource": resource}
    return body | {"request": {"method": method, "url": url} | more}


VISIT = {"resourceType": "Encounter", "id": "v"}


def test_requests_say_what_to_do() -> None:
    parcel = sent(
        entry("POST", "Encounter", VISIT),
        entry("PUT", "Encounter/w", VISIT),
        entry("PUT", "Encounter?identifier=urn:v|1", VISIT),
        entry("POST", "Encounter", VISIT, ifNoneExist="identifier=urn:v|1"),
        entry("DELETE", "https://ehr.example/fhir/Encounter/w"),
    )
    assert [(one.does, one.name, one.asked, one.only_if_new) for one in parcel.interactions] == [
        ("create", "v", None, False),
        ("update", "w", None, False),
        ("update", "v", Identifier("urn:v", "1"), False),
        ("create", "v", Identifier("urn:v", "1"), True),
        ("delete", "w", None, False),
    ]


@pytest.mark.parametrize(
    ("faulty", "place"),
    [
        (VISIT, "Bundle.entry[0].request.method"),
        (entry("GET", "Encounter/w"), "Bundle.entry[0].request.method"),
        (entry("PATCH", "Encounter/w", VISIT), "Bundle.entry[0].request.method"),
        (entry("POST", "Encounter"), "Bundle.entry[0].resource"),
        (entry("POST", "Patient", VISIT), "Bundle.entry[0].request.url"),
        (entry("DELETE", "Encounter"), "Bundle.entry[0].request.url"),
        (entry("PUT", "Encounter?date=2024", VISIT), "Bundle.entry[0].request"),
        (entry("PUT", "Encounter/w", VISIT | {"id": "a b"}), None),
        (entry("POST", "Encounter", VISIT | {"id": "a b"}), "Bundle.entry[0].resource.id"),
    ],
)
def test_a_faulty_entry_has_its_fault_and_place(faulty: dict[str, Any], place: str | None) -> None:
    (interaction,) = sent(faulty).interactions

    assert [fault.expression for fault in interaction.faults] == ([place] if place else [])


def test_a_collection_is_taken_as_it_is_and_a_message_without_its_header() -> None:
    header = {"resource": {"resourceType": "MessageHeader"}}
    collection = sent({"resource": VISIT}, kind="collection")
    message = sent(header, {"resource": VISIT}, kind="message")

    assert [one.does for one in collection.interactions] == ["update"]
    assert [one.kind for one in message.interactions] == ["Encounter"]
    assert (collection.is_atomic, message.is_atomic) == (False, True)
    with pytest.raises(Malformed):
        sent({"resource": VISIT}, kind="message")


def test_a_single_resource_is_of_the_kind_and_id_of_its_address() -> None:
    for name, resource in (("w", VISIT), ("", {"resourceType": "Patient"}), ("", [])):
        with pytest.raises(Malformed):
            single("update", "Encounter", name, resource)
    with pytest.raises(Malformed):
        single("delete", "Encounter", "", None)


def test_references_are_literal_or_ask_for_an_identifier() -> None:
    assert literal("urn:uuid:6f1c9a0e-0000-4000-8000-000000000001") is None
    assert literal("Patient?identifier=1") is None
    assert sought("Patient?identifier=17") == Identifier("", "17")
    assert sought("Patient?name=Ana") is None
