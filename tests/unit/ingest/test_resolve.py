"""What a hospital writes, and what the house then knows of the patient."""

from datetime import date
from typing import Any

import pytest

from service.domain.events import (
    Demographics,
    Finding,
    FollowUpVisit,
    Infection,
    Medication,
    Outcome,
    Product,
    Regimen,
    Transplant,
    Void,
)
from service.ingest.faults import Draft
from tests.unit.ingest.charts import Chart, Read

WHO: Any = {"facility": "ucd-01", "patient": "p0001"}


def accepted(read: Read, item: object) -> Draft:
    draft = read(item)
    assert isinstance(draft, Draft), draft
    return draft


def codes(draft: Draft) -> list[tuple[str, str]]:
    return [(warning.pointer, warning.code) for warning in draft.warnings]


def test_a_transplant(chart: Chart, read: Read) -> None:
    draft = accepted(read, chart["transplant"])

    assert draft.event == Transplant(
        **WHO,
        event_id="t1",
        occurred_on=date(2022, 3, 1),
        transplant_type="allo_hsct",
        indication="AML",
        age_years=44,
        sex="female",
        enrolled_on=date(2022, 3, 10),
        performed_at="Clinic A",
        performed_in="MX",
        product=Product(kind="embryonic stem cells", lot="L-17", supplier="S"),
    )
    assert draft.warnings == ()


def test_a_transplant_of_which_only_the_type_is_known(chart: Chart, read: Read) -> None:
    bare = {
        key: chart["transplant"][key]
        for key in ("type", "event_id", "facility", "patient", "occurred_on", "transplant_type")
    }

    event = accepted(read, bare).event

    assert isinstance(event, Transplant)
    assert (event.indication, event.sex, event.product) == ("unknown", "unknown", Product())


def test_a_regimen_is_the_sorted_names_of_its_agents(chart: Chart, read: Read) -> None:
    event = accepted(read, chart["regimen"]).event

    assert event == Regimen(
        **WHO,
        event_id="r1",
        occurred_on=date(2022, 3, 1),
        agents=("ciclosporin", "mycophenolic acid"),
    )


def test_an_agent_named_twice_is_kept_once(chart: Chart, read: Read) -> None:
    draft = accepted(read, chart["regimen"] | {"agents": ["FK506", "CsA", "Prograf"]})

    assert isinstance(draft.event, Regimen)
    assert draft.event.agents == ("ciclosporin", "tacrolimus")
    assert codes(draft) == [("/agents/2", "duplicate_agent")]


def test_a_medication_by_its_brand(chart: Chart, read: Read) -> None:
    assert accepted(read, chart["medication"]).event == Medication(
        **WHO,
        event_id="m1",
        occurred_on=date(2022, 4, 1),
        agent="sirolimus",
        ended_on=date(2022, 12, 31),
    )


def test_what_is_known_of_the_person_is_never_long_ago(chart: Chart, read: Read) -> None:
    draft = accepted(read, chart["demographics"] | {"occurred_on": "1978-01-01"})

    assert draft.event == Demographics(
        **WHO, event_id="d1", occurred_on=date(1978, 1, 1), birth_year=1978, sex="female"
    )
    assert draft.warnings == ()


def test_an_infection(chart: Chart, read: Read) -> None:
    assert accepted(read, chart["infection"]).event == Infection(
        **WHO,
        event_id="i1",
        occurred_on=date(2022, 5, 1),
        finding=Finding(
            infection_type="ntm",
            organism="Mycobacterium abscessus",
            organism_group="Mycobacterium abscessus complex",
            site="cns",
            site_class="extrapulmonary",
            specimen="csf",
            status="disease",
            certainty="probable",
        ),
    )


def test_a_visit(chart: Chart, read: Read) -> None:
    assert accepted(read, chart["follow_up"]).event == FollowUpVisit(
        **WHO,
        event_id="v1",
        occurred_on=date(2022, 6, 1),
        agents=("tacrolimus",),
        findings=(
            Finding(
                infection_type="bacterial",
                site="blood",
                site_class="extrapulmonary",
                specimen="blood",
            ),
        ),
    )


def test_a_visit_that_says_nothing_of_the_regimen_is_not_one_without_agents(
    chart: Chart, read: Read
) -> None:
    visit = {k: v for k, v in chart["follow_up"].items() if k not in ("agents", "infections")}

    silent, none = accepted(read, visit).event, accepted(read, visit | {"agents": []}).event

    assert isinstance(silent, FollowUpVisit)
    assert isinstance(none, FollowUpVisit)
    assert (silent.agents, none.agents) == (None, ())


def test_an_outcome(chart: Chart, read: Read) -> None:
    assert accepted(read, chart["outcome"]).event == Outcome(
        **WHO, event_id="o1", occurred_on=date(2023, 1, 2), outcome="death"
    )


def test_a_void(chart: Chart, read: Read) -> None:
    assert accepted(read, chart["void"]).event == Void(
        **WHO, event_id="x1", occurred_on=date(2023, 1, 3), voids="i1", reason="wrong patient"
    )


@pytest.mark.parametrize("kind", ["transplant", "regimen", "infection", "follow_up", "outcome"])
def test_any_event_may_correct_an_earlier_one(kind: str, chart: Chart, read: Read) -> None:
    assert accepted(read, chart[kind] | {"replaces": "zero"}).event.replaces == "zero"


@pytest.mark.parametrize(
    ("stated", "organism", "counted", "warned"),
    [
        (None, "M. abscessus", "ntm", []),
        ("ntm", "M. abscessus", "ntm", []),
        ("bacterial", "M. abscessus", "ntm", ["infection_type_overridden"]),
        ("ntm", "Mycobacterium tuberculosis", "tuberculosis", ["infection_type_overridden"]),
        ("ntm", "Nocardia abscessus", "bacterial", ["infection_type_overridden"]),
        ("unknown", "M. abscessus", "ntm", []),
        (None, "AFB", "unknown", ["organism_pending"]),
        ("tuberculosis", "AFB", "tuberculosis", ["organism_pending"]),
        ("ntm", "AFB", "unknown", ["infection_type_overridden", "organism_pending"]),
        ("viral", None, "viral", []),
        ("ntm", "M. gordonae", "ntm", ["usual_contaminant"]),
    ],
)
def test_the_organism_decides_the_infection_type(
    stated: str | None,
    organism: str | None,
    counted: str,
    warned: list[str],
    chart: Chart,
    read: Read,
) -> None:
    draft = accepted(read, chart["infection"] | {"infection_type": stated, "organism": organism})

    assert isinstance(draft.event, Infection)
    assert draft.event.finding.infection_type == counted
    assert draft.event.finding.pending == (organism == "AFB")
    assert [warning.code for warning in draft.warnings] == warned


@pytest.mark.parametrize(
    ("site", "specimen", "kept", "warned"),
    [
        ("lung", None, ("lung", "pulmonary", None), False),
        (None, "sputum", ("lung", "pulmonary", "sputum"), False),
        ("sputum", None, ("lung", "pulmonary", "sputum"), False),
        ("lung", "sputum", ("lung", "pulmonary", "sputum"), False),
        ("lung", "blood", ("lung", "pulmonary", "blood"), True),
        ("lung", "tissue", ("lung", "pulmonary", "tissue"), False),
        ("unknown", "CSF", ("cns", "extrapulmonary", "csf"), False),
        ("gastrointestinal", "stool", ("gastrointestinal", "extrapulmonary", "stool"), False),
        (None, None, ("unknown", "unknown", None), False),
    ],
)
def test_the_site_wins_over_the_specimen(
    site: str | None,
    specimen: str | None,
    kept: tuple[str, str, str | None],
    warned: bool,
    chart: Chart,
    read: Read,
) -> None:
    draft = accepted(read, chart["infection"] | {"site": site, "specimen": specimen})

    assert isinstance(draft.event, Infection)
    finding = draft.event.finding
    assert (finding.site, finding.site_class, finding.specimen) == kept
    assert codes(draft) == ([("/specimen", "site_overrides_specimen")] if warned else [])


def test_a_warning_on_a_visit_says_which_infection(chart: Chart, read: Read) -> None:
    findings = [{"infection_type": "viral"}, {"organism": "AFB"}]

    draft = accepted(read, chart["follow_up"] | {"infections": findings})

    assert codes(draft) == [("/infections/1/organism", "organism_pending")]


@pytest.mark.parametrize(
    ("age", "warned"),
    [
        ({"age_years": 100}, []),
        ({"age_years": 101}, ["/age_years"]),
        ({"age_years": None, "birth_year": 1922}, []),
        ({"age_years": None, "birth_year": 1921}, ["/birth_year"]),
        ({"age_years": 44, "birth_year": 1901}, []),
    ],
)
def test_an_implausible_age_is_remarked_on(
    age: dict[str, int | None], warned: list[str], chart: Chart, read: Read
) -> None:
    draft = accepted(read, chart["transplant"] | age)

    assert codes(draft) == [(pointer, "implausible_age") for pointer in warned]


@pytest.mark.parametrize(
    ("day", "is_long_ago"),
    [("2016-11-22", False), ("2016-11-21", True), ("2016-12-01", False), ("1999-01-01", True)],
)
def test_a_date_more_than_ten_years_back_is_remarked_on(
    day: str, is_long_ago: bool, chart: Chart, read: Read
) -> None:
    draft = accepted(read, chart["outcome"] | {"occurred_on": day})

    assert codes(draft) == ([("/occurred_on", "long_ago")] if is_long_ago else [])


def test_free_text_is_trimmed_and_empty_text_says_nothing(chart: Chart, read: Read) -> None:
    texts = {"indication": "  ", "performed_at": " Clinic A ", "product": {"lot": " L-17"}}

    event = accepted(read, chart["transplant"] | texts).event

    assert isinstance(event, Transplant)
    assert (event.indication, event.performed_at, event.product) == (
        "unknown",
        "Clinic A",
        Product(lot="L-17"),
    )


@pytest.mark.parametrize("character", ["\u2028", "\u0085", "é", "結", "🧫"])
def test_free_text_takes_any_script(character: str, chart: Chart, read: Read) -> None:
    reason = f"wrong{character}patient"

    event = accepted(read, chart["void"] | {"reason": reason}).event

    assert isinstance(event, Void)
    assert event.reason == reason


def test_a_null_says_nothing_and_key_order_neither(chart: Chart, read: Read) -> None:
    plain = accepted(read, chart["infection"])
    other = dict(reversed(chart["infection"].items())) | {"replaces": None, "site": None}

    assert accepted(read, other).received == plain.received
    assert '"organism":"M. abscessus"' in plain.received, "the words as sent are kept"
