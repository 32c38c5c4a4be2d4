import doctest
from dataclasses import replace

import pytest

from service.reference import INFECTION_TYPES, case_definitions
from service.reference.case_definitions import CaseDefinitions, shipped_case_definitions


def test_the_worked_examples_hold():
    assert doctest.testmod(case_definitions).failed == 0


@pytest.mark.parametrize(
    ("infection_type", "organism_group", "expected"),
    [
        ("bacterial", "Escherichia", (14, "fixed", "site")),
        ("bacterial", "Clostridioides difficile", (56, "fixed", "organism_group")),
        ("viral", "Cytomegalovirus", (60, "rolling", "organism_group")),
        ("fungal", "Aspergillus", (90, "rolling", "organism_group")),
        ("parasitic", None, (60, "rolling", "organism_group")),
        ("ntm", "Mycobacterium abscessus complex", (365, "rolling", "organism_group")),
        ("tuberculosis", None, (365, "rolling", "organism_group")),
        ("unknown", "unknown", (14, "fixed", "site")),
    ],
)
def test_the_defaults_are_those_of_the_methods_page(infection_type, organism_group, expected):
    row = shipped_case_definitions().for_record(infection_type, organism_group)
    assert (row.repeat_days, row.repeat_rule, row.same_episode_by) == expected
    assert row.source


def test_every_infection_type_has_a_definition_of_its_own_type():
    for infection_type in INFECTION_TYPES:
        row = shipped_case_definitions().for_record(infection_type, "no such group")
        assert (row.infection_type, row.organism_group) == (infection_type, None)


def test_the_fingerprint_follows_the_content_and_not_the_order():
    shipped = shipped_case_definitions()
    backwards = CaseDefinitions(shipped.rows[::-1])
    assert backwards.fingerprint == shipped.fingerprint
    longer = shipped.replaced_by([replace(shipped.rows[0], repeat_days=21)])
    assert longer.fingerprint != shipped.fingerprint
    assert longer.for_record("bacterial", None).repeat_days == 21


def test_definitions_that_leave_a_type_out_or_name_it_twice_are_refused():
    rows = shipped_case_definitions().rows
    with pytest.raises(ValueError, match="bacterial"):
        CaseDefinitions(rows[1:])
    with pytest.raises(ValueError, match="two case definitions"):
        CaseDefinitions((*rows, rows[0]))
    with pytest.raises(ValueError, match="at least 1"):
        shipped_case_definitions().replaced_by([replace(rows[0], repeat_days=0)])
