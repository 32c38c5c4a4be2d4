"""Who is compared with whom: a day is on one side, on both or on neither."""

import pytest

from service.domain.contrasts import COMPARABLE, Contrast
from service.domain.figures import DENOMINATOR, NUMERATOR, RateDefinition
from service.errors import BadQuery

AGENTS = Contrast("agent", ("sirolimus",), ("ciclosporin", "tacrolimus"), ("phase",))


@pytest.mark.parametrize(
    ("regimen", "side"),
    [
        ("sirolimus", "compare"),
        ("mycophenolic acid+sirolimus", "compare"),
        ("prednisolone+tacrolimus", "reference"),
        ("ciclosporin+tacrolimus", "reference"),
        ("sirolimus+tacrolimus", "overlap"),
    ],
)
def test_a_regimen_is_on_the_side_of_its_agents(regimen: str, side: str) -> None:
    assert AGENTS.side_of({"regimen": regimen, "phase": "0-30"}) == side


def test_agents_are_read_off_the_regimen_of_everybody_on_either_side() -> None:
    reading = AGENTS.reading(RateDefinition(None, 800_000, {"sex": ("female",)}))
    assert reading.by == ("regimen", "phase")
    assert reading.filters == {
        "sex": ("female",),
        "agent": ("sirolimus", "ciclosporin", "tacrolimus"),
    }


@pytest.mark.parametrize("dimension", DENOMINATOR)
def test_what_every_day_has_one_of_is_on_one_side(dimension: str) -> None:
    contrast = Contrast(dimension, ("a+b",), ("a",))
    assert contrast.side_of({dimension: "a+b"}) == "compare"
    assert contrast.side_of({dimension: "a"}) == "reference"


@pytest.mark.parametrize(
    ("dimension", "compare", "reference", "strata"),
    [
        *((name, "a", "b", ()) for name in NUMERATOR),
        ("sex", "female", "female", ()),
        ("agent", "sirolimus", "tacrolimus", ("agent",)),
        ("agent", "sirolimus", "tacrolimus", ("regimen",)),
        ("regimen", "sirolimus", "tacrolimus", ("agent",)),
        ("sex", "female", "male", ("sex",)),
        ("sex", "female", "male", ("phase", "organism")),
    ],
)
def test_what_means_nothing_is_refused(
    dimension: str, compare: str, reference: str, strata: tuple[str, ...]
) -> None:
    with pytest.raises(BadQuery) as refused:
        Contrast(dimension, (compare,), (reference,), strata)
    assert refused.value.details


def test_everything_with_person_time_can_be_compared() -> None:
    assert {*COMPARABLE, *NUMERATOR} >= {*DENOMINATOR, "agent"}
    assert set(COMPARABLE).isdisjoint(NUMERATOR)
