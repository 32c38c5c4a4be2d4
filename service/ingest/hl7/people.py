"""Whom a message speaks of, and what it says of the person.

In:     PID, PV1 and MRG segments.
Out:    the record number, and `demographics`, `outcome` and `follow_up` statements.
Source: HL7 v2.5.1, 3.4.2 (PID), 3.4.9 (MRG), tables 0203 and 0112; docs/hl7.md.

Names, addresses and numbers of insurances are never read.
"""

import re
from datetime import date

from service.domain.restating import Body
from service.ingest.hl7.faults import Refused
from service.ingest.hl7.syntax import Message, Segment

RECORD_NUMBERS = ("MR", "PI", "PT", "U", "")
"""Of several identifiers the record number is the patient's, then the internal one, then any."""
SEXES = {"F": "female", "M": "male", "O": "other", "A": "other", "X": "other"}
DIED = frozenset({"20", "40", "41", "42"})
"""Discharge dispositions of UB-04 that mean death."""
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})[0-9.+:-]*")


def record_number(segment: Segment | None, field: int, where: str) -> str:
    """The patient's record number; `Refused` where there is none."""
    parts = [part for part in (segment.parts(field) if segment else ()) if part.component(1)]
    if not parts:
        raise Refused(where, "101", "The patient's record number is missing.")
    kinds = [part.component(5).upper() for part in parts]
    for kind in RECORD_NUMBERS:
        if kind in kinds:
            return parts[kinds.index(kind)].component(1)
    return parts[0].component(1)


def day_of(text: str) -> str:
    """The calendar date of a time stamp at the sender; empty where it is not exact to the day.

    >>> day_of("20240301083000-0600"), day_of("202403"), day_of("20240231")
    ('2024-03-01', '', '')
    """
    match = _DAY.fullmatch(text)
    if match is None:
        return ""
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return ""


def demographics(message: Message, told_on: str) -> tuple[Body, ...]:
    """Year of birth and sex, where they are told."""
    person = message.first("PID")
    if person is None or not told_on:
        return ()
    told: Body = {}
    if _YEAR.match(person.text(7)):
        told["birth_year"] = int(person.text(7)[:4])
    if person.text(8).upper() in SEXES:
        told["sex"] = SEXES[person.text(8).upper()]
    return ({"type": "demographics", "occurred_on": told_on, **told},) if told else ()


def death(message: Message) -> tuple[Body, ...] | None:
    """The death that a message tells of, or takes back; None where it says nothing of it."""
    person, visit = message.first("PID"), message.first("PV1")
    indicator = person.text(30).upper() if person else ""
    died_on = day_of(person.text(29)) if person else ""
    if visit is not None and visit.text(36) in DIED:
        indicator, died_on = "Y", died_on or day_of(visit.text(45))
    if indicator == "N":
        return ()
    if indicator != "Y" and not died_on:
        return None
    if not died_on:
        raise Refused("PID^1^29", "101", "The patient has died: PID-29 must say on which day.")
    return ({"type": "outcome", "occurred_on": died_on, "outcome": "death"},)
