"""HL7 v2 syntax, beside two other parsers and under random bytes."""

import doctest

import hl7
import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Unreadable
from service.ingest.hl7 import people, syntax
from service.ingest.hl7.syntax import read_parcel

HEAD = "MSH|^~\\&|LAB|ucd-01|GW|GW|20240301083000||ORU^R01|17|P|2.5.1"
words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="|^~\\&"), max_size=8
)


@pytest.mark.parametrize("module", [syntax, people])
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0


field = st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=3)


@given(st.lists(st.lists(field, max_size=6), max_size=4))
def test_fields_are_those_that_two_other_parsers_find(segments):
    lines = [
        "ZXX|" + "|".join("~".join("^".join(rep) for rep in field) for field in fields)
        for fields in segments
    ]
    text = "\r".join([HEAD, *lines]) + "\r"
    (message,) = read_parcel(text.encode()).messages
    theirs = hl7.parse(text)
    other = parse_message(text, find_groups=False, validation_level=2)
    assert len(message.segments) == len(theirs) == len(other.children)
    for ours, one, two, fields in zip(
        message.segments, theirs, other.children, [None, *segments], strict=True
    ):
        assert ours.name == str(one[0]) == two.name
        if fields is None:
            continue
        for place, field in enumerate(fields, start=1):
            if not any(any(parts) for parts in field):
                continue
            found = [part.text for part in ours.parts(place)]
            assert found == ["^".join(rep) for rep in field]
            assert "~".join(found) == str(one[place])


@given(st.binary(max_size=400))
def test_no_bytes_do_more_than_be_refused(noise):
    for body in (noise, HEAD.encode() + b"\r" + noise, b"MSH" + noise):
        try:
            parcel = read_parcel(body)
        except Unreadable:
            continue
        for message in parcel.messages:
            for segment in message.segments:
                for number in range(len(segment.fields) + 2):
                    segment.text(number or 1, 2, 2)


def test_the_delimiters_are_those_the_message_names():
    body = b"MSH$*%!@$LAB$F1$$$20240301$$ORU*R01$17$P$2.3\rPID$$$12!S!3*A%45*B\r"
    (message,) = read_parcel(body).messages
    (first, second) = message.segments[1].parts(3)
    assert (first.component(1), second.component(1), second.component(2)) == ("12*3", "45", "B")


@pytest.mark.parametrize(
    ("declared", "encoding", "transport"),
    [
        ("8859/1", "iso-8859-1", ""),
        ("UNICODE UTF-8", "utf-8", ""),
        ("", "iso-8859-1", ""),
        ("", "utf-8", ""),
        ("8859/1", "utf-8", "utf-8"),
    ],
)
def test_letters_are_read_in_the_charset_of_the_message(declared, encoding, transport):
    text = f"{HEAD}|||||||{declared}\rOBX|1|ST|X^Cultivo||año\r"
    (message,) = read_parcel(text.encode(encoding), transport).messages
    assert message.segments[1].text(5) == "año"


@pytest.mark.parametrize("charset", ["utf-8", "no-such"])
def test_a_charset_that_does_not_fit_is_told(charset):
    with pytest.raises(Unreadable):
        read_parcel(f"{HEAD}\rOBX|1|ST|X||a".encode() + b"\xf1o\r", charset)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize(("before", "after"), [("", ""), ("\x0b", "\x1c\r")])
def test_segments_end_however_the_sender_ends_them(end, before, after):
    text = before + end.join([HEAD, "PID|||1", "OBR|1"]) + end + after
    (message,) = read_parcel(text.encode()).messages
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "OBR"]


def test_a_batch_holds_its_messages():
    body = "\r".join(["FHS|^~\\&", "BHS|^~\\&", HEAD, "PID|||1", HEAD, "PID|||2", "BTS|2", "FTS|1"])
    parcel = read_parcel(body.encode())
    assert parcel.is_batch
    assert [message.segments[1].text(3) for message in parcel.messages] == ["1", "2"]


@pytest.mark.parametrize("body", [b"", b"PID|||1", b"MSH", b"MSH|||||", b"MSHa^~\\&a", b"{}"])
def test_what_is_no_message_is_refused(body):
    with pytest.raises(Unreadable):
        read_parcel(body)
