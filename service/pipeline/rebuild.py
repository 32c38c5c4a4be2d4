"""Rebuild: count everything again from the events, and compare with what the ledger holds.

In:     the event store.
Out:    a `RebuildReport`; with `apply`, a ledger that holds what the events say.
Source: docs/methods.md 6, the law of the house: posted ledger = replay from nothing;
        docs/operations.md, "Rebuild".

Patients are read page by page beside the writers; only those who differ are counted once more, a
few in each transaction, where no writer is beside. Then the sums, facility by facility, likewise.
With `apply` each page leaves a cursor, and a rebuild that was cut goes on from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.domain.audit_chain import COMMAND_LINE
from service.pipeline.counted import counted
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.store import audit, holdings, ledger, merges
from service.store import events as event_store
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.events import PatientKey
from service.store.ledger import Posting
from service.store.rebuild_cursor import (
    RebuildCursor,
    put_rebuild_cursor,
    rebuild_cursor,
    remove_rebuild_cursor,
)

PATIENTS_PER_PAGE = 500
PATIENTS_PER_TRANSACTION = 100
"""Put right at a time: a tenth of a second or so for which writers wait."""
UNDER_NO_RULES = "being rebuilt"
"""Stands for the rules of a ledger that was counted under two: nobody may serve it."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a replay found: patients whose segments or episodes differ, and sums that do.

    `resumed_after` is how many of the patients an earlier rebuild, which was cut, had done.
    """

    patients: int
    patients_that_differ: int
    sums_that_differ: int
    resumed_after: int = 0

    @property
    def is_clean(self) -> bool:
        """Is the ledger what the events say it is?"""
        return not (self.patients_that_differ or self.sums_that_differ)


def rebuild(
    surveillance: Surveillance,
    *,
    apply: bool = False,
    progress: Progress | None = None,
    page_size: int = PATIENTS_PER_PAGE,
) -> RebuildReport:
    """Replay every patient; `progress` is told how many patients each page held."""
    begun = _begin(surveillance) if apply else RebuildCursor(surveillance.rules.fingerprint)
    cursor = begun
    if progress and begun.patients:
        progress(begun.patients)
    for page in _pages(surveillance, begun.last, page_size):
        differing = _that_differ(surveillance, page)
        cursor = replace(
            cursor,
            last=page[-1],
            patients=cursor.patients + len(page),
            patients_that_differ=cursor.patients_that_differ + len(differing),
        )
        if apply:
            _put_right(surveillance, differing, cursor)
        if progress:
            progress(len(page))
    wrong_sums = _sums(surveillance, apply=apply)
    report = RebuildReport(
        cursor.patients, cursor.patients_that_differ, wrong_sums, resumed_after=begun.patients
    )
    if apply:
        _end(surveillance, report)
    return report


def _begin(surveillance: Surveillance) -> RebuildCursor:
    """Where to go on. From here on nobody starts to serve a ledger of two kinds of rules."""
    fingerprint = surveillance.rules.fingerprint
    with surveillance.write() as connection:
        cursor = rebuild_cursor(connection)
        if cursor is None or cursor.rules_fingerprint != fingerprint:
            cursor = RebuildCursor(fingerprint)
            put_rebuild_cursor(connection, cursor)
        if ledger.rules_fingerprint(connection) != fingerprint:
            ledger.set_rules_fingerprint(connection, UNDER_NO_RULES)
    return cursor


def _end(surveillance: Surveillance, report: RebuildReport) -> None:
    facts = {
        "patients": report.patients,
        "patients_that_differed": report.patients_that_differ,
        "sums_that_differed": report.sums_that_differ,
    }
    with surveillance.write() as connection:
        ledger.set_rules_fingerprint(connection, surveillance.rules.fingerprint)
        remove_rebuild_cursor(connection)
        entry = AuditEntry(surveillance.clock(), COMMAND_LINE, "ledger_rebuilt", facts)
        audit.append(connection, [entry])


def _pages(
    surveillance: Surveillance, last: PatientKey | None, size: int
) -> Iterator[list[PatientKey]]:
    while True:
        with surveillance.database.read() as connection:
            page = event_store.patient_keys(connection, last, size)
        if not page:
            return
        yield page
        last = page[-1]


def _that_differ(surveillance: Surveillance, page: Sequence[PatientKey]) -> list[PatientKey]:
    with surveillance.database.read() as connection:
        return [posting.patient for posting in differences(connection, surveillance, page)]


def _put_right(
    surveillance: Surveillance, differing: Sequence[PatientKey], cursor: RebuildCursor
) -> None:
    """Post what differs; the cursor moves with the last of it."""
    for first in range(0, len(differing), PATIENTS_PER_TRANSACTION):
        with surveillance.write() as connection:
            some = differing[first : first + PATIENTS_PER_TRANSACTION]
            # Read once more: a writer may have been there since.
            postings = differences(connection, surveillance, some)
            if postings:
                before = ledger.head_position(connection)
                position = before + 1
                ledger.post(connection, postings, position)
                ledger.advance(connection, position, surveillance.clock())
                watch(connection, surveillance, postings, before, position)
    with surveillance.write() as connection:
        put_rebuild_cursor(connection, cursor)


def differences(
    connection: Connection, surveillance: Surveillance, patients: Sequence[PatientKey]
) -> list[Posting]:
    """What is to be posted of those patients whose ledger is not what their events say."""
    known = merges.persons(connection, patients)
    received = merges.events_of_persons(connection, known)
    held = holdings.posted(connection, patients)
    return [
        Posting(patient, before=held[patient], after=after)
        for patient in patients
        if held[patient]
        != (
            after := counted(
                tuple(row.event for row in received.get(patient, ())), surveillance.rules
            ).contributions
        )
    ]


def _sums(surveillance: Surveillance, *, apply: bool) -> int:
    """Compare each facility's sums with its segments; with `apply`, put right those that differ."""
    database = surveillance.database
    with database.read() as connection:
        facilities = holdings.facilities_with_sums(connection)
    wrong = 0
    for facility in facilities:
        with database.read() as connection:
            of_facility = holdings.sums_that_differ(connection, facility)
        wrong += of_facility
        if of_facility and apply:
            with surveillance.write() as connection:
                _sum_up_again(connection, surveillance, facility)
    return wrong


def _sum_up_again(connection: Connection, surveillance: Surveillance, facility: str) -> None:
    """A state of its own, so that sums kept in memory are read again."""
    position = ledger.head_position(connection) + 1
    holdings.sum_up_again(connection, facility)
    ledger.advance(connection, position, surveillance.clock())
    ledger.rewritten(connection, position)
