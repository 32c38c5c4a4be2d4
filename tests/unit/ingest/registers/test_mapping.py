"""The mapping file: every fault is told at once, with its place."""

import re
from pathlib import Path

import pytest

from service.ingest.registers.mapping import read_mapping
from service.ingest.toml_tables import BadMapping

HEAD = """
kind = "table"
name = "r"
key = ["case"]
facility = { value = "ucd-01" }
patient = { column = "mrn", pseudonymise = true }
"""
EVENT = """
[[event]]
type = "outcome"
fields = { occurred_on = "died", outcome = { value = "death" } }
"""


DOCS = Path(__file__).parents[4] / "docs"


def test_what_the_documentation_shows_can_be_read():
    shown = re.findall(r"```toml\n(.*?)```", (DOCS / "imports.md").read_text(), re.DOTALL)
    files = [(DOCS / "examples" / "redcap-mapping.toml").read_text()]
    assert [read_mapping(text).kind for text in shown + files] == ["table", "redcap"]


def faults(text):
    with pytest.raises(BadMapping) as refused:
        read_mapping(text)
    return {detail.pointer: detail.code for detail in refused.value.details}


def test_a_column_is_told_by_its_name_alone_or_by_the_names_it_may_have():
    mapping = read_mapping(HEAD + EVENT.replace('"died"', '["died", "Died on"]'))
    assert mapping.event[0].fields["occurred_on"].column == ["died", "Died on"]
    assert mapping.patient.column == ["mrn"]
    assert mapping.file.dates == "YYYY-MM-DD"


def test_all_faults_are_told_with_their_places():
    text = """
colour = "red"
kind = "redcap"
name = "r"
facility = { value = "x", column = "y" }
patient = { value = "x", pseudonymise = true }
[file]
dates = "YY-MM-DD"
encoding = "utf-16"
[[event]]
type = "transplants"
fields = { occurred_on = "a" }
[[event]]
type = "infection"
fields = { occurred_on = "a", agents = [] }
"""
    assert faults(text) == {
        "colour": "unknown_name",
        "facility": "one_source",
        "patient": "missing_field",
        "file.dates": "not_a_format",
        "file.encoding": "not_allowed",
        "event[1].type": "not_allowed",
        "event[2].fields.agents.column": "not_allowed",
    }


def test_the_fields_of_an_event_are_those_of_our_own_columns():
    with pytest.raises(BadMapping) as refused:
        read_mapping(HEAD + '[[event]]\ntype = "infection"\nfields = { organsm = "o" }')
    (detail,) = refused.value.details
    assert detail.pointer == "event[1]"
    assert "did you mean `organism`" in detail.message
    assert "`occurred_on` is required" in detail.message


def test_a_list_of_columns_is_for_agents_only():
    text = EVENT.replace('{ value = "death" }', '{ columns = ["a", "b"] }')
    assert faults(HEAD + text) == {"event[1]": "fields"}


def test_a_table_names_its_rows_and_redcap_does_not():
    assert faults(HEAD.replace('key = ["case"]', "") + EVENT) == {"": "missing_field"}
    assert faults(HEAD.replace('"table"', '"redcap"') + EVENT) == {"": "not_allowed"}


def test_what_is_no_toml_is_told_by_line():
    with pytest.raises(BadMapping, match="line 2"):
        read_mapping("kind = 'table'\nkey\n")
