"""The mapping file to DHIS2: every fault with its place, and the periods as DHIS2 names them."""

import re
from datetime import date
from pathlib import Path

import pytest

from service.api.dhis2_mapping import read_dhis2_mapping
from service.api.dhis2_values import PERIOD_NAMES
from service.ingest.toml_tables import BadMapping

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = (DOCS / "examples" / "dhis2-mapping.toml").read_text()


def faults(text):
    with pytest.raises(BadMapping) as refused:
        read_dhis2_mapping(text)
    return {(detail.pointer, detail.code) for detail in refused.value.details}


def test_the_documentation_shows_the_example():
    shown = re.findall(r"```toml\n(.*?)```", (DOCS / "dhis2.md").read_text(), re.DOTALL)
    assert [read_dhis2_mapping(text) for text in shown] == [read_dhis2_mapping(EXAMPLE)]


def test_a_figure_asks_as_the_rates_do():
    first, second = read_dhis2_mapping(EXAMPLE).figure
    asked = first.definition(1, 2, ("northside",))
    assert asked.filters == {"infection_type": ("ntm",), "facility": ("northside",)}
    assert (asked.episodes, asked.person_time, asked.by) == ("first", "at_risk", ("facility",))
    assert second.definition(1, 2, None).person_time == "follow_up"


@pytest.mark.parametrize(
    ("was", "becomes", "place", "code"),
    [
        ('period = "month"', 'period = "fortnight"', "period", "not_allowed"),
        ('cases = "cAsEsNtm001"', 'case = "cAsEsNtm001"', "figure[1].case", "unknown_name"),
        ('"ntm"', '"ntn"', "figure[1].filters", "unknown_value"),
        ('infection_type = "ntm"', 'facility = "x"', "figure[1].filters", "unknown_name"),
        ('episodes = "all"', 'episodes = "all"\nperson_time = "at_risk"', "figure[2]", "bad_query"),
        ("dAySfUp0001", "dAySatRisk1", "", "told_twice"),
        ("DiszpKrYNg8", "OU_559", "", "not_a_uid"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(was, becomes, place, code):
    assert (place, code) in faults(EXAMPLE.replace(was, becomes))


def test_codes_may_be_anything():
    text = EXAMPLE.replace('"uid"', '"code"').replace("DiszpKrYNg8", "OU_559")
    assert read_dhis2_mapping(text).org_units == {"northside": "OU_559"}


@pytest.mark.parametrize(
    ("interval", "first", "name"),
    [
        ("day", date(2004, 3, 15), "20040315"),
        ("week", date(2004, 3, 1), "2004W10"),
        ("week", date(2024, 12, 30), "2025W1"),
        ("month", date(2004, 3, 1), "200403"),
        ("quarter", date(2004, 1, 1), "2004Q1"),
        ("quarter", date(2004, 10, 1), "2004Q4"),
        ("year", date(2004, 1, 1), "2004"),
    ],
)
def test_periods_are_named_as_dhis2_names_them(interval, first, name):
    """DHIS2, Developer guide, "Date and period format"."""
    assert PERIOD_NAMES[interval](first) == name
