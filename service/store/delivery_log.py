"""The log of deliveries: every message, and how each attempt to deliver it went.

In:     attempts; filters.
Out:    deliveries, the newest first; attempts in order.
Source: docs/delivery.md. No body is kept, neither of what was sent nor of what was answered.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from service.store.outbox import WAITING, Delivery
from service.store.tables import DeliveryAttemptRow, OutboxRow

_outbox = OutboxRow.metadata.tables["outbox"].c
_attempts = DeliveryAttemptRow.metadata.tables["delivery_attempts"].c


class Attempt(NamedTuple):
    """One try at delivering."""

    delivery_id: int
    attempted_at: datetime
    outcome: str
    status: int | None
    reason: str | None
    milliseconds: int


def add_attempts(connection: Connection, attempts: Collection[Attempt]) -> None:
    """Enter attempts."""
    if attempts:
        rows = [attempt._asdict() for attempt in attempts]
        connection.execute(insert(DeliveryAttemptRow), rows)


def deliveries_before(
    connection: Connection,
    filters: Mapping[str, Collection[str]],
    before: int | None,
    limit: int,
) -> list[Delivery]:
    """The next deliveries, the newest first, whose columns have one of the values named."""
    query = select(*_outbox).order_by(_outbox.id.desc()).limit(limit)
    for name, values in filters.items():
        if values:
            query = query.where(_outbox[name].in_(list(values)))
    if before is not None:
        query = query.where(_outbox.id < before)
    return [Delivery(*row) for row in connection.execute(query)]


def find_delivery(connection: Connection, delivery_id: int) -> Delivery | None:
    """One delivery by its number."""
    row = connection.execute(select(*_outbox).where(_outbox.id == delivery_id)).one_or_none()
    return None if row is None else Delivery(*row)


def attempts_of(connection: Connection, delivery_ids: Collection[int]) -> dict[int, list[Attempt]]:
    """Every attempt at the deliveries, in order."""
    found: dict[int, list[Attempt]] = {delivery_id: [] for delivery_id in delivery_ids}
    columns = [_attempts[name] for name in Attempt._fields]
    query = (
        select(*columns).where(_attempts.delivery_id.in_(list(delivery_ids))).order_by(_attempts.id)
    )
    for row in connection.execute(query):
        found[row.delivery_id].append(Attempt(*row))
    return found


def forget_deliveries(connection: Connection, before: datetime) -> None:
    """Remove what was finished before then, with its attempts."""
    old = (_outbox.state != WAITING, _outbox.finished_at < before)
    ids = select(_outbox.id).where(*old)
    connection.execute(delete(DeliveryAttemptRow).where(_attempts.delivery_id.in_(ids)))
    connection.execute(delete(OutboxRow).where(*old))
