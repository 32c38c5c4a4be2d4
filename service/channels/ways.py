"""All ways of telling somebody, behind one door.

In:     what the operator has set up; a recipient and what it is to be told.
Out:    what came of one attempt; a refusal of a target that nothing could be sent to.
Source: docs/delivery.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from service.channels import alertmanager, email
from service.channels.alertmanager import AlertmanagerServer, Standing
from service.channels.email import MailServer
from service.channels.guard import Blocked, Rules, read_place
from service.channels.messages import document_of, message_id_of, subject_of, text_of
from service.channels.webhook import Webhooks
from service.domain.delivery_outcomes import Outcome
from service.domain.recipients import Channel, Recipient
from service.store.outbox import Delivery
from service.store.recipients import KeptRecipient

ATTEMPT_SECONDS = 20.0
"""However slowly the other side answers, an attempt takes no longer."""


class UnfitTarget(ValueError):
    """Nothing could ever be sent there; the text says what to change."""


class Parcel(NamedTuple):
    """What a recipient is told in one attempt; what stands is for Alertmanager alone."""

    kept: KeptRecipient
    deliveries: Sequence[Delivery]
    standing: Sequence[Standing] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """What the operator has set up for telling people."""

    public_url: str | None = None
    rules: Rules = field(default_factory=Rules)
    mail: MailServer | None = None
    alertmanager: AlertmanagerServer | None = None


class Ways:
    """Sends to recipients of every channel."""

    def __init__(self, setup: Setup) -> None:
        """Nothing is connected yet."""
        self._setup = setup
        self._webhooks = Webhooks(setup.rules)
        self._senders: Mapping[Channel, Callable[[Parcel, datetime], Awaitable[Outcome]]] = {
            "webhook": self._by_webhook,
            "email": self._by_email,
            "alertmanager": self._by_alertmanager,
        }
        self._requirements: Mapping[Channel, Callable[[str], None]] = {
            "webhook": self._require_url,
            "email": self._require_addresses,
            "alertmanager": self._require_nothing,
        }

    def require_target(self, recipient: Recipient) -> None:
        """Raise `UnfitTarget` where nothing could be sent to the recipient."""
        self._requirements[recipient.channel](recipient.target)

    async def send(self, parcel: Parcel, now: datetime) -> Outcome:
        """Try once to tell a recipient something."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._senders[parcel.kept.recipient.channel](parcel, now)
        except TimeoutError:
            return Outcome("failed", reason="timeout")

    async def _by_webhook(self, parcel: Parcel, now: datetime) -> Outcome:
        kept, deliveries, _ = parcel
        document = document_of(deliveries, self._setup.public_url)
        return await self._webhooks.send(
            kept.recipient.target, kept.secrets(now), message_id_of(deliveries), document, now
        )

    async def _by_email(self, parcel: Parcel, now: datetime) -> Outcome:
        server, deliveries = self._setup.mail, parcel.deliveries
        if server is None:
            return Outcome("failed", reason="no_mail_server")
        about = {one.alert_id for one in deliveries}
        mail = email.letter(
            server,
            email.read_addresses(parcel.kept.recipient.target),
            subject_of(deliveries),
            text_of(deliveries, self._setup.public_url),
            message_id=message_id_of(deliveries),
            thread=about.pop() if len(about) == 1 else None,
            now=now,
        )
        return await asyncio.to_thread(email.hand_in, server, mail)

    async def _by_alertmanager(self, parcel: Parcel, now: datetime) -> Outcome:
        server = self._setup.alertmanager
        if server is None:
            return Outcome("failed", reason="no_alertmanager")
        documents = alertmanager.documents_of(parcel.standing, self._setup.public_url, now)
        if any(one.alert_id is None for one in parcel.deliveries):
            documents.append(alertmanager.document_of_test(now))
        return await alertmanager.tell(server, documents)

    def _require_url(self, target: str) -> None:
        try:
            read_place(target, self._setup.rules)
        except Blocked as fault:
            raise UnfitTarget(str(fault)) from None

    def _require_addresses(self, target: str) -> None:
        if self._setup.mail is None:
            raise UnfitTarget("No mail server is set up: an operator sets GRAFTWATCH_SMTP_HOST.")
        try:
            email.read_addresses(target)
        except ValueError as fault:
            raise UnfitTarget(str(fault)) from None

    def _require_nothing(self, target: str) -> None:
        if self._setup.alertmanager is None:
            raise UnfitTarget("No Alertmanager is set up: set GRAFTWATCH_ALERTMANAGER_URL.")
        if target:
            raise UnfitTarget("Alertmanager is where GRAFTWATCH_ALERTMANAGER_URL says: leave out.")
