import pytest

from service.reference.agents import Agent, agents, resolve_agent
from service.reference.lexicon import Refusal


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CsA", "ciclosporin"),
        ("CSA", "ciclosporin"),
        ("Cyclosporine A", "ciclosporin"),
        ("L04AD01", "ciclosporin"),
        ("3008", "ciclosporin"),
        ("FK506", "tacrolimus"),
        ("FK-506", "tacrolimus"),
        ("FK 506", "tacrolimus"),
        ("ＦＫ５０６", "tacrolimus"),
        ("Prograf", "tacrolimus"),
        ("Rapamycin", "sirolimus"),
        ("  RAPAMUNE ", "sirolimus"),
        ("L04AA10", "sirolimus"),
        ("L04AH01", "sirolimus"),
        ("L04AA18", "everolimus"),
        ("MMF", "mycophenolic acid"),
        ("Solu-Medrol", "methylprednisolone"),
        ("rATG", "antithymocyte immunoglobulin (rabbit)"),
        ("PTCy", "cyclophosphamide"),
    ],
)
def test_any_known_spelling_or_code_names_the_substance(text, name):
    assert resolve_agent(text).name == name


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("TAC", ("tacrolimus",)),
        ("Tac", ("tacrolimus",)),
        ("AZA", ("azathioprine",)),
        ("MPA", ("mycophenolic acid",)),
        ("FLU", ("fludarabine",)),
        ("PRED", ("prednisolone", "prednisone")),
        (
            "ATG",
            (
                "antithymocyte immunoglobulin (rabbit)",
                "antilymphocyte immunoglobulin (horse)",
            ),
        ),
    ],
)
def test_an_abbreviation_of_several_substances_never_maps_alone(text, candidates):
    refusal = resolve_agent(text)
    assert (refusal.code, refusal.candidates) == ("ambiguous_term", candidates)


@pytest.mark.parametrize(
    "text", ["Restasis", "Cequa", "Verkazia", "Protopic", "S01XA18", "D11AH01", "Hyftor", "352951"]
)
def test_eye_and_skin_forms_are_no_systemic_exposure(text):
    assert resolve_agent(text).code == "not_systemic"


def test_a_misspelt_name_is_refused_with_the_nearest():
    refusal = resolve_agent("tacrolimos")
    assert (refusal.code, refusal.candidates) == ("unknown_term", ("tacrolimus",))


@pytest.mark.parametrize("text", ["", " ", "-", "\u0000", "9" * 5000, "x" * 5000])
def test_nonsense_is_refused(text):
    assert resolve_agent(text) == Refusal("unknown_term", resolve_agent("zzz").message)


def test_every_agent_names_its_class_and_source_and_resolves_to_itself():
    assert len(agents()) == len({agent.name for agent in agents()})
    for agent in agents():
        assert agent.drug_class
        assert agent.source
        for text in (agent.name, agent.name.upper(), *agent.atc, *agent.rxnorm):
            assert isinstance(resolve_agent(text), Agent)
            assert resolve_agent(text) == agent
