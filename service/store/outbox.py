"""The outbox: what is still to be told to whom.

In:     messages, written in the transaction of what they tell.
Out:    those that are due, in order; what became of each.
Source: docs/delivery.md; docs/decisions/0020-delivery.md. C. Richardson, "Transactional outbox".

A message waits until it is delivered, has failed for good, or is cancelled.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from service.monitors.telling import ESCALATED, Message, Told
from service.store.tables import OutboxRow, RecipientRow

WAITING, DELIVERED, FAILED, CANCELLED = "waiting", "delivered", "failed", "cancelled"
STATES = (WAITING, DELIVERED, FAILED, CANCELLED)

_outbox = OutboxRow.metadata.tables["outbox"].c
_recipients = RecipientRow.metadata.tables["recipients"].c


class Delivery(NamedTuple):
    """A message and what became of it; `message_id` stays the same however often it is sent."""

    id: int
    message_id: str
    recipient_id: str
    alert_id: str | None
    event: str
    facts: dict[str, Any]
    is_urgent: bool
    is_in_digest: bool
    created_at: datetime
    due_at: datetime
    state: str
    attempts: int
    failing_since: datetime | None
    finished_at: datetime | None
    replay_of: int | None


class Depth(NamedTuple):
    """How much waits, and since when the oldest of what is due."""

    waiting: int
    oldest_due_at: datetime | None


def put_messages(
    connection: Connection,
    messages: Iterable[Message],
    alert_id: str | None,
    facts: Mapping[str, Any],
    now: datetime,
) -> list[int]:
    """Put messages into the outbox; their numbers."""
    return [
        _insert(
            connection,
            recipient_id=message.recipient_id,
            alert_id=alert_id,
            event=message.event,
            facts=dict(facts),
            is_urgent=message.is_urgent,
            is_in_digest=message.is_in_digest,
            created_at=now,
            due_at=message.due_at,
        )
        for message in messages
    ]


def put_again(connection: Connection, delivery: Delivery, now: datetime) -> int:
    """Have a message sent once more, at once; the number of the new delivery."""
    return _insert(
        connection,
        message_id=delivery.message_id,
        recipient_id=delivery.recipient_id,
        alert_id=delivery.alert_id,
        event=delivery.event,
        facts=delivery.facts,
        is_urgent=True,
        is_in_digest=False,
        created_at=now,
        due_at=now,
        replay_of=delivery.id,
    )


def told_of(connection: Connection, alert_id: str) -> list[Told]:
    """Every message of an alert that was not taken back."""
    query = (
        select(_outbox.recipient_id, _outbox.event, _outbox.due_at, _outbox.is_urgent)
        .where(_outbox.alert_id == alert_id, _outbox.state != CANCELLED)
        .order_by(_outbox.id)
    )
    return [Told(*row) for row in connection.execute(query)]


def cancel_escalations(
    connection: Connection,
    alert_id: str,
    now: datetime,
    recipient_ids: Collection[str] | None = None,
) -> None:
    """Take back what would have been told to these recipients (None: all) had nobody acknowledged
    the alert."""
    statement = update(OutboxRow).where(
        _outbox.alert_id == alert_id, _outbox.event == ESCALATED, _outbox.state == WAITING
    )
    if recipient_ids is not None:
        statement = statement.where(_outbox.recipient_id.in_(list(recipient_ids)))
    connection.execute(statement.values(state=CANCELLED, finished_at=now))


def hasten(
    connection: Connection, alert_id: str, recipient_ids: Collection[str], now: datetime
) -> None:
    """What waits for the morning or a digest goes out now: its alert has become critical."""
    statement = (
        update(OutboxRow)
        .where(
            _outbox.alert_id == alert_id,
            _outbox.recipient_id.in_(list(recipient_ids)),
            _outbox.state == WAITING,
            _outbox.event != ESCALATED,
            _outbox.due_at > now,
        )
        .values(due_at=now, is_urgent=True, is_in_digest=False)
    )
    connection.execute(statement)


def cancel_all(connection: Connection, recipient_id: str, now: datetime) -> None:
    """Take back everything that waits for a recipient."""
    statement = (
        update(OutboxRow)
        .where(_outbox.recipient_id == recipient_id, _outbox.state == WAITING)
        .values(state=CANCELLED, finished_at=now)
    )
    connection.execute(statement)


def due_for(
    connection: Connection, recipient_id: str, now: datetime, limit: int = 100
) -> list[Delivery]:
    """What is due for a recipient, in order."""
    query = (
        select(*_outbox)
        .where(
            _outbox.state == WAITING, _outbox.recipient_id == recipient_id, _outbox.due_at <= now
        )
        .order_by(_outbox.id)
        .limit(limit)
    )
    return [Delivery(*row) for row in connection.execute(query)]


def note_attempt(connection: Connection, delivery_id: int, now: datetime, **values: Any) -> None:
    """Count an attempt at a delivery that waits, and note what came of it."""
    statement = update(OutboxRow).where(_outbox.id == delivery_id, _outbox.state == WAITING)
    since = func.coalesce(_outbox.failing_since, now)
    values = {"attempts": _outbox.attempts + 1, "failing_since": since, **values}
    connection.execute(statement.values(**values))


def put_off(connection: Connection, ids: Collection[int], until: datetime) -> None:
    """Let deliveries wait until then."""
    statement = update(OutboxRow).where(_outbox.id.in_(list(ids)), _outbox.state == WAITING)
    connection.execute(statement.values(due_at=until))


def give_up(connection: Connection, recipient_id: str, before: datetime, now: datetime) -> int:
    """Try no more what has been due since before then; how many that are."""
    statement = (
        update(OutboxRow)
        .where(
            _outbox.recipient_id == recipient_id,
            _outbox.state == WAITING,
            _outbox.due_at <= before,
        )
        .values(state=FAILED, finished_at=now)
    )
    return connection.execute(statement).rowcount


def depth(connection: Connection, now: datetime) -> Depth:
    """How much waits for recipients that are switched on."""
    of_enabled = select(_recipients.id).where(_recipients.is_enabled)
    waiting = (_outbox.state == WAITING, _outbox.recipient_id.in_(of_enabled))
    number = connection.execute(select(func.count()).where(*waiting)).scalar_one()
    oldest = select(func.min(_outbox.due_at)).where(*waiting, _outbox.due_at <= now)
    return Depth(number, connection.execute(oldest).scalar_one())


def failing_since(connection: Connection) -> datetime | None:
    """Since when somebody who is switched on could not be told; None where everybody was."""
    of_enabled = select(_recipients.id).where(_recipients.is_enabled)
    query = select(func.min(_outbox.failing_since)).where(
        _outbox.state == WAITING, _outbox.recipient_id.in_(of_enabled)
    )
    since: datetime | None = connection.execute(query).scalar_one()
    return since


def _insert(connection: Connection, **values: Any) -> int:
    row = {"message_id": f"msg_{token_hex(16)}", "state": WAITING, "attempts": 0, **values}
    statement = insert(OutboxRow).values(**row).returning(_outbox.id)
    number: int = connection.execute(statement).scalar_one()
    return number
