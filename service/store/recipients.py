"""Recipients as they are kept, and who sends to each just now.

In:     `Recipient`s; the lease of a sender.
Out:    the same with their secrets and how sending to them goes.
Source: docs/delivery.md; docs/decisions/0020-delivery.md.

A sender takes a whole recipient for a while, not single messages: so nobody else sends to it
meanwhile, its messages go out in order, and one that is down is tried by one message at a time.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, delete, exists, func, insert, or_, select, update

from service.domain.delivery_outcomes import Health
from service.domain.recipients import QuietHours, Recipient
from service.store.tables import OutboxRow, RecipientRow

_recipients = RecipientRow.metadata.tables["recipients"].c
_outbox = OutboxRow.metadata.tables["outbox"].c


class KeptRecipient(NamedTuple):
    """A recipient with what the service knows of it besides."""

    recipient: Recipient
    created_at: datetime
    disabled_because: str | None
    secret: str | None
    previous_secret: str | None
    previous_until: datetime | None
    refresh_at: datetime | None
    health: Health

    def secrets(self, now: datetime) -> list[str]:
        """What a message is signed with, the newest first; two of them after a rotation."""
        kept = [self.secret] if self.secret else []
        if self.previous_secret and self.previous_until and now < self.previous_until:
            kept.append(self.previous_secret)
        return kept


def all_recipients(connection: Connection) -> list[KeptRecipient]:
    """Every recipient, in order of creation."""
    query = select(*_recipients).order_by(_recipients.created_at, _recipients.id)
    return [_kept(row) for row in connection.execute(query).mappings()]


def find_recipient(connection: Connection, recipient_id: str) -> KeptRecipient | None:
    """One recipient by its id."""
    query = select(*_recipients).where(_recipients.id == recipient_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _kept(row)


def add_recipient(
    connection: Connection, recipient: Recipient, secret: str | None, now: datetime
) -> None:
    """Keep a new recipient."""
    refreshed = now if recipient.channel == "alertmanager" else None
    row = {**_row(recipient), "secret": secret, "created_at": now, "refresh_at": refreshed}
    row |= Health()._asdict()
    connection.execute(insert(RecipientRow), row)


def save_recipient(
    connection: Connection, recipient: Recipient, disabled_because: str | None = None
) -> None:
    """Keep a recipient as it now is; whoever failed before is tried again at once."""
    values = {**_row(recipient), **Health()._asdict(), "disabled_because": disabled_because}
    _update(connection, recipient.id, values)


def remove_recipient(connection: Connection, recipient_id: str) -> None:
    """Forget a recipient; what was told to it stays in the log."""
    connection.execute(delete(RecipientRow).where(_recipients.id == recipient_id))


def put_secret(
    connection: Connection, recipient_id: str, secret: str, before: str | None, until: datetime
) -> None:
    """Sign with a new secret, and with the one before it too until then."""
    values = {"secret": secret, "previous_secret": before, "previous_until": until}
    _update(connection, recipient_id, values)


def lease_recipient(
    connection: Connection, sender: str, now: datetime, until: datetime
) -> KeptRecipient | None:
    """Take any recipient to whom something is due; None where there is none.

    One that another sender is just taking is passed over and not waited for. By chance, so that
    nobody is always the last.
    """
    any_one = select(_recipients.id).where(*_is_due(now)).order_by(func.random()).limit(1)
    if connection.dialect.name == "postgresql":
        any_one = any_one.with_for_update(skip_locked=True)
    statement = (
        update(RecipientRow)
        .where(_recipients.id == any_one.scalar_subquery(), *_is_due(now))
        .values(leased_by=sender, leased_until=until)
        .returning(*_recipients)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else _kept(row)


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Is there a recipient to send to?"""
    return connection.execute(select(exists().where(*_is_due(now)))).scalar_one()


def keep_lease(
    connection: Connection,
    recipient_id: str,
    sender: str,
    until: datetime | None,
    health: Health,
) -> bool:
    """Hold the lease for longer, or give it back with None, and note how it went.

    False where the lease was lost to another sender; then nothing is changed.
    """
    statement = (
        update(RecipientRow)
        .where(_recipients.id == recipient_id, _recipients.leased_by == sender)
        .values(leased_until=until, leased_by=sender if until else None, **health._asdict())
    )
    return connection.execute(statement).rowcount == 1


def refresh_at(connection: Connection, recipient_id: str, at: datetime) -> None:
    """Tell it anew then of all that stands, even where nothing has happened."""
    _update(connection, recipient_id, {"refresh_at": at})


def try_now(connection: Connection, recipient_id: str) -> None:
    """Wait no longer after a failure: somebody wishes to see whether it works."""
    _update(connection, recipient_id, {"retry_at": None})


def _is_due(now: datetime) -> tuple[Any, ...]:
    """Nobody sends to it, it is not waiting after a failure, and something is due for it."""
    something = exists().where(
        _outbox.state == "waiting", _outbox.recipient_id == _recipients.id, _outbox.due_at <= now
    )
    return (
        _recipients.is_enabled,
        or_(_recipients.leased_until.is_(None), _recipients.leased_until <= now),
        or_(_recipients.retry_at.is_(None), _recipients.retry_at <= now),
        or_(something, _recipients.refresh_at <= now),
    )


def _update(connection: Connection, recipient_id: str, values: Mapping[str, Any]) -> None:
    statement = update(RecipientRow).where(_recipients.id == recipient_id).values(**values)
    connection.execute(statement)


def _row(recipient: Recipient) -> dict[str, Any]:
    quiet = recipient.quiet_hours
    return {
        "id": recipient.id,
        "name": recipient.name,
        "channel": recipient.channel,
        "target": recipient.target,
        "facilities": None if recipient.facilities is None else list(recipient.facilities),
        "least_severity": recipient.least_severity,
        "quiet_hours": None if quiet is None else [f"{clock:%H:%M}" for clock in quiet],
        "timezone": recipient.timezone,
        "escalate_after_minutes": recipient.escalate_after_minutes,
        "digest_at": None if recipient.digest_at is None else f"{recipient.digest_at:%H:%M}",
        "is_enabled": recipient.is_enabled,
    }


def _kept(row: RowMapping) -> KeptRecipient:
    quiet, digest_at, bound = row["quiet_hours"], row["digest_at"], row["facilities"]
    recipient = Recipient(
        id=row["id"],
        name=row["name"],
        channel=row["channel"],
        target=row["target"],
        facilities=None if bound is None else tuple(bound),
        least_severity=row["least_severity"],
        quiet_hours=None if quiet is None else QuietHours(*map(time.fromisoformat, quiet)),
        timezone=row["timezone"],
        escalate_after_minutes=row["escalate_after_minutes"],
        digest_at=None if digest_at is None else time.fromisoformat(digest_at),
        is_enabled=row["is_enabled"],
    )
    health = Health(*(row[name] for name in Health._fields))
    known = {name: row[name] for name in KeptRecipient._fields if name in row}
    return KeptRecipient(recipient=recipient, health=health, **known)
