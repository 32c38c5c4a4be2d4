"""Bytes to records: what hospitals' and spreadsheets' files look like."""

import doctest

import pytest

from service.errors import Unreadable
from service.ingest.registers import dates, records
from service.ingest.registers.dates import iso_date
from service.ingest.registers.records import MOST_BYTES, RecordSplitter


def split(content, encoding="utf-8", delimiter=",", size=None):
    splitter = RecordSplitter(encoding, delimiter)
    size = size or len(content) or 1
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    found = [record for piece in pieces for record in splitter.feed(piece)]
    return [*found, *splitter.finish()]


@pytest.mark.parametrize("module", [dates, records])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_cell_may_hold_lines_and_the_next_record_knows_where_it_begins(size):
    content = b'a,b\r\n1,"two\r\nlines"\r\n2,"say ""x"""\r\n'
    found = split(content, size=size)
    assert [record.line for record in found] == [1, 2, 4]
    assert found[1].cells == ("1", "two\r\nlines")
    assert found[2].cells == ("2", 'say "x"')


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b"\xef\xbb\xbfa,b", ("a", "b")),
        (b"sep=,\r\na,b", ("a", "b")),
        (b'="007", b ', ("007", "b")),
        (b",,\r\na,b\r\n,,\r\n", ("a", "b")),
        ("a,é".encode(), ("a", "é")),
    ],
)
def test_what_spreadsheets_put_around_the_content_is_taken_off(content, cells):
    assert [record.cells for record in split(content)] == [cells]


def test_latin_1_is_read_where_it_is_declared_and_is_no_utf_8():
    content = "a;Köln".encode("latin-1")
    assert split(content, "latin-1", ";")[0].cells == ("a", "Köln")
    assert "\udcf6" in split(content, "utf-8", ";")[0].cells[1]


def test_utf_16_is_named_as_such():
    with pytest.raises(Unreadable, match="UTF-16"):
        split("a,b\n".encode("utf-16"))


def test_a_quote_that_is_never_closed_spoils_its_own_line_only():
    rows = [b"%d,x" % number for number in range(3, 2 * MOST_BYTES // 6)]
    found = split(b'a,b\n1,"open\n' + b"\n".join(rows), size=4096)
    assert found[1] == (2, None)
    assert [record.cells[0] for record in found[2:]] == [
        row.split(b",")[0].decode() for row in rows
    ]
    assert [record.line for record in found[2:]] == list(range(3, len(rows) + 3))


def test_at_the_end_too():
    assert split(b'a,b\n1,"open\n2,x') == [(1, ("a", "b")), (2, None), (3, ("2", "x"))]


def test_a_line_without_end_is_refused_before_it_fills_the_memory():
    with pytest.raises(Unreadable) as refused:
        split(b"x" * (MOST_BYTES + 1))
    assert refused.value.code == "line_too_long"


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        ("2024-03-01", "YYYY-MM-DD", "2024-03-01"),
        ("2024-03-01 00:00:00", "YYYY-MM-DD", "2024-03-01"),
        ("3/1/2024 9:05 PM", "MM/DD/YYYY", "2024-03-01"),
        ("01.03.2024", "DD.MM.YYYY", "2024-03-01"),
        ("1-Mar-2024", "DD-MMM-YYYY", "2024-03-01"),
        ("20240301", "YYYYMMDD", "2024-03-01"),
        ("2024031", "YYYYMMDD", None),
        ("29/02/2023", "DD/MM/YYYY", None),
        ("01/03/24", "DD/MM/YYYY", None),
        ("2024-03", "YYYY-MM-DD", None),
        ("unknown", "YYYY-MM-DD", None),
    ],
)
def test_a_date_is_read_in_the_declared_format_and_no_other(text, declared, expected):
    assert iso_date(text, declared) == expected
