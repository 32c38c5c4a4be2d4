"""What a source says now, against what it said before, as events.

In:     a source (a FHIR resource, an HL7 order, a row of a register), the statements it makes now,
        and the events that came of it earlier.
Out:    the events that make the earlier ones say what is said now: new ones, corrections, voids.
Source: docs/decisions/0016-sources-restate.md; docs/decisions/0002-standing-events.md.

Hospital systems send the whole document again with each change, and know nothing of events. A
statement that is made again is the same event; one that changed replaces the earlier one of the
same patient and type; one that is no longer made is voided. An event is named after its source and
its content, so that a document sent twice makes nothing twice.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from service.domain.events import AnyEvent
from service.domain.history import struck_by

Body: TypeAlias = dict[str, Any]
"""An event as it is sent, without `event_id`, `facility`, `patient`, `replaces`."""
CONTENT_LENGTH = 12


class Statement(NamedTuple):
    """What a source says of a patient."""

    patient: str
    body: Body


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it is now: its name within the facility, and all it says; nothing if withdrawn.

    The name becomes the beginning of event_ids: at most 100 characters, no patient in it.
    """

    name: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Restated:
    """The events to record, in order, and how many statements were known already."""

    events: tuple[Body, ...]
    known: int


def restate(source: Source, facility: str, earlier: Sequence[AnyEvent]) -> Restated:
    """What to record; `earlier` are all events of the source, in order of receipt.

    >>> death = {"type": "outcome", "outcome": "death", "occurred_on": "2024-05-01"}
    >>> said = Statement("p-1", death)
    >>> first = restate(Source("obs-1", (said,)), "f", ())
    >>> [(event["type"], event["event_id"]) for event in first.events]
    [('outcome', 'obs-1.ba9d411a9bf0')]
    """
    struck = struck_by(earlier)
    standing = {
        event.event_id: event
        for event in earlier
        if event.event_id not in struck and event.__struct_config__.tag != "void"
    }
    used = {event.event_id for event in earlier}
    unmatched = dict(standing)
    new: list[tuple[Statement, str]] = []
    for statement in source.statements:
        stem = f"{source.name}.{_content(statement)}"
        again = next((name for name in unmatched if _stem(name) == stem), None)
        if again is None:
            name = next(name for name in _names(stem) if name not in used)
            used.add(name)
            new.append((statement, name))
        else:
            del unmatched[again]
    events = []
    for statement, name in new:
        replaced = _counterpart(statement, unmatched.values())
        if replaced is not None:
            del unmatched[replaced.event_id]
        events.append(
            {
                **statement.body,
                "event_id": name,
                "facility": facility,
                "patient": statement.patient,
                **({"replaces": replaced.event_id} if replaced else {}),
            }
        )
    gone = [event for kept in unmatched.values() for event in _brought_back_by(kept, earlier)]
    voids = [_void(event, source.name, used) for event in gone]
    return Restated((*events, *voids), len(source.statements) - len(new))


def _counterpart(statement: Statement, candidates: Iterable[AnyEvent]) -> AnyEvent | None:
    """The earlier event that the statement takes the place of: of its patient and type."""
    return next(
        (
            event
            for event in candidates
            if event.patient == statement.patient
            and event.__struct_config__.tag == statement.body["type"]
        ),
        None,
    )


def _brought_back_by(event: AnyEvent, earlier: Sequence[AnyEvent]) -> Iterator[AnyEvent]:
    """The event and all it corrected: without the correction, what it corrected stands again."""
    by_name = {each.event_id: each for each in earlier}
    yield event
    while event.replaces is not None:
        event = by_name[event.replaces]
        yield event


def _void(event: AnyEvent, source: str, used: set[str]) -> Body:
    stem = f"{source}.void-{sha256(event.event_id.encode()).hexdigest()[:CONTENT_LENGTH]}"
    name = next(name for name in _names(stem) if name not in used)
    used.add(name)
    return {
        "type": "void",
        "event_id": name,
        "facility": event.facility,
        "patient": event.patient,
        "occurred_on": event.occurred_on.isoformat(),
        "voids": event.event_id,
        "reason": "no longer said by its source",
    }


def _content(statement: Statement) -> str:
    text = json.dumps([statement.patient, statement.body], sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:CONTENT_LENGTH]


def _names(stem: str) -> Iterator[str]:
    """The stem, then the stem with a number: what was said before and taken back is said again."""
    yield stem
    number = 2
    while True:
        yield f"{stem}~{number}"
        number += 1


def _stem(name: str) -> str:
    return name.partition("~")[0]
