import pytest

from service.reference import INFECTION_TYPES
from service.reference.organisms import organisms, resolve_organism

ABSCESSUS = "Mycobacterium abscessus complex"
AVIUM = "Mycobacterium avium complex"
TUBERCULOSIS = "Mycobacterium tuberculosis complex"


@pytest.mark.parametrize(
    "text",
    [
        "Mycobacterium abscessus",
        "Mycobacteroides abscessus",
        "M. abscessus",
        "M abscessus",
        "M. ABSCESSUS",
        "Mycobacterium abscessus subsp. massiliense",
        "Mycobacteroides abscessus ssp. massiliense",
        "Mycobacterium abscessus massiliense",
        "Mycobacterium massiliense",
        "M. massiliense",
        "M. abscessus subsp. bolletii",
        "Mycobacterium bolletii",
        "MYCOBACTERIUM ABSCESSUS GROUP",
        "Mycobacterium chelonae-abscessus complex",
        "113838007",
    ],
)
def test_abscessus_is_one_group_under_every_name(text):
    organism = resolve_organism(text)
    assert (organism.infection_type, organism.group) == ("ntm", ABSCESSUS)
    assert not organism.pending


def test_the_subspecies_is_kept_as_the_organism():
    assert (
        resolve_organism("M. massiliense").name
        == resolve_organism("Mycobacteroides abscessus subsp. massiliense").name
        == "Mycobacterium abscessus subsp. massiliense"
    )


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("MAC", AVIUM),
        ("M. chimaera", AVIUM),
        ("Mycobacterium intracellulare", AVIUM),
        ("M. avium subsp. paratuberculosis", AVIUM),
        ("Mycolicibacterium fortuitum", "Mycobacterium fortuitum"),
        ("Mycobacterium chelonae subsp. bovistauri", "Mycobacterium chelonae"),
        ("M. kansasii", "Mycobacterium kansasii"),
        ("MOTT", "Nontuberculous mycobacteria"),
    ],
)
def test_ntm_fold_into_their_species_or_complex(text, group):
    organism = resolve_organism(text)
    assert (organism.infection_type, organism.group) == ("ntm", group)


@pytest.mark.parametrize(
    "text",
    ["M. tuberculosis", "MTB", "TB", "BCG", "M. bovis BCG", "Mycobacterium bovis", "M. africanum"],
)
def test_tuberculosis_and_bcg_are_never_ntm(text):
    organism = resolve_organism(text)
    assert (organism.infection_type, organism.group) == ("tuberculosis", TUBERCULOSIS)


@pytest.mark.parametrize("text", ["Mycobacterium leprae", "M. lepromatosis"])
def test_leprosy_is_bacterial_and_a_group_of_its_own(text):
    organism = resolve_organism(text)
    assert (organism.infection_type, organism.group) == ("bacterial", "leprosy")


def test_the_epithet_abscessus_does_not_make_a_nocardia_an_ntm():
    for text in ("Nocardia abscessus", "N. abscessus", "414863003"):
        organism = resolve_organism(text)
        assert (organism.infection_type, organism.group) == ("bacterial", "Nocardia")


@pytest.mark.parametrize(
    "text",
    [
        "AFB",
        "ACIDFAST BACILLI",
        "Mycobacterium sp.",
        "MYCOBACTERIUM SPECIES",
        "Mycobacterium",
        "Mycobacteroides",
        "Mycolicibacterium spp.",
        "243368001",
    ],
)
def test_what_is_not_yet_identified_is_pending_and_not_ntm(text):
    organism = resolve_organism(text)
    assert (organism.infection_type, organism.pending) == ("unknown", True)


def test_gordonae_is_ntm_but_a_usual_contaminant():
    organism = resolve_organism("M. gordonae")
    assert (organism.infection_type, organism.usual_contaminant) == ("ntm", True)


@pytest.mark.parametrize(
    ("text", "name", "group"),
    [
        ("E. coli", "Escherichia coli", "Escherichia"),
        ("C. albicans", "Candida albicans", "Candida"),
        ("P. aeruginosa", "Pseudomonas aeruginosa", "Pseudomonas"),
        ("S. aureus", "Staphylococcus aureus", "Staphylococcus"),
        ("K. pneumoniae", "Klebsiella pneumoniae", "Klebsiella"),
        ("Clostridium difficile", "Clostridioides difficile", "Clostridioides difficile"),
        ("Rhizopus arrhizus", "Rhizopus arrhizus", "Mucorales"),
        ("MUCOR SP.", "Mucor species", "Mucorales"),
        ("Enterococcus", "Enterococcus species", "Enterococcus"),
        ("CMV", "Cytomegalovirus", "Cytomegalovirus"),
        ("PJP", "Pneumocystis jirovecii", "Pneumocystis"),
        ("PRESUMPTIVE CLOSTRIDIUM PERFRINGENS", "Clostridium perfringens", "Clostridium"),
        ("KLEBSIELLA (RAOULTELLA) PLANTICOLA", "Raoultella planticola", "Raoultella"),
        ("POSITIVE FOR INFLUENZA A VIRAL ANTIGEN", "Influenza A virus", "Influenza virus"),
        (
            "STAPHYLOCOCCUS, COAGULASE NEGATIVE",
            "Coagulase-negative staphylococci",
            "Staphylococcus",
        ),
    ],
)
def test_common_organisms_resolve_as_laboratories_write_them(text, name, group):
    organism = resolve_organism(text)
    assert (organism.name, organism.group) == (name, group)


@pytest.mark.parametrize(
    "text",
    [
        "NO GROWTH",
        "NEGATIVE",
        "MIXED BACTERIAL FLORA",
        "GRAM NEGATIVE ROD(S)",
        "GRAM NEGATIVE ROD #4",
        "YEAST",
        "YEAST, PRESUMPTIVELY NOT C. ALBICANS",
        "2ND ISOLATE",
        "CANCELLED",
        "TICK CONSISTENT WITH IXODES SPECIES",
        "AFB not seen",
        "AFB negative",
        "Negative for M. tuberculosis",
        "No Mycobacterium isolated",
        "Mycobacterium tuberculosis not detected",
    ],
)
def test_a_result_or_a_stain_is_not_an_organism(text):
    assert resolve_organism(text).code == "not_an_organism"


@pytest.mark.parametrize("text", ["Candida albicans (not detected)", "Candida albicans (negative)"])
def test_words_in_brackets_that_deny_the_organism_are_not_overlooked(text):
    assert not hasattr(resolve_organism(text), "infection_type")


def test_an_abbreviation_shared_by_two_genera_is_refused_with_both():
    refusal = resolve_organism("C. hominis")
    assert refusal.code == "ambiguous_term"
    assert refusal.candidates == ("Cardiobacterium hominis", "Cryptosporidium hominis")


def test_a_misspelt_mycobacterium_is_refused_and_never_guessed():
    refusal = resolve_organism("Mycobacterium abcessus")
    assert refusal.code == "unknown_term"
    assert refusal.candidates[0] == "Mycobacterium abscessus"


def test_an_unknown_species_of_a_known_genus_is_refused_with_the_genus():
    refusal = resolve_organism("Clostridium saudiense")
    assert (refusal.code, refusal.candidates) == ("unknown_term", ("Clostridium species",))


def test_every_organism_is_of_a_known_type_with_group_and_source():
    names = [organism.name for organism in organisms()]
    assert len(names) == len(set(names))
    for organism in organisms():
        assert organism.infection_type in INFECTION_TYPES
        assert organism.group
        assert organism.source
        assert organism.pending == (organism.infection_type == "unknown")
        for text in (organism.name, organism.name.upper(), *organism.snomed):
            assert resolve_organism(text) == organism


def test_mycobacteria_of_one_group_are_of_one_type():
    types: dict[str, set[str]] = {}
    for organism in organisms():
        if organism.name.startswith("Myco"):
            types.setdefault(organism.group, set()).add(organism.infection_type)
    assert all(len(found) == 1 for found in types.values())
