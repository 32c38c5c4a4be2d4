"""The syntax of HL7 v2: bytes to messages, segments, fields and their parts.

In:     a body: one message or a batch, with or without MLLP's framing.
Out:    `Message`s; `Unreadable` where there is none.
Source: HL7 v2.5.1, chapter 2: delimiters (2.5.4), escapes (2.7), batches (2.10.3), MSH-18 charsets.

Lengths are bounded by the body's; every character is looked at a fixed number of times.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from service.errors import Unreadable

SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
ENVELOPE = frozenset({"FHS", "BHS", "BTS", "FTS"})
CHARSETS = {
    "": "",
    "ASCII": "",
    "8859/1": "iso-8859-1",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE": "utf-8",
}
"""HL7 table 0211, as far as it is read; who says ASCII or nothing is taken at the bytes."""
FRAMING = "\x0b\x1c\r\n\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")
_HEXADECIMAL = re.compile(r"X(?:[0-9A-Fa-f]{2})+")


class Delimiters(NamedTuple):
    """The characters that MSH-1 and MSH-2 choose."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True)
class Part:
    """One repetition of a field: its components, each with subcomponents."""

    text: str
    delimiters: Delimiters

    def component(self, number: int, subcomponent: int = 1) -> str:
        """A component's subcomponent, from 1, unescaped and without the blanks around it."""
        components = self.text.split(self.delimiters.component) if self.text else []
        if number > len(components):
            return ""
        parts = components[number - 1].split(self.delimiters.subcomponent)
        if subcomponent > len(parts):
            return ""
        return unescaped(parts[subcomponent - 1], self.delimiters).strip()

    @property
    def whole(self) -> str:
        """All of it as text."""
        return unescaped(self.text, self.delimiters).strip()


@dataclass(frozen=True, slots=True)
class Segment:
    """A named line of fields."""

    name: str
    fields: tuple[str, ...]
    delimiters: Delimiters

    def parts(self, number: int) -> tuple[Part, ...]:
        """The repetitions of a field, from 1; none where it is empty."""
        text = self.fields[number - 1] if number <= len(self.fields) else ""
        if not text or text == '""':
            return ()
        return tuple(Part(one, self.delimiters) for one in text.split(self.delimiters.repetition))

    def part(self, number: int) -> Part:
        """The first repetition of a field."""
        return next(iter(self.parts(number)), Part("", self.delimiters))

    def text(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """A part of the first repetition of a field."""
        return self.part(number).component(component, subcomponent)


@dataclass(frozen=True, slots=True)
class Message:
    """The segments of one message; the first is its MSH."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """The MSH segment."""
        return self.segments[0]

    @property
    def kind(self) -> tuple[str, str]:
        """Message code and trigger event, like `("ORU", "R01")`."""
        return self.header.text(9, 1).upper(), self.header.text(9, 2).upper()

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((one for one in self.segments if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Parcel:
    """The messages of a body, in order, and whether they came in a batch."""

    messages: tuple[Message, ...]
    is_batch: bool


def read_parcel(body: bytes, charset: str = "") -> Parcel:
    """Split a body; `charset` is that of the HTTP header and wins over MSH-18."""
    text = decoded(body, charset).strip(FRAMING)
    lines = [line.strip("\x0b\x1c") for line in _LINE_END.split(text)]
    lines = [line for line in lines if line.strip()]
    if not lines or lines[0][:3] not in ENVELOPE | {"MSH"}:
        message = "An HL7 v2 message begins with MSH, a batch with FHS or BHS."
        raise Unreadable(message, code="no_msh")
    return Parcel(tuple(_messages(lines)), is_batch=lines[0][:3] in ENVELOPE)


def decoded(body: bytes, charset: str = "") -> str:
    """The body as text, by the charset of the transport, MSH-18, or what its bytes are."""
    declared = charset or CHARSETS.get(_charset_of(body), "?")
    if declared == "?":
        raise Unreadable(
            "The character set of MSH-18 is not read: send UNICODE UTF-8, 8859/1 or ASCII.",
            code="unknown_charset",
        )
    try:
        return body.decode(declared or "utf-8")
    except LookupError:
        message = "The charset of the Content-Type is not known: send utf-8 or iso-8859-1."
        raise Unreadable(message, code="unknown_charset") from None
    except UnicodeDecodeError:
        if declared:
            message = "The body does not hold the characters that its charset says."
            raise Unreadable(message, code="wrong_charset") from None
        return body.decode("iso-8859-1")


def unescaped(text: str, delimiters: Delimiters) -> str:
    r"""The text that escapes stand for; formatting becomes a blank, what is unknown goes.

    >>> unescaped(r"A\T\B \X41\ line\.br\next \H\bold\N\ ", Delimiters())
    'A&B A line next bold '
    """
    if delimiters.escape not in text:
        return text
    pieces = text.split(delimiters.escape)
    found = [pieces[0]]
    place = 1
    while place < len(pieces):
        if place + 1 == len(pieces):  # an escape that is never ended is text
            found.append(delimiters.escape + pieces[place])
            break
        found += [_meaning(pieces[place], delimiters), pieces[place + 1]]
        place += 2
    return "".join(found)


def _meaning(sequence: str, delimiters: Delimiters) -> str:
    meanings = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
    }
    if sequence in meanings:
        return meanings[sequence]
    if _HEXADECIMAL.fullmatch(sequence):
        return bytes.fromhex(sequence[1:]).decode("utf-8", "replace")
    return " " if sequence.startswith(".") else ""


def _charset_of(body: bytes) -> str:
    """MSH-18 of the first message, read byte by byte."""
    begins = body.find(b"MSH")
    if begins < 0 or begins + 4 > len(body) or body[begins + 3] in b"\r\n":
        return ""
    line = re.split(rb"[\r\n]", body[begins:], maxsplit=1)[0]
    fields = line.split(line[3:4])
    found = fields[17] if len(fields) > 17 else b""
    return re.split(rb"[~^]", found)[0].decode("ascii", "replace").strip().upper()


def _messages(lines: list[str]) -> Iterator[Message]:
    segments: list[Segment] = []
    delimiters = Delimiters()
    for line in lines:
        name = line[:3]
        if name == "MSH" and segments:
            yield Message(tuple(segments))
            segments = []
        if name == "MSH":
            delimiters = _delimiters(line)
        if name in ENVELOPE or not SEGMENT.fullmatch(name):
            continue
        if name != "MSH" and not segments:
            raise Unreadable("A segment stands before any MSH.", code="no_msh")
        segments.append(_segment(line, delimiters))
    if segments:
        yield Message(tuple(segments))


def _delimiters(line: str) -> Delimiters:
    field, chosen = line[3:4], line[4:].split(line[3:4] or "|")[0]
    if not chosen:
        raise _no_delimiters()
    given = [field, *chosen[:4]]
    found = Delimiters(*given, *Delimiters()[len(given) :])
    if len(set(found)) < len(found) or any(one.isalnum() for one in found):
        raise _no_delimiters()
    return found


def _no_delimiters() -> Unreadable:
    message = "MSH-1 and MSH-2 must name five different signs as delimiters, like |^~\\&."
    return Unreadable(message, code="no_delimiters")


def _segment(line: str, delimiters: Delimiters) -> Segment:
    fields = line.split(delimiters.field)
    if fields[0] == "MSH":
        fields = [fields[0], delimiters.field, *fields[1:]]
    return Segment(fields[0], tuple(fields[1:]), delimiters)
