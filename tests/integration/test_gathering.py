"""Batches gathered into one transaction: as if they had come one after the other."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from service.domain.events import AnyEvent, Finding, Infection, Transplant, Void, encode
from service.errors import Overloaded
from service.ingest.faults import Draft
from service.pipeline.decide import Batch
from service.pipeline.gathering import Gathering
from service.pipeline.rebuild import rebuild
from service.pipeline.record import Receipt
from service.pipeline.surveillance import Surveillance
from service.store import ledger
from service.store.engine import Database
from service.store.tables import LedgerCommit

PATIENCE_SECONDS = 60
NTM = Finding(infection_type="ntm", organism_group="m. abscessus complex", site="lung")


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    with closing(Database(migrated_url)) as database:
        yield Surveillance(database)


@pytest.fixture
def gathering(surveillance: Surveillance) -> Iterator[Gathering]:
    with closing(Gathering(surveillance, most_waiting=1000)) as gathering:
        yield gathering


def named(name: str, day: int = 0, patient: str = "p1") -> dict[str, object]:
    occurred_on = date(2024, 1, 1) + timedelta(days=day)
    return {
        "event_id": name,
        "facility": "ucd-01",
        "patient": patient,
        "occurred_on": occurred_on,
    }


def transplant(name: str, day: int = 0, patient: str = "p1") -> Transplant:
    return Transplant(**named(name, day, patient), transplant_type="kidney")


def batch(*events: AnyEvent, atomic: bool = False) -> Batch:
    drafts = [Draft(place, event, encode(event).decode()) for place, event in enumerate(events)]
    return Batch(drafts, atomic)


def commits(surveillance: Surveillance) -> int:
    with surveillance.database.read() as connection:
        return connection.execute(select(func.count()).select_from(LedgerCommit)).scalar_one()


def recorded_together(
    surveillance: Surveillance, gathering: Gathering, batches: list[Batch]
) -> list[list[str]]:
    """What became of batches that all came while another transaction was under way."""
    with surveillance.database.write():
        first = gathering.record(batch(transplant("first", patient="p0")))
        others = [gathering.record(one) for one in batches]
    first.result(PATIENCE_SECONDS)
    receipts = [other.result(PATIENCE_SECONDS) for other in others]
    assert commits(surveillance) <= 2, "they were not gathered"
    with surveillance.database.read() as connection:
        assert {receipt.position for receipt in receipts} == {ledger.head_position(connection)}
    assert rebuild(surveillance).is_clean
    return [[verdict.status for verdict in receipt.verdicts] for receipt in receipts]


def test_many_batches_are_one_transaction(surveillance, gathering):
    many = [batch(transplant(f"t{number}", patient=f"n{number}")) for number in range(30)]
    assert recorded_together(surveillance, gathering, many) == [["accepted"]] * 30


def test_one_patient_and_one_name_in_several_batches(surveillance, gathering):
    ends = recorded_together(
        surveillance,
        gathering,
        [
            batch(transplant("t1")),
            batch(transplant("t1")),
            batch(transplant("t1", day=3)),
            batch(Infection(**named("i1", 20), finding=NTM)),
            batch(Void(**named("v1", 20), voids="i1")),
            batch(Void(**named("v2", 20), voids="i2")),
            batch(Infection(**named("i2", 20), finding=NTM)),
        ],
    )
    assert ends == [
        ["accepted"],
        ["duplicate"],
        ["rejected"],
        ["accepted"],
        ["accepted"],
        ["rejected"],
        ["accepted"],
    ]


def test_all_or_nothing_holds_within_one_batch_and_for_it_alone(surveillance, gathering):
    dangling = Void(**named("v1"), voids="nothing")
    ends = recorded_together(
        surveillance,
        gathering,
        [
            batch(transplant("t1"), dangling, atomic=True),
            batch(Void(**named("v2"), voids="t1")),
            batch(transplant("t2"), atomic=True),
            batch(transplant("t1"), dangling),
        ],
    )
    assert ends == [
        ["accepted", "rejected"],
        ["rejected"],
        ["accepted"],
        ["accepted", "rejected"],
    ]
    with surveillance.database.read() as connection:
        assert ledger.head_position(connection) == 3, "of the first batch something was kept"


def test_a_batch_that_the_store_cannot_take_fails_alone(surveillance, gathering):
    unstorable = Batch([Draft(0, transplant("t2", patient="p2"), "\ud800")])
    with surveillance.database.write():
        before = gathering.record(batch(transplant("t1")))
        broken = gathering.record(unstorable)
        after = gathering.record(batch(transplant("t3", patient="p3")))
    assert before.result(PATIENCE_SECONDS).verdicts[0].status == "accepted"
    assert isinstance(broken.exception(PATIENCE_SECONDS), UnicodeEncodeError)
    assert after.result(PATIENCE_SECONDS).verdicts[0].status == "accepted"
    assert rebuild(surveillance).is_clean


def hand_over(gathering: Gathering, number: int, waiting: "list[Future[Receipt]]") -> None:
    for place in range(number):
        waiting.append(gathering.record(batch(transplant(f"t{place}", patient=f"n{place}"))))


def test_more_than_may_wait_is_refused_and_nothing_that_waits_is_lost(surveillance):
    with closing(Gathering(surveillance, most_waiting=3)) as gathering:
        with surveillance.database.write():
            waiting: list[Future[Receipt]] = []
            with pytest.raises(Overloaded):
                hand_over(gathering, 10, waiting)
            streamed = batch(transplant("stream"))
            waiting.append(gathering.record(streamed, waits_its_turn=True))
        assert 4 <= len(waiting) <= 5
        receipts = [one.result(PATIENCE_SECONDS) for one in waiting]
        assert {v.status for receipt in receipts for v in receipt.verdicts} == {"accepted"}
        gathering.record(batch(transplant("later"))).result(PATIENCE_SECONDS)


def test_closing_answers_all_that_waits_and_takes_nothing_more(surveillance):
    gathering = Gathering(surveillance, most_waiting=1000)
    waiting = [
        gathering.record(batch(transplant(f"t{number}", patient=f"n{number}")))
        for number in range(20)
    ]
    gathering.close()
    assert [one.result(0).verdicts[0].status for one in waiting] == ["accepted"] * 20
    with pytest.raises(Overloaded):
        gathering.record(batch(transplant("late")))
