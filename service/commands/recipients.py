"""`graftwatch recipients`: who is told of alerts, and what each was told.

In:     a name, a channel, what the recipient wishes to hear; ids.
Out:    tables; the secret of a webhook, once and alone on standard output.
Source: docs/delivery.md.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time, timedelta
from typing import TYPE_CHECKING, Annotated, cast

import typer

from service.commands import recipient_words as words
from service.commands.console import say, show, tell
from service.commands.opening import opened
from service.domain.recipients import (
    CHANNELS,
    SEVERITIES,
    Channel,
    Recipient,
    Severity,
)
from service.settings import read_settings

if TYPE_CHECKING:
    from service.channels.ways import Ways
    from service.pipeline.surveillance import Surveillance

app = typer.Typer(no_args_is_help=True, help="Say who is told of alerts, and see what they were.")

LONGEST_OVERLAP_HOURS = 24 * 30
RecipientId = Annotated[
    str, typer.Argument(metavar="ID", help="The id that `recipients list` shows.")
]


@contextmanager
def _desk() -> "Iterator[tuple[Surveillance, Ways]]":
    from service.channels.ways import Ways
    from service.sending import setup_of

    settings = read_settings()
    with opened(settings, under_any_rules=True) as surveillance:
        yield surveillance, Ways(setup_of(settings))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Who it is, for you to recognise.")],
    channel: Annotated[
        str, typer.Argument(help=f"One of {', '.join(CHANNELS)}.", callback=words.known_channel)
    ],
    target: Annotated[
        str, typer.Argument(help="A URL, or e-mail addresses with commas between.")
    ] = "",
    facility: Annotated[
        list[str] | None,
        typer.Option(
            help="Facility it hears of; repeat for several. Without any, of all.",
            parser=words.facility_name,
            metavar="FACILITY",
        ),
    ] = None,
    least_severity: Annotated[
        str, typer.Option(help=f"One of {', '.join(SEVERITIES)}.", callback=words.known_severity)
    ] = "warning",
    quiet: Annotated[
        str | None,
        typer.Option(
            help="When only critical alerts are told.",
            callback=words.are_quiet_hours,
            metavar="HH:MM-HH:MM",
        ),
    ] = None,
    timezone: Annotated[
        str, typer.Option(help="Whose clocks count for it.", callback=words.known_zone)
    ] = "UTC",
    escalate_after: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=7 * 24 * 60,
            metavar="MINUTES",
            help="Hears only of alerts that nobody has acknowledged for so long.",
        ),
    ] = None,
    digest_at: Annotated[
        time | None,
        typer.Option(
            help="What is not critical comes once a day, then.", parser=words.clock, metavar="HH:MM"
        ),
    ] = None,
) -> None:
    """Have somebody told of alerts; a webhook's secret is shown this once."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.recipients import add_recipient, new_id

    recipient = Recipient(
        id=new_id(),
        name=name,
        channel=cast("Channel", channel),
        target=target,
        facilities=tuple(sorted(set(facility))) if facility else None,
        least_severity=cast("Severity", least_severity),
        quiet_hours=None if quiet is None else words.quiet_hours(quiet),
        timezone=timezone,
        escalate_after_minutes=escalate_after,
        digest_at=digest_at,
    )
    with _desk() as (surveillance, ways):
        _, secret = add_recipient(surveillance, ways, recipient, COMMAND_LINE)
    tell(f"Recipient {recipient.id} is told of alerts from now on.")
    if secret is not None:
        tell("This is the secret that messages are signed with. It is shown this once.")
        sys.stdout.write(f"{secret}\n")


@app.command("list")
def list_all() -> None:
    """List all recipients, and whether the last attempt to tell them something succeeded."""
    from service.store.recipients import all_recipients

    with _desk() as (surveillance, _), surveillance.database.read() as connection:
        found = all_recipients(connection)
    if not found:
        say("Nobody is told of alerts yet: see `graftwatch recipients add --help`.")
        return
    show(
        "Recipients",
        ("id", "name", "channel", "target", "hears of", "when", "state"),
        [
            (
                kept.recipient.id,
                kept.recipient.name,
                kept.recipient.channel,
                kept.recipient.target,
                words.what_it_hears(kept.recipient),
                words.when_it_hears(kept.recipient),
                words.state_of(kept),
            )
            for kept in found
        ],
    )


@app.command()
def remove(recipient_id: RecipientId) -> None:
    """Tell a recipient no more; the log of what it was told stays."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.recipients import remove_recipient

    with _desk() as (surveillance, _):
        remove_recipient(surveillance, recipient_id, COMMAND_LINE)
    say(f"Recipient {recipient_id} is told no more.")


@app.command()
def enable(recipient_id: RecipientId) -> None:
    """Switch a recipient on again, after it was gone or switched off."""
    _switch(recipient_id, is_on=True)


@app.command()
def disable(recipient_id: RecipientId) -> None:
    """Switch a recipient off; what waits for it is taken back."""
    _switch(recipient_id, is_on=False)


@app.command()
def test(recipient_id: RecipientId) -> None:
    """Have the running service tell a recipient that this is a test."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.recipients import send_test

    with _desk() as (surveillance, _):
        delivery = send_test(surveillance, recipient_id, COMMAND_LINE)
    say(f"Delivery {delivery.id} waits to be sent: see `graftwatch recipients log`.")


@app.command("rotate-secret")
def rotate_secret(
    recipient_id: RecipientId,
    overlap: Annotated[
        int,
        typer.Option(
            min=0,
            max=LONGEST_OVERLAP_HOURS,
            metavar="HOURS",
            help="For so long messages are signed with both.",
        ),
    ] = 24,
) -> None:
    """Give a webhook a new secret and show it, once."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline import recipients

    with _desk() as (surveillance, _):
        hours = timedelta(hours=overlap)
        secret = recipients.rotate_secret(surveillance, recipient_id, hours, COMMAND_LINE)
    tell(f"A new secret, shown this once. The one before it is used beside it for {overlap} hours.")
    sys.stdout.write(f"{secret}\n")


@app.command()
def log(
    recipient: Annotated[str | None, typer.Option(metavar="ID", help="Of this one only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, the newest first.")] = 20,
) -> None:
    """Show what was told to whom, and how the last attempt went."""
    from service.store.delivery_log import attempts_of, deliveries_before

    filters = {"recipient_id": [recipient] if recipient else []}
    with _desk() as (surveillance, _), surveillance.database.read() as connection:
        found = deliveries_before(connection, filters, None, limit)
        attempts = attempts_of(connection, [one.id for one in found])
    show(
        "Deliveries",
        ("id", "created", "recipient", "event", "alert", "state", "attempts", "last"),
        [
            (
                str(one.id),
                f"{one.created_at:%Y-%m-%d %H:%M:%S}",
                one.recipient_id,
                one.event,
                one.alert_id or "",
                one.state,
                str(one.attempts),
                " ".join(
                    str(part)
                    for last in attempts[one.id][-1:]
                    for part in (last.outcome, last.status, last.reason)
                    if part is not None
                ),
            )
            for one in found
        ],
        right=("id", "attempts"),
    )


@app.command()
def replay(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", help="As `recipients log` shows it.")],
) -> None:
    """Have the running service send a message once more."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline import recipients

    with _desk() as (surveillance, _):
        delivery = recipients.replay(surveillance, delivery_id, COMMAND_LINE)
    say(f"Delivery {delivery.id} waits to be sent.")


def _switch(recipient_id: str, *, is_on: bool) -> None:
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.recipients import change_recipient

    with _desk() as (surveillance, ways):
        fields = {"is_enabled": is_on}
        change_recipient(surveillance, ways, recipient_id, fields, COMMAND_LINE)
    say(f"Recipient {recipient_id} is switched {'on' if is_on else 'off'}.")
