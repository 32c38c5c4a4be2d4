import pytest

from service.reference import TRANSPLANT_TYPES
from service.reference.transplant_types import resolve_transplant_type, transplant_types


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("allo-HSCT", "allo_hsct"),
        ("Allogeneic Hematopoietic Stem Cell Transplantation", "allo_hsct"),
        ("haplo", "allo_hsct"),
        ("haploidentical transplant", "allo_hsct"),
        ("UCBT", "allo_hsct"),
        ("cord blood transplant", "allo_hsct"),
        ("PTCy allo", "allo_hsct"),
        ("auto_hsct", "auto_hsct"),
        ("autologous stem cell transplant", "auto_hsct"),
        ("RTx", "kidney"),
        ("renal transplantation", "kidney"),
        ("70536003", "kidney"),
        ("Z94.0", "kidney"),
        ("OLT", "liver"),
        ("heart-lung transplant", "heart_lung"),
        ("bilateral lung", "lung"),
        ("small bowel", "intestine"),
        ("CAR-T", "car_t"),
        ("mesenchymal stromal cells", "msc_infusion"),
        ("embryonic stem cell injection", "stem_cell_injection"),
        ("Wharton's jelly", "stem_cell_injection"),
        ("stem cell therapy", "stem_cell_injection"),
    ],
)
def test_a_known_spelling_or_code_names_the_type(text, name):
    assert resolve_transplant_type(text).name == name


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("ASCT", ("auto_hsct", "allo_hsct")),
        ("BMT", ("auto_hsct", "allo_hsct")),
        ("stem cell transplantation", ("auto_hsct", "allo_hsct")),
        ("Z94.84", ("auto_hsct", "allo_hsct")),
        ("234336002", ("auto_hsct", "allo_hsct")),
        ("LTx", ("liver", "lung")),
        ("SPK", ("kidney", "pancreas")),
        ("kidney-pancreas", ("kidney", "pancreas")),
    ],
)
def test_a_term_of_several_types_is_refused_with_them(text, candidates):
    refusal = resolve_transplant_type(text)
    assert (refusal.code, refusal.candidates) == ("ambiguous_term", candidates)


def test_two_organs_on_one_day_are_asked_for_as_two_events():
    assert "two transplant events" in resolve_transplant_type("SPK").message


@pytest.mark.parametrize("text", ["cornea", "corneal graft", "skin graft", "bone graft", "Z94.7"])
def test_tissue_grafts_are_refused_with_the_reason(text):
    refusal = resolve_transplant_type(text)
    assert refusal.code == "not_followed"
    assert "systemic immunosuppression" in refusal.message


def test_complication_codes_are_not_the_transplant():
    assert resolve_transplant_type("T86.13").code == "unknown_term"


def test_the_types_are_those_of_the_contract_in_its_order():
    assert tuple(row.name for row in transplant_types()) == TRANSPLANT_TYPES
    for row in transplant_types():
        assert resolve_transplant_type(row.name) == row
        assert row.family in ("hsct", "sot", "cell", "regenerative")
