"""A rebuild that is cut, that others write beside, and that changes the rules."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from service.domain.audit_chain import Actor
from service.domain.events import AnyEvent, Finding, Infection, Transplant, encode
from service.domain.rules import FollowUpRules
from service.errors import LedgerOutOfDate
from service.ingest.faults import Draft
from service.pipeline.erase import erase
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from service.store.events import PatientKey
from service.store.rebuild_cursor import rebuild_cursor

PATIENTS = [f"p{number}" for number in range(6)]
NTM = Finding(infection_type="ntm", organism_group="m. abscessus complex", site="lung")


class Cut(Exception):
    """The process is gone."""


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    """Six patients at two hospitals, all with a wrong ledger: each stays a day too long."""
    with closing(Database(migrated_url)) as database:
        found = Surveillance(database)
        found.require_ledger_under_these_rules()
        send(found, *(event for patient in PATIENTS for event in chart(patient)))
        with database.write() as connection:
            connection.execute(text("UPDATE segments SET end_day = end_day + 1"))
        yield found


def chart(patient: str) -> list[AnyEvent]:
    told = {"facility": f"h{int(patient[1:]) % 2}", "patient": patient}
    day = date(2024, 1, 1)
    return [
        Transplant(event_id=f"{patient}-1", occurred_on=day, transplant_type="kidney", **told),
        infection(patient, 50),
    ]


def infection(patient: str, after: int) -> Infection:
    return Infection(
        event_id=f"{patient}-i{after}",
        occurred_on=date(2024, 1, 1) + timedelta(days=after),
        facility=f"h{int(patient[1:]) % 2}",
        patient=patient,
        finding=NTM,
    )


def send(surveillance: Surveillance, *events: AnyEvent) -> None:
    drafts = [Draft(place, event, encode(event).decode()) for place, event in enumerate(events)]
    receipt = record(surveillance, drafts)
    assert {verdict.status for verdict in receipt.verdicts} == {"accepted"}


def cut_after(pages: int):
    left = iter(range(pages))

    def progress(_patients: int) -> None:
        if next(left) == pages - 1:
            raise Cut

    return progress


def test_a_rebuild_that_was_cut_goes_on(surveillance: Surveillance) -> None:
    with pytest.raises(Cut):
        rebuild(surveillance, apply=True, page_size=2, progress=cut_after(2))
    assert rebuild(surveillance).patients_that_differ == 2
    done = rebuild(surveillance, apply=True, page_size=2)
    assert (done.patients, done.patients_that_differ, done.resumed_after) == (6, 6, 4)
    again = rebuild(surveillance, apply=True, page_size=2)
    assert again.is_clean
    assert again.resumed_after == 0


def test_others_write_while_it_goes_on(surveillance: Surveillance) -> None:
    """Of patients already done, not yet done, and new; each after a page, as a service would."""
    between = iter([infection("p0", 400), infection("p5", 400), *chart("p7")])

    def progress(_patients: int) -> None:
        if (event := next(between, None)) is not None:
            send(surveillance, event)

    rebuild(surveillance, apply=True, page_size=1, progress=progress)
    assert rebuild(surveillance).is_clean


def test_a_rebuild_under_other_rules_that_was_cut_lets_nobody_serve(
    surveillance: Surveillance,
) -> None:
    other = Surveillance(surveillance.database, FollowUpRules(followup_grace_days=30))
    with pytest.raises(Cut):
        rebuild(other, apply=True, page_size=2, progress=cut_after(1))
    for one in (surveillance, other):
        with pytest.raises(LedgerOutOfDate):
            one.require_ledger_under_these_rules()
    assert rebuild(other, apply=True).resumed_after == 2
    other.require_ledger_under_these_rules()
    assert rebuild(other).is_clean


def test_rules_that_changed_once_more_begin_anew(surveillance: Surveillance) -> None:
    other = Surveillance(surveillance.database, FollowUpRules(followup_grace_days=30))
    with pytest.raises(Cut):
        rebuild(other, apply=True, page_size=2, progress=cut_after(1))
    assert rebuild(surveillance, apply=True).resumed_after == 0
    surveillance.require_ledger_under_these_rules()
    assert rebuild(surveillance).is_clean


def test_no_erased_patient_is_named_by_a_rebuild_that_was_cut(surveillance: Surveillance) -> None:
    with pytest.raises(Cut):
        rebuild(surveillance, apply=True, page_size=2, progress=cut_after(2))
    with surveillance.database.read() as connection:
        last = rebuild_cursor(connection).last
    erase(surveillance, last, Actor("test"))
    with surveillance.database.read() as connection:
        assert rebuild_cursor(connection).last == PatientKey(last.facility, "")
    rebuild(surveillance, apply=True)
    assert rebuild(surveillance).is_clean
