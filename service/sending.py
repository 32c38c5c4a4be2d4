"""Sending as the settings have it, for as long as something else runs.

In:     the settings.
Out:    whom messages can reach, how patiently it is tried; a sender that runs beside the service.
Source: docs/delivery.md, "Setting it up".
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from service.channels.alertmanager import AlertmanagerServer
from service.channels.email import MailServer
from service.channels.guard import Rules, read_networks
from service.channels.ways import Setup
from service.domain.delivery_times import Patience
from service.pipeline.sender import Pace, Sender
from service.settings import Settings


@asynccontextmanager
async def sending(sender: Sender) -> AsyncIterator[None]:
    """Send what is in the outbox for as long as the block lasts."""
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        sender.close()
        await task


def setup_of(settings: Settings) -> Setup:
    """What the settings say of telling people."""
    rules = Rules(settings.webhook_allow_http, read_networks(settings.webhook_networks))
    mail = alertmanager = None
    if settings.smtp_host:
        mail = MailServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            settings.smtp_username,
            settings.smtp_password,
            settings.smtp_from,
        )
    if settings.alertmanager_url:
        alertmanager = AlertmanagerServer(settings.alertmanager_url, settings.alertmanager_token)
    return Setup(settings.public_url, rules, mail, alertmanager)


def pace_of(settings: Settings) -> Pace:
    """How often to look into the outbox, and how patiently to try."""
    patience = Patience(
        settings.delivery_retry_seconds,
        settings.delivery_retry_most_seconds,
        timedelta(days=settings.delivery_keep_days),
    )
    return Pace(settings.delivery_poll_seconds, patience)
