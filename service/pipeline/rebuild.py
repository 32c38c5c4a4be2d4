"""Rebuild: count everything again from the events, and compare with what the ledger holds.

In:     the event store.
Out:    a `RebuildReport`; with `apply`, a ledger that holds what the events say.
Source: docs/methods.md 6, the law of the house: posted ledger = replay from nothing.

Goes through the patients page by page, so that memory stays flat and writers wait for one page at
the most.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from service.domain.contributions import contributions
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.store import events as event_store
from service.store import holdings, ledger
from service.store.engine import Connection
from service.store.events import PatientKey
from service.store.ledger import Posting

PATIENTS_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a replay found: patients whose segments or episodes differ, and sums that do."""

    patients: int
    patients_that_differ: int
    sums_that_differ: int

    @property
    def is_clean(self) -> bool:
        """Is the ledger what the events say it is?"""
        return not (self.patients_that_differ or self.sums_that_differ)


def rebuild(
    surveillance: Surveillance,
    *,
    apply: bool = False,
    progress: Callable[[int], None] | None = None,
) -> RebuildReport:
    """Replay every patient; `progress` is told how many patients each page held."""
    database = surveillance.database
    opened = surveillance.write if apply else database.read
    patients = differing = 0
    for page in _pages(surveillance):
        differing += _replay(opened, surveillance, page, apply=apply)
        patients += len(page)
        if progress:
            progress(len(page))
    with opened() as connection:
        wrong_sums = holdings.sums_that_differ(connection)
        if apply:
            if wrong_sums:
                _sum_up_again(connection, surveillance)
            ledger.set_rules_fingerprint(connection, surveillance.rules.fingerprint)
    return RebuildReport(patients, differing, wrong_sums)


def _sum_up_again(connection: Connection, surveillance: Surveillance) -> None:
    """A state of its own, so that sums kept in memory are read again."""
    position = ledger.head_position(connection) + 1
    holdings.sum_up_again(connection)
    ledger.advance(connection, position, surveillance.clock())
    ledger.rewritten(connection, position)


def _pages(surveillance: Surveillance) -> Iterator[list[PatientKey]]:
    last: PatientKey | None = None
    while True:
        with surveillance.database.read() as connection:
            page = event_store.patient_keys(connection, last, PATIENTS_PER_PAGE)
        if not page:
            return
        yield page
        last = page[-1]


def _replay(
    opened: Callable[[], AbstractContextManager[Connection]],
    surveillance: Surveillance,
    page: list[PatientKey],
    *,
    apply: bool,
) -> int:
    with opened() as connection:
        received = event_store.events_of_patients(connection, page)
        held = holdings.posted(connection, page)
        postings = [
            Posting(patient, before=held[patient], after=after)
            for patient in page
            if held[patient]
            != (
                after := contributions([row.event for row in received[patient]], surveillance.rules)
            )
        ]
        if apply and postings:
            before = ledger.head_position(connection)
            position = before + 1
            ledger.post(connection, postings, position)
            ledger.advance(connection, position, surveillance.clock())
            watch(connection, surveillance, postings, before, position)
    return len(postings)
