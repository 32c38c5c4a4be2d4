"""All ways of telling somebody, behind one door.

In:     what the operator has set up; a recipient and what it is to be told.
Out:    what came of one attempt; a refusal of a target that nothing could be sent to.
Source: docs/delivery.md.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.channels.guard import Blocked, Rules, read_place
from service.channels.messages import document_of, message_id_of
from service.channels.webhook import Webhooks
from service.domain.delivery_outcomes import Outcome
from service.domain.recipients import Recipient
from service.store.outbox import Delivery
from service.store.recipients import KeptRecipient

ATTEMPT_SECONDS = 20.0
"""However slowly the other side answers, an attempt takes no longer."""


class UnfitTarget(ValueError):
    """Nothing could ever be sent there; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the operator has set up for telling people."""

    public_url: str | None = None
    rules: Rules = field(default_factory=Rules)


class Ways:
    """Sends to recipients of every channel."""

    def __init__(self, setup: Setup) -> None:
        """Nothing is connected yet."""
        self._setup = setup
        self._webhooks = Webhooks(setup.rules)
        self._senders = {"webhook": self._by_webhook}
        self._targets = {"webhook": self._require_url}

    def require_target(self, recipient: Recipient) -> None:
        """Raise `UnfitTarget` where nothing could be sent to the recipient."""
        self._targets[recipient.channel](recipient)

    async def send(
        self, kept: KeptRecipient, deliveries: Sequence[Delivery], now: datetime
    ) -> Outcome:
        """Try once to tell a recipient something."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._senders[kept.recipient.channel](kept, deliveries, now)
        except TimeoutError:
            return Outcome("failed", reason="timeout")

    async def _by_webhook(
        self, kept: KeptRecipient, deliveries: Sequence[Delivery], now: datetime
    ) -> Outcome:
        return await self._webhooks.send(
            kept.recipient.target,
            kept.secrets(now),
            message_id_of(deliveries),
            document_of(deliveries, self._setup.public_url),
            now,
        )

    def _require_url(self, recipient: Recipient) -> None:
        try:
            read_place(recipient.target, self._setup.rules)
        except Blocked as fault:
            raise UnfitTarget(str(fault)) from None
