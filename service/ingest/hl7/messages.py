"""What a message asks for: which sources say what of whom, and who is one with whom.

In:     a message, and the latest date that it can be on Earth now.
Out:    `Asked`; `Refused` where it cannot be taken in.
Source: docs/hl7.md; HL7 v2.5.1, chapters 3 (ADT) and 7 (ORU).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from service.domain.restating import Body
from service.ingest.fhir.elements import Issue, Malformed
from service.ingest.fhir.laboratory import read_report
from service.ingest.fhir.readings import Surroundings
from service.ingest.fhir.references import References
from service.ingest.hl7.faults import Flaw, Refused
from service.ingest.hl7.people import day_of, death, demographics, record_number
from service.ingest.hl7.results import orders
from service.ingest.hl7.syntax import Message, Segment

ADMISSIONS = {"A01": 44, "A04": 44, "A11": 44, "A03": 45, "A13": 45}
"""The field of PV1 with the day of a contact, by the event that tells or takes it back."""
TAKEN_BACK = {"A11": "admission", "A13": "discharge"}
CONTACTS = {"A01": "admission", "A04": "admission", "A03": "discharge"} | TAKEN_BACK
PERSON_EVENTS = frozenset({"A01", "A03", "A04", "A08", "A28", "A31"})
MERGES = frozenset({"A40"})


@dataclass(frozen=True, slots=True)
class Said:
    """What one document of the hospital's says of a patient now; `name` may hold identifiers."""

    kind: str
    name: str
    bodies: tuple[Body, ...]
    where: str = "MSH^1^9"


@dataclass(frozen=True, slots=True)
class Merged:
    """A record number that is another one from now on."""

    number: str
    into: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a message asks for; nothing where it is of no use here."""

    number: str = ""
    said: tuple[Said, ...] = ()
    merged: tuple[Merged, ...] = ()
    remarks: tuple[Flaw, ...] = ()


def read_message(message: Message, today_latest: date) -> Asked:
    """What the message asks for; of a kind that is not read `Refused`."""
    code, event = message.kind
    reader = READERS.get(code)
    if reader is None:
        raise Refused("MSH^1^9", "200", "ORU^R01 and ADT messages are read.", is_rejected=True)
    return reader(message, event, today_latest)


def _results(message: Message, event: str, today_latest: date) -> Asked:
    if event not in ("R01", ""):
        raise Refused("MSH^1^9", "201", "Of ORU messages R01 is read.", is_rejected=True)
    number = record_number(message.first("PID"), 3, "PID^1^3")
    around = Surroundings(References(), today_latest)
    said: list[Said] = []
    remarks: list[Flaw] = []
    for order in orders(message):
        try:
            reading = read_report(order.report, around)
        except Malformed as fault:
            raise Refused(order.where, "102", fault.issue.text) from None
        said.append(Said("order", order.name, reading.bodies, order.where))
        remarks += [_remark(order.where, issue) for issue in reading.issues if _matters(issue)]
    return Asked(number, tuple(said), remarks=tuple(remarks))


def _admission(message: Message, event: str, _today_latest: date) -> Asked:
    if event in MERGES:
        return Asked(merged=tuple(_merges(message)))
    number = record_number(message.first("PID"), 3, "PID^1^3")
    told_on = day_of(_text(message.first("EVN"), 2)) or day_of(message.header.text(7))
    said: list[Said] = []
    if event in PERSON_EVENTS:
        person = demographics(message, told_on)
        said += [Said("person", number, person)] if person else []
        died = death(message)
        said += [Said("death", number, died)] if died is not None else []
    if event in CONTACTS:
        said.append(_contact(message, event, told_on))
    return Asked(number, tuple(said))


def _contact(message: Message, event: str, told_on: str) -> Said:
    visit, what = message.first("PV1"), CONTACTS[event]
    day = day_of(_text(visit, ADMISSIONS[event])) or told_on
    if not day:
        raise Refused(f"PV1^1^{ADMISSIONS[event]}", "101", "The day of the contact is missing.")
    number = _text(visit, 19) or f"{_text(message.first('PID'), 3)}|{day}"
    bodies: tuple[Body, ...] = ({"type": "follow_up", "occurred_on": day},)
    return Said(what, number, () if event in TAKEN_BACK else bodies)


def _merges(message: Message) -> list[Merged]:
    """Every PID with the MRG that follows it."""
    found: list[Merged] = []
    survivor: Segment | None = None
    for segment in message.segments:
        if segment.name == "PID":
            survivor = segment
        elif segment.name == "MRG":
            place = len(found) + 1
            into = record_number(survivor, 3, f"PID^{place}^3")
            found.append(Merged(record_number(segment, 1, f"MRG^{place}^1"), into))
    if not found:
        raise Refused("MRG^1^1", "101", "A merge needs PID-3 and MRG-1.")
    return found


def _text(segment: Segment | None, number: int) -> str:
    return segment.text(number) if segment else ""


def _matters(issue: Issue) -> bool:
    return issue.severity in ("warning", "error")


def _remark(where: str, issue: Issue) -> Flaw:
    return Flaw(where, "103", issue.text, "W")


READERS: Mapping[str, Callable[[Message, str, date], Asked]] = {
    "ORU": _results,
    "ADT": _admission,
}
