"""Add, change and remove recipients; try them, and send again what was sent before.

In:     a recipient as somebody wishes it to be, and who wishes that.
Out:    the same, kept with an entry in the audit trail; a secret, shown this once.
Source: docs/delivery.md; docs/audit.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from service.channels.messages import TEST
from service.channels.signing import new_secret
from service.channels.ways import UnfitTarget, Ways
from service.domain.audit_chain import Actor
from service.domain.recipients import Recipient, faults_of
from service.errors import BadQuery, Conflict, Detail, NotFound
from service.monitors.telling import Message
from service.pipeline.surveillance import Surveillance
from service.store import audit, delivery_log, outbox
from service.store import recipients as recipient_store
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.outbox import Delivery
from service.store.recipients import KeptRecipient

MOST_RECIPIENTS = 500
"""Each change of an alert looks at all of them."""


def new_id() -> str:
    """An id that no recipient has had before."""
    return f"r-{token_hex(8)}"


MOST_NAME = 128


def require_sensible(recipient: Recipient, ways: Ways) -> None:
    """Raise `BadQuery` for a recipient that means nothing or could never be reached."""
    details = [Detail(f"/{field}", "not_applicable", text) for field, text in faults_of(recipient)]
    if not 0 < len(recipient.name.strip()) <= MOST_NAME:
        details.append(Detail("/name", "bad_name", f"A name has 1 to {MOST_NAME} characters."))
    try:
        ways.require_target(recipient)
    except UnfitTarget as fault:
        details.append(Detail("/target", "unfit_target", str(fault)))
    if details:
        raise BadQuery(details[0].message, details=tuple(details))


def add_recipient(
    surveillance: Surveillance, ways: Ways, recipient: Recipient, actor: Actor
) -> tuple[KeptRecipient, str | None]:
    """Keep a new recipient; with the secret that a webhook is signed with."""
    require_sensible(recipient, ways)
    secret = new_secret() if recipient.channel == "webhook" else None
    with surveillance.database.write() as connection:
        if len(recipient_store.all_recipients(connection)) >= MOST_RECIPIENTS:
            raise Conflict(f"There are {MOST_RECIPIENTS} recipients already, which is the most.")
        recipient_store.add_recipient(connection, recipient, secret, surveillance.clock())
        _enter(connection, surveillance, actor, "recipient_added", recipient.id, **_told(recipient))
        return find_recipient(connection, recipient.id), secret


def change_recipient(
    surveillance: Surveillance,
    ways: Ways,
    recipient_id: str,
    fields: Mapping[str, Any],
    actor: Actor,
) -> KeptRecipient:
    """Change some fields of a recipient; switched off, what waits for it is taken back."""
    with surveillance.database.write() as connection:
        before = find_recipient(connection, recipient_id).recipient
        after = replace(before, **fields)
        require_sensible(after, ways)
        recipient_store.save_recipient(connection, after)
        if not after.is_enabled:
            outbox.cancel_all(connection, recipient_id, surveillance.clock())
        told = _told(after)
        changed = {name: told[name] for name in told if told[name] != _told(before)[name]}
        if after.target != before.target:
            changed["target"] = told["target"]
        _enter(connection, surveillance, actor, "recipient_changed", recipient_id, **changed)
        return find_recipient(connection, recipient_id)


def remove_recipient(surveillance: Surveillance, recipient_id: str, actor: Actor) -> None:
    """Tell a recipient nothing more; the log of what it was told stays."""
    with surveillance.database.write() as connection:
        find_recipient(connection, recipient_id)
        recipient_store.remove_recipient(connection, recipient_id)
        outbox.cancel_all(connection, recipient_id, surveillance.clock())
        _enter(connection, surveillance, actor, "recipient_removed", recipient_id)


def rotate_secret(
    surveillance: Surveillance, recipient_id: str, overlap: timedelta, actor: Actor
) -> str:
    """A new secret for a webhook; until the overlap ends it is signed with both."""
    secret = new_secret()
    with surveillance.database.write() as connection:
        kept = find_recipient(connection, recipient_id)
        if kept.secret is None:
            raise Conflict("Only webhooks are signed: this recipient has no secret.")
        ends = surveillance.clock() + overlap
        recipient_store.put_secret(connection, recipient_id, secret, kept.secret, ends)
        hours = overlap.total_seconds() / 3600
        _enter(
            connection,
            surveillance,
            actor,
            "recipient_secret_rotated",
            recipient_id,
            overlap_hours=hours,
        )
    return secret


def send_test(surveillance: Surveillance, recipient_id: str, actor: Actor) -> Delivery:
    """Have a recipient told that this is a test, at once."""
    now = surveillance.clock()
    with surveillance.database.write() as connection:
        _require_enabled(find_recipient(connection, recipient_id))
        message = Message(recipient_id, TEST, now, is_urgent=True)
        (number,) = outbox.put_messages(connection, [message], None, {}, now)
        recipient_store.try_now(connection, recipient_id)
        _enter(connection, surveillance, actor, "recipient_tested", recipient_id)
        return find_delivery(connection, number)


def replay(surveillance: Surveillance, delivery_id: int, actor: Actor) -> Delivery:
    """Have a message sent once more, at once and under its own id."""
    with surveillance.database.write() as connection:
        delivery = find_delivery(connection, delivery_id)
        if delivery.state == outbox.WAITING:
            raise Conflict("It waits to be sent: there is nothing to repeat.")
        _require_enabled(find_recipient(connection, delivery.recipient_id))
        number = outbox.put_again(connection, delivery, surveillance.clock())
        facts = {"delivery": delivery_id, "again": number}
        _enter(connection, surveillance, actor, "delivery_replayed", delivery.recipient_id, **facts)
        return find_delivery(connection, number)


def find_recipient(connection: Connection, recipient_id: str) -> KeptRecipient:
    """One recipient; raises `NotFound` where there is none."""
    kept = recipient_store.find_recipient(connection, recipient_id)
    if kept is None:
        raise NotFound("No recipient of that id: see `GET /v1/recipients`.")
    return kept


def find_delivery(connection: Connection, delivery_id: int) -> Delivery:
    """One delivery; raises `NotFound` where there is none."""
    found = delivery_log.find_delivery(connection, delivery_id)
    if found is None:
        raise NotFound("No delivery of that number; the log goes back 90 days.")
    return found


def _require_enabled(kept: KeptRecipient) -> None:
    if not kept.recipient.is_enabled:
        raise Conflict("The recipient is switched off: switch it on first, with `enabled`.")


def _told(recipient: Recipient) -> dict[str, Any]:
    """What the audit trail says of a recipient: of its target the host alone.

    The rest of a URL may be a secret, and that of an e-mail address a person.
    """
    quiet, digest_at, bound = recipient.quiet_hours, recipient.digest_at, recipient.facilities
    is_webhook = recipient.channel == "webhook"
    target = urlsplit(recipient.target).hostname if is_webhook else recipient.target
    target = (target or "").rpartition("@")[2]
    return {
        "name": recipient.name,
        "channel": recipient.channel,
        "target": target,
        "facilities": None if bound is None else list(bound),
        "least_severity": recipient.least_severity,
        "quiet_hours": None if quiet is None else [f"{clock:%H:%M}" for clock in quiet],
        "timezone": recipient.timezone,
        "escalate_after_minutes": recipient.escalate_after_minutes,
        "digest_at": None if digest_at is None else f"{digest_at:%H:%M}",
        "enabled": recipient.is_enabled,
    }


def _enter(
    connection: Connection,
    surveillance: Surveillance,
    actor: Actor,
    what: str,
    recipient_id: str,
    **facts: Any,
) -> None:
    facts = {"recipient": recipient_id, **facts}
    audit.append(connection, [AuditEntry(surveillance.clock(), actor, what, facts)])
