"""Who is told when: quiet hours, digests, escalations, several senders, with clocks that move on.

In:     a database on each store; a clock that is handed to the service and moved by the test; a
        real receiver.
Out:    nothing.
Source: docs/delivery.md.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from service.channels.guard import Rules
from service.channels.ways import Setup, Ways
from service.domain.audit_chain import Actor
from service.domain.delivery_outcomes import Outcome
from service.domain.delivery_times import Patience
from service.domain.recipients import QuietHours, Recipient
from service.monitors.actions import Action
from service.monitors.alerts import AlertState
from service.pipeline import recipients
from service.pipeline.alerting import act
from service.pipeline.outbox import note_happening
from service.pipeline.sender import Pace, Sender
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store import delivery_log, outbox
from service.store import recipients as recipient_store
from service.store.engine import Database
from service.store.outbox import Delivery
from tests.journeys.receivers import Receiver, receiving

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPERATOR = Actor("operator")
WAYS = Ways(Setup(rules=Rules(allows_http=True, networks=(ip_network("127.0.0.0/8"),))))
OPEN = AlertState(
    id="alert-1-0",
    monitor_id="excess-x",
    kind="excess",
    scope_key="facility:ucd-01",
    status="open",
    severity="warning",
    title="An excess",
    facilities=("ucd-01",),
    cases=frozenset(),
    latest_evidence={},
    opened_position=1,
)


class Desk:
    """A surveillance whose clock a test moves, and what is told from it."""

    def __init__(self, database: Database) -> None:
        self.now = NOON
        self.surveillance = Surveillance(database, clock=lambda: self.now)

    def add(self, receiver: Receiver, **more: Any) -> str:
        recipient = Recipient(recipients.new_id(), "ward", "webhook", receiver.url, **more)
        kept, _ = recipients.add_recipient(self.surveillance, WAYS, recipient, OPERATOR)
        return kept.recipient.id

    def happens(self, alert: AlertState, what: str) -> None:
        """An evaluation opens or changes an alert."""
        with self.surveillance.database.write() as connection:
            if what == "opened":
                alert_store.add_alert(connection, alert, (), {}, self.now)
            else:
                alert_store.save_alert(connection, alert)
            note_happening(connection, alert, what, self.now)

    def acts(self, what: Any, alert_id: str = OPEN.id, **more: Any) -> None:
        action = Action(what, self.now.toordinal(), **more)
        act(self.surveillance, alert_id, action, actor=OPERATOR, reach=None)

    def deliver(self, **patience: Any) -> None:
        """Send all that is due at this moment."""
        asyncio.run(send_all(self.surveillance, WAYS, Patience(**patience)))

    def all(self) -> list[Delivery]:
        with self.surveillance.database.read() as connection:
            return delivery_log.deliveries_before(connection, {}, None, 1000)[::-1]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(one.event, one.state) for one in self.all()]


async def send_all(surveillance: Surveillance, ways: Ways, patience: Patience) -> None:
    sender = Sender(surveillance, ways, Pace(0.01, patience))
    running = asyncio.create_task(sender.run())
    for _ in range(1000):
        await asyncio.sleep(0.02)
        with surveillance.database.read() as connection:
            is_due = recipient_store.is_anything_due(connection, surveillance.clock())
            kept = recipient_store.all_recipients(connection)
        if not is_due and not sender.is_busy:
            break
    sender.close()
    await running
    assert kept is not None


@pytest.fixture
def desk(migrated_url: str) -> Iterator[Desk]:
    with closing(Database(migrated_url)) as database:
        yield Desk(database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def events(receiver: Receiver) -> list[Any]:
    """What came, in order; a digest is a list."""
    told = [json.loads(body) for _, body in receiver.taken]
    return [
        [item["type"] for item in one["data"]["items"]] if "items" in one["data"] else one["type"]
        for one in told
    ]


NIGHT = QuietHours(time(22), time(7))


def test_in_quiet_hours_a_warning_waits_for_the_morning_and_a_critical_one_does_not(desk, receiver):
    desk.add(receiver, quiet_hours=NIGHT, timezone="Europe/Berlin")
    desk.now = datetime(2026, 3, 2, 23, tzinfo=UTC)
    desk.happens(OPEN, "opened")
    desk.happens(replace(OPEN, id="alert-2-0", severity="critical"), "opened")
    desk.deliver()
    assert events(receiver) == ["alert.opened"]
    assert desk.states == [("alert.opened", "waiting"), ("alert.opened", "delivered")]
    desk.now = datetime(2026, 3, 3, 5, 59, tzinfo=UTC)  # 6:59 in Berlin
    desk.deliver()
    assert len(receiver.taken) == 1
    desk.now += timedelta(minutes=1)
    desk.deliver()
    assert len(receiver.taken) == 2


def test_an_alert_that_becomes_critical_at_night_wakes_with_all_that_waited_of_it(desk, receiver):
    desk.add(receiver, quiet_hours=NIGHT)
    desk.now = datetime(2026, 3, 2, 23, tzinfo=UTC)
    desk.happens(OPEN, "opened")
    desk.happens(replace(OPEN, severity="critical"), "updated")
    desk.deliver()
    assert events(receiver) == ["alert.opened", "alert.updated"]


def test_what_fails_in_the_evening_is_not_tried_at_night(desk, receiver):
    desk.add(receiver, quiet_hours=NIGHT)
    desk.now = datetime(2026, 3, 2, 21, 59, tzinfo=UTC)
    receiver.status = 500
    desk.happens(OPEN, "opened")
    desk.deliver(first=120)
    desk.now += timedelta(minutes=5)
    receiver.status = 204
    desk.deliver()
    assert receiver.taken == []
    assert desk.all()[0].due_at == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_what_is_not_critical_comes_once_a_day_in_one_message(desk, receiver):
    desk.add(receiver, digest_at=time(8))
    for number in range(3):
        desk.happens(replace(OPEN, id=f"alert-{number}-0"), "opened")
        desk.now += timedelta(hours=1)
    desk.happens(replace(OPEN, id="alert-9-0", severity="critical"), "opened")
    desk.deliver()
    assert events(receiver) == ["alert.opened"]
    desk.now = datetime(2026, 3, 3, 8, 0, 1, tzinfo=UTC)
    desk.deliver()
    assert events(receiver) == ["alert.opened", ["alert.opened"] * 3]
    assert {state for _, state in desk.states} == {"delivered"}


def test_nobody_is_called_for_an_alert_that_somebody_acknowledged(desk, receiver):
    desk.add(receiver, escalate_after_minutes=30)
    desk.happens(OPEN, "opened")
    desk.now += timedelta(minutes=29)
    desk.deliver()
    desk.acts("acknowledge")
    desk.now += timedelta(days=1)
    desk.deliver()
    assert receiver.taken == []
    assert desk.states == [("alert.escalated", "cancelled")]


def test_whoever_was_called_hears_the_rest_too(desk, receiver):
    desk.add(receiver, escalate_after_minutes=30)
    desk.happens(OPEN, "opened")
    desk.happens(OPEN, "updated")
    desk.now += timedelta(minutes=31)
    desk.deliver()
    desk.acts("acknowledge")
    desk.acts("close", outcome="expected")
    desk.deliver()
    assert events(receiver) == ["alert.escalated", "alert.acknowledged", "alert.closed"]


def test_an_escalation_of_an_alert_that_has_become_critical_waits_for_no_morning(desk, receiver):
    desk.add(receiver, escalate_after_minutes=30, quiet_hours=NIGHT)
    desk.now = datetime(2026, 3, 2, 23, tzinfo=UTC)
    desk.happens(OPEN, "opened")
    desk.happens(replace(OPEN, severity="critical"), "updated")
    desk.now += timedelta(minutes=30)
    desk.deliver()
    assert events(receiver) == ["alert.escalated"]
    assert desk.states == [("alert.escalated", "cancelled"), ("alert.escalated", "delivered")]


def test_one_who_was_told_of_an_alert_hears_of_its_end_though_it_is_less_severe(desk, receiver):
    desk.add(receiver, least_severity="critical")
    desk.happens(replace(OPEN, severity="critical"), "opened")
    desk.happens(OPEN, "updated")
    desk.happens(replace(OPEN, id="alert-2-0"), "opened")
    desk.acts("close", outcome="expected")
    desk.deliver()
    assert events(receiver) == ["alert.opened", "alert.updated", "alert.closed"]


def test_an_alert_that_reaches_other_facilities_is_told_to_nobody_bound_to_some(desk, receiver):
    desk.add(receiver, facilities=("ucd-01",))
    desk.happens(OPEN, "opened")
    desk.happens(replace(OPEN, id="alert-2-0", facilities=("ucd-01", "ucd-02")), "opened")
    desk.happens(replace(OPEN, id="alert-3-0", scope_key="network"), "opened")
    assert [one.alert_id for one in desk.all()] == [OPEN.id]


def test_a_change_that_is_rolled_back_tells_nobody(desk, receiver):
    desk.add(receiver)
    with desk.surveillance.database.write() as connection:
        note_happening(connection, OPEN, "opened", desk.now)
        connection.rollback()
    assert desk.all() == []


def test_it_is_tried_for_three_days_and_can_be_sent_later_still(desk, receiver):
    desk.add(receiver)
    receiver.stop()
    desk.happens(OPEN, "opened")
    for _ in range(3 * 24 - 1):
        desk.deliver()
        desk.now += timedelta(hours=1)
    assert desk.states == [("alert.opened", "waiting")]
    desk.now += timedelta(hours=2)
    desk.deliver()
    assert desk.states == [("alert.opened", "failed")]
    assert desk.all()[0].attempts == 72
    receiver.start()
    recipients.replay(desk.surveillance, desk.all()[0].id, OPERATOR)
    desk.now += timedelta(hours=1)
    desk.deliver()
    assert receiver.ids() == [desk.all()[0].message_id]


def test_who_asks_to_be_left_alone_is_left_alone(desk, receiver):
    recipient = desk.add(receiver)
    receiver.status, receiver.headers = 429, {"retry-after": "120"}
    desk.happens(OPEN, "opened")
    desk.deliver()
    with desk.surveillance.database.read() as connection:
        kept = recipient_store.find_recipient(connection, recipient)
    assert kept is not None
    assert kept.health.retry_at == desk.now + timedelta(seconds=120)


class Slow(Ways):
    """Keeps what it sent, and yields in between."""

    def __init__(self, sent: list[int]) -> None:
        super().__init__(Setup())
        self._sent = sent

    async def send(self, parcel: Any, now: datetime) -> Outcome:
        self._sent += [one.id for one in parcel.deliveries]
        await asyncio.sleep(0.005)
        return Outcome("delivered", 204)


def test_several_senders_share_the_work_and_send_nothing_twice(desk, receiver):
    for _ in range(5):
        desk.add(receiver)
    for number in range(20):
        desk.happens(replace(OPEN, id=f"alert-{number}-0"), "opened")
    sent: list[int] = []

    async def all_of_them() -> None:
        senders = (send_all(desk.surveillance, Slow(sent), Patience()) for _ in range(4))
        await asyncio.gather(*senders)

    asyncio.run(all_of_them())
    assert sorted(sent) == [one.id for one in desk.all()]
    assert len(sent) == 100
    assert {state for _, state in desk.states} == {"delivered"}


def test_what_a_dead_sender_had_leased_goes_out_once_its_lease_has_ended(desk, receiver):
    desk.add(receiver)
    desk.happens(OPEN, "opened")
    with desk.surveillance.database.note() as connection:
        until = desk.now + timedelta(minutes=1)
        assert recipient_store.lease_recipient(connection, "dead", desk.now, until)
    desk.deliver()
    assert receiver.taken == []
    desk.now += timedelta(minutes=1)
    desk.deliver()
    assert len(receiver.taken) == 1


def test_the_log_forgets_after_ninety_days_but_not_what_waits(desk, receiver):
    desk.add(receiver)
    desk.happens(OPEN, "opened")
    desk.deliver()
    desk.add(receiver, digest_at=time(8))
    desk.now += timedelta(days=91)
    desk.happens(replace(OPEN, id="alert-2-0"), "opened")
    with desk.surveillance.database.write() as connection:
        delivery_log.forget_deliveries(connection, desk.now - timedelta(days=90))
    assert [one.alert_id for one in desk.all()] == ["alert-2-0", "alert-2-0"]
    with desk.surveillance.database.read() as connection:
        assert outbox.depth(connection, desk.now).waiting == 2
        assert list(delivery_log.attempts_of(connection, [1]).values()) == [[]]
