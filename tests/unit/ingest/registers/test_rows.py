"""Rows of a register to what they say: REDCap's exports, tables, and their faults."""

from datetime import date
from pathlib import Path

import pytest

from service.errors import Conflict, Unreadable
from service.ingest.pseudonyms import Pseudonyms
from service.ingest.registers.mapping import read_mapping
from service.ingest.registers.rows import FaultyRow, Reader, SpokenRow, read_rows

EXAMPLES = Path(__file__).parents[4] / "docs" / "examples"
TODAY = date(2026, 1, 1)
NAMES = Pseudonyms("the simulated secret of a simulated network")
MAPPING = """
kind = "table"
name = "cases"
key = ["case"]
facility = { value = "ucd-01" }
patient = { column = "mrn", pseudonymise = true }
[file]
delimiter = "semicolon"
dates = "DD.MM.YYYY"
[[event]]
type = "infection"
when = { column = "proven", values = ["yes"] }
fields = { occurred_on = "on", organism = "germ", specimen = "from" }
[[event]]
type = "regimen"
[event.fields]
occurred_on = "drugs_on"
agents = { column = "drugs", separator = "/", values = { C = "CsA", F = "FK506", "-" = "none" } }
"""
HEADER = "case;mrn;proven;on;germ;from;drugs_on;drugs;name"


def read(*rows, mapping=MAPPING, header=HEADER, names=NAMES):
    content = "\n".join([header, *rows]).encode()
    return list(read_rows([content], Reader(read_mapping(mapping), names, TODAY)))


def example(name, names=NAMES):
    mapping = read_mapping((EXAMPLES / "redcap-mapping.toml").read_text())
    return list(read_rows([(EXAMPLES / name).read_bytes()], Reader(mapping, names, TODAY)))


def faults(*rows, **more):
    return [
        (fault.line, fault.column, fault.code)
        for row in read(*rows, **more)
        if isinstance(row, FaultyRow)
        for fault in row.faults
    ]


def test_repeating_instruments_and_events_of_redcap_become_events_of_a_patient():
    rows = example("redcap-raw.csv")
    assert all(isinstance(row, SpokenRow) for row in rows)
    first = {row.patient for row in rows}
    assert len(first) == 3
    said = [(row.line, body["type"], body["occurred_on"]) for row in rows for body in row.bodies]
    assert said[:3] == [
        (2, "transplant", "2022-01-10"),
        (4, "infection", "2022-03-02"),
        (5, "infection", "2022-04-20"),
    ]
    assert [body.get("agents") for row in rows for body in row.bodies if "agents" in body] == [
        ["ciclosporin", "mycophenolate"],
        ["tacrolimus"],
        ["tacrolimus", "mycophenolate"],
        [],
    ]


def test_the_label_export_says_the_same_as_the_raw_one():
    def said(rows):
        return [(row.source, row.patient, row.bodies) for row in rows]

    assert said(example("redcap-labels.csv")) == said(example("redcap-raw.csv"))


def test_nothing_of_a_person_is_left_but_pseudonyms_and_mapped_fields():
    shown = repr(example("redcap-raw.csv"))
    assert "Simulated" not in shown
    assert "1970-05-17" not in shown  # the year is
    assert "'101'" not in shown
    assert {row.patient for row in example("redcap-raw.csv", Pseudonyms("y" * 32))}.isdisjoint(
        {row.patient for row in example("redcap-raw.csv")}
    )


def test_a_number_is_the_patient_that_hl7_and_fhir_know_under_it():
    (row,) = read("1;007;yes;1.3.2022;E. coli;urine;;;A")
    assert row.patient == NAMES.of_patient("ucd-01", "007")


def test_a_row_may_tell_of_several_events_or_of_none():
    one, other, none = read(
        "1;7;yes;01.03.2022;E. coli;urine;02.03.2022;C/F;A",
        "2;7;no;01.03.2022;E. coli;urine;02.03.2022;-;A",
        "3;7;no;01.03.2022;E. coli;urine;;;A",
    )
    assert [body["type"] for body in one.bodies] == ["infection", "regimen"]
    assert other.bodies == ({"type": "regimen", "occurred_on": "2022-03-02", "agents": []},)
    assert none.bodies == ()


def test_every_fault_is_told_with_line_and_column_and_no_value():
    assert faults(
        "1;7;yes;2022-03-01;E. colli;nowhere;02.03.2022;X;Doe",
        "2;;yes;01.03.2022;E. coli;urine;;;Doe",
        ";7;yes;01.03.2199;E. coli;urine;;;Doe",
        "4;1,23E+11;yes;44621;E. coli;urine;;;Doe",
        "5;7;yes;01.03.2022;E. coli;urine;;;Doe;more",
        '6;7;yes;"01.03.2022"x;E. coli;urine;;;Doe',
    ) == [
        (2, "on", "not_a_date"),
        (2, "drugs", "unmapped_value"),
        (3, "mrn", "missing_field"),
        (4, "on", "future_date"),
        (4, "case", "missing_field"),
        (5, "mrn", "rounded_number"),
        (5, "on", "not_a_date"),
        (6, "", "malformed_csv"),
        (7, "", "malformed_csv"),
    ]
    row = "1;7;yes;Jane;Jane;Jane;Jane;Jane;Jane"
    (faulty,) = read(row)
    assert "Jane" not in repr(faulty)


def test_two_rows_of_one_name_are_a_fault_and_not_a_correction():
    row = "1;7;yes;01.03.2022;E. coli;urine;;;A"
    assert faults(row, row) == [(3, "case", "duplicate_row")]


def test_a_row_cut_off_at_the_end_is_a_fault_but_a_short_one_is_the_spreadsheets_habit():
    short = "1;7;yes;01.03.2022;E. coli;urine"
    assert faults(short, "2;7;no;;;;;;") == []
    assert faults(short) == [(2, "", "malformed_csv")]


def test_a_patients_number_stays_as_it_is_only_where_the_mapping_says_it_is_a_pseudonym():
    mapping = MAPPING.replace("pseudonymise = true", "pseudonymise = false")
    (row,) = read("1;p-7;no;;;;;;A", mapping=mapping, names=None)
    assert row.patient == "p-7"
    found = faults("1;Jane Doe;no;;;;;;A", mapping=mapping, names=None)
    assert found == [(2, "mrn", "malformed_identifier")]


def test_without_the_key_nothing_is_read_that_is_to_be_hashed():
    with pytest.raises(Conflict) as refused:
        read("1;7;no;;;;;;A", names=None)
    assert refused.value.code == "no_pseudonym_key"


def test_a_header_that_does_not_fit_is_told_whole_and_not_quoted():
    with pytest.raises(Unreadable) as refused:
        read("1;7", header="case;mrn;case;Jane Doe")
    told = {detail.pointer: detail.code for detail in refused.value.details}
    assert told["case"] == "duplicate_column"
    assert told["germ"] == "missing_column"
    assert len(told) == 7
    assert "Jane" not in repr(refused.value.details)


def test_a_file_without_a_line_is_told_to_be_empty():
    with pytest.raises(Unreadable) as refused:
        list(read_rows([], Reader(read_mapping(MAPPING), NAMES, TODAY)))
    assert refused.value.code == "empty"
