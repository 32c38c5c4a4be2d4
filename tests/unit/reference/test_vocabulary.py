"""Laws that hold for all four vocabularies."""

import doctest

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reference import (
    agents,
    laboratory_wording,
    organisms,
    sites,
    spelling,
    transplant_types,
    vocabulary,
)
from service.reference.data_files import RefusedTerms, read_bytes
from service.reference.lexicon import Lexicon, Refusal

VOCABULARIES = [
    pytest.param("agents.json", vocabulary.resolve_agent, id="agents"),
    pytest.param("organisms.json", vocabulary.resolve_organism, id="organisms"),
    pytest.param("sites.json", vocabulary.resolve_site, id="sites"),
    pytest.param("transplant_types.json", vocabulary.resolve_transplant_type, id="types"),
]
CODES = {
    "ambiguous_term",
    "unknown_term",
    "not_an_organism",
    "not_systemic",
    "not_a_patient_site",
    "not_followed",
}


@pytest.mark.parametrize(
    "module", [agents, laboratory_wording, organisms, sites, spelling, transplant_types]
)
def test_the_worked_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("file_name", "resolve"), VOCABULARIES)
def test_every_spelling_in_the_data_means_its_own_row(file_name, resolve):
    for row in msgspec.json.decode(read_bytes(file_name))["rows"]:
        for spelt in (*row.get("spellings", ()), *row.get("former_names", ())):
            found = resolve(spelt)
            assert not isinstance(found, Refusal), spelt
            assert found.name == row["name"], spelt
            assert resolve(spelt.upper()) == resolve(f"  {spelt.lower()} ") == found


@pytest.mark.parametrize(("file_name", "resolve"), VOCABULARIES)
def test_every_refused_term_is_refused_as_declared_and_its_candidates_resolve(file_name, resolve):
    file = msgspec.json.decode(read_bytes(file_name))
    for refused in file["refusals"]:
        assert refused["source"] in file["sources"]
        for term in refused["terms"]:
            assert resolve(term).code == refused["code"], term
        for candidate in refused.get("candidates", ()):
            assert resolve(candidate).name == candidate


@pytest.mark.parametrize(("file_name", "resolve"), VOCABULARIES)
def test_every_row_points_to_a_source_of_its_file(file_name, resolve):
    file = msgspec.json.decode(read_bytes(file_name))
    assert {row["source"] for row in file["rows"]} <= set(file["sources"])
    assert all(len(text) > 3 for text in file["sources"].values())


@pytest.mark.parametrize(("file_name", "resolve"), VOCABULARIES)
@pytest.mark.parametrize(
    "text", ["Zebedee Quillfeather 1965-03-02", "MRN 88213077", "qzx <script>", "Йцукен"]
)
def test_a_refusal_never_repeats_what_was_sent(file_name, resolve, text):
    refusal = resolve(text)
    assert refusal.code == "unknown_term"
    shown = " ".join((refusal.message, *refusal.candidates)).casefold()
    assert not [word for word in text.casefold().split() if word in shown]


@pytest.mark.parametrize(("file_name", "resolve"), VOCABULARIES)
@given(text=st.text(max_size=60))
def test_any_text_gets_a_term_or_a_known_refusal(file_name, resolve, text):
    found = resolve(text)
    if isinstance(found, Refusal):
        assert found.code in CODES
        assert found.message
        for candidate in found.candidates:
            assert resolve(candidate).name == candidate
    else:
        assert resolve(found.name).name == found.name


def test_a_key_with_two_meanings_is_a_fault_of_the_data():
    lexicon = Lexicon("No.")
    lexicon.add_refused(RefusedTerms("ambiguous_term", "One.", ("Ab-C",), "ours"))
    with pytest.raises(ValueError, match="abc"):
        lexicon.add_refused(RefusedTerms("ambiguous_term", "Two.", ("abc",), "ours"))
