"""What the audit trail says of what was recorded, and whether the trail is whole.

In:     who sent how many events; a database whose chain is in question.
Out:    entries to append; a `Check` of the whole chain.
Source: docs/audit.md; docs/decisions/0019-audit-chain.md.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from service.domain.audit_chain import Actor, Check, Link
from service.store import audit, audit_log
from service.store.audit import AuditEntry
from service.store.engine import Connection

ERASED = "patient_erased"
RECORDED = "events_recorded"
Ranges = list[list[int]]


def events_recorded(
    sent: Iterable[tuple[Actor, int]], position: int, now: datetime
) -> list[AuditEntry]:
    """One entry for each sender of a transaction, which began after `position`.

    An entry names the positions of the events, from which their patients follow for as long as the
    events are held: nothing about a patient is written twice, or left when the events are erased.
    """
    ranges: dict[Actor, Ranges] = defaultdict(list)
    for actor, events in sent:
        if events:
            join(ranges[actor], position + 1, position + events)
            position += events
    return [
        AuditEntry(now, actor, RECORDED, {"events": size_of(spans), "positions": spans}, position)
        for actor, spans in ranges.items()
    ]


def join(spans: Ranges, first: int, last: int) -> None:
    """Add a range after those there are, as one with the last where they touch.

    >>> spans = [[1, 4]]
    >>> join(spans, 5, 6), join(spans, 9, 9)
    (None, None)
    >>> spans
    [[1, 6], [9, 9]]
    """
    if spans and spans[-1][1] + 1 == first:
        spans[-1][1] = last
    else:
        spans.append([first, last])


def size_of(spans: Ranges) -> int:
    """How many positions lie in the ranges."""
    return sum(last - first + 1 for first, last in spans)


def check_chain(connection: Connection, anchor: Link | None = None) -> Check:
    """Follow the whole chain; `anchor` is a head that was written down earlier."""
    check = Check(anchor)
    erased: set[str] = set()
    for entry, kept in audit_log.chain(connection):
        check.follow(entry, kept)
        if entry.action == ERASED:
            erased.update(entry.subjects)
    check.end(audit.head(connection))
    for sequence in audit_log.mentions_without_entry(connection):
        check.note(sequence, "mention_without_entry", "A patient is named under no entry.")
    named = audit.subjects_known(connection).keys() | erased
    for subject, sequence in audit_log.subjects_mentioned(connection):
        if subject not in named:
            words = "Whom it is about was lost or changed, and no erasure is entered."
            check.note(sequence, "unknown_patient", words)
    return check
