"""How the dimensions asked for are read, and where a figure over all rows means nothing."""

from service.domain.figures import RateDefinition
from service.pipeline.rates import Layout, agents_of


def test_agents_are_read_off_the_regimen() -> None:
    layout = Layout(("agent", "site", "phase"))
    assert layout.denominator == ("agent", "phase")
    assert layout.stored_denominator == ("regimen", "phase")
    assert layout.numerator == ("site",)
    assert list(layout.spread(("sirolimus+tacrolimus", "0-30"))) == [
        ("sirolimus", "0-30"),
        ("tacrolimus", "0-30"),
    ]


def test_agent_and_regimen_are_read_once() -> None:
    layout = Layout(("regimen", "agent"))
    assert layout.stored_denominator == ("regimen",)
    assert list(layout.spread(("sirolimus",))) == [("sirolimus", "sirolimus")]


def test_no_regimen_has_no_agent() -> None:
    assert agents_of("none") == agents_of("unrecorded") == []


def test_a_row_names_its_values_in_the_order_asked_for() -> None:
    layout = Layout(("site", "infection_type", "sex"))
    (group,) = RateDefinition(1, 2, {"infection_type": ("ntm",)}).groups
    assert list(layout.stratum(group, ("female",), ("lung",)).items()) == [
        ("site", "lung"),
        ("infection_type", "ntm"),
        ("sex", "female"),
    ]


def test_colonisation_has_no_first_of_any_type() -> None:
    by_type = RateDefinition(
        1, 2, {"status": ("colonisation",)}, by=("infection_type",), episodes="first"
    )
    assert by_type.total is None
    of_ntm = RateDefinition(1, 2, {"status": ("colonisation",), "infection_type": ("ntm",)})
    total = of_ntm.total
    assert total is not None
    assert total.taken_out == "not_at_risk_first:ntm:colonisation"


def test_several_types_together_are_totalled_as_any() -> None:
    asked = RateDefinition(
        1, 2, {"infection_type": ("ntm", "viral")}, by=("infection_type",), episodes="first"
    )
    total = asked.total
    assert total is not None
    assert (total.infection_type, total.infection_types) == ("any", None)
