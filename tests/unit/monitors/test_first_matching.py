"""First episodes of a numerator narrower than its type: the first matching one counts.

A cytomegalovirus infection in the second month is the first viral infection of its course; the
zoster of the fifth month is still the first zoster.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from service.domain.events import AnyEvent, Finding, Infection, Outcome, Transplant
from service.monitors.cases import Case
from service.monitors.nulls import counted_against, counts_first_matching
from service.reference.baselines import Baseline, Numerator, Source
from tests.unit.monitors.charts import cases_of

INDEX_DATE = date(2024, 1, 1)


def baseline(numerator: Numerator, **fields: Any) -> Baseline:
    shape: dict[str, Any] = {
        "id": "b",
        "version": 1,
        "title": "Zoster",
        "measure": "rate",
        "value": 0.02,
        "printed": "",
        "verified": True,
        "source": Source(title="Paper"),
        "numerator": numerator,
    }
    return Baseline(**(shape | fields))


def viral(organism: str, **more: Any) -> Finding:
    shape = {
        "infection_type": "viral",
        "organism": organism,
        "organism_group": organism,
        "site": "skin",
        "site_class": "extrapulmonary",
    }
    return Finding(**(shape | more))


def chart(*findings: tuple[int, Finding]) -> list[Case]:
    """A kidney recipient followed for two years, with findings on days after the transplant."""

    def on(days: int, name: str) -> dict[str, Any]:
        occurred_on = INDEX_DATE + timedelta(days=days)
        return {"event_id": name, "facility": "a", "patient": "p", "occurred_on": occurred_on}

    events: list[AnyEvent] = [Transplant(**on(0, "t"), transplant_type="kidney", age_years=50)]
    events += [Infection(**on(days, f"i{days}"), finding=found) for days, found in findings]
    return cases_of([*events, Outcome(**on(730, "o"), outcome="transferred_out")])


def counted(against: Baseline, cases: list[Case], **more: Any) -> list[str]:
    return [case.event_id for case in counted_against(against, cases, **more)]


CMV_THEN_ZOSTER = chart(
    (40, viral("Cytomegalovirus")),
    (150, viral("Varicella zoster virus")),
    (400, viral("Varicella zoster virus")),
)


def test_another_virus_does_not_hide_the_first_zoster():
    zoster = Numerator(infection_type=("viral",), organism=("Varicella zoster virus",))
    assert counted(baseline(zoster), CMV_THEN_ZOSTER) == ["i150"]
    assert counted(baseline(zoster, episodes="all"), CMV_THEN_ZOSTER) == ["i150", "i400"]


def test_of_the_whole_type_the_first_of_any_virus_counts():
    assert counted(baseline(Numerator(infection_type=("viral",))), CMV_THEN_ZOSTER) == ["i40"]


def test_an_infection_of_the_blood_is_not_hidden_by_one_of_the_skin():
    cases = chart(
        (20, Finding(infection_type="bacterial", site="skin")),
        (60, Finding(infection_type="bacterial", site="blood")),
    )
    blood = Numerator(infection_type=("bacterial",), site=("blood",))
    assert counted(baseline(blood), cases) == ["i60"]


def test_confirmed_disease_is_not_hidden_by_a_possible_one():
    cases = chart(
        (20, Finding(infection_type="fungal", organism_group="Candida", certainty="possible")),
        (200, Finding(infection_type="fungal", organism_group="Aspergillus")),
    )
    sure = Numerator(infection_type=("fungal",), certainty=("confirmed", "probable"))
    assert counted(baseline(sure), cases) == ["i200"]


def test_a_usual_contaminant_left_out_hides_no_later_infection():
    gordonae = Finding(
        infection_type="ntm",
        organism="Mycobacterium gordonae",
        organism_group="Mycobacterium gordonae",
    )
    avium = Finding(
        infection_type="ntm",
        organism="Mycobacterium avium",
        organism_group="Mycobacterium avium complex",
    )
    cases = chart((50, gordonae), (300, avium))
    ntm = baseline(Numerator(infection_type=("ntm",)))
    assert counted(ntm, cases) == ["i300"]
    assert counted(ntm, cases, without_contaminants=False) == ["i50"]


@pytest.mark.parametrize(
    ("numerator", "narrower"),
    [
        (Numerator(), False),
        (Numerator(infection_type=("bacterial",)), False),
        (Numerator(infection_type=("bacterial",), status=("disease", "infection")), False),
        (Numerator(infection_type=("bacterial",), status=("colonisation",)), False),
        (Numerator(infection_type=("bacterial",), status=("disease",)), True),
        (Numerator(infection_type=("bacterial",), site_class=("pulmonary",)), True),
        (Numerator(infection_type=("ntm",)), True),
        (Numerator(infection_type=("bacterial",), age_group=("18-39",)), False),
    ],
    ids=str,
)
def test_what_has_a_first_of_its_own(numerator, narrower):
    assert counts_first_matching(baseline(numerator)) is narrower
    assert not counts_first_matching(baseline(numerator, episodes="all"))
