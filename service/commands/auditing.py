"""`graftwatch audit`: who did or saw what, and whether that record is whole.

In:     the database that the settings name.
Out:    entries, the chain's head, or every break that was found, and exit code 1 where any was.
Source: docs/audit.md.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import say, show
from service.commands.opening import opened
from service.settings import read_settings

if TYPE_CHECKING:
    from service.domain.audit_chain import ChainedEntry, Link

app = typer.Typer(no_args_is_help=True, help="Show the audit trail, and see that it is whole.")


def _head(text: str) -> "Link":
    from service.domain.audit_chain import Link

    try:
        return Link.read(text)
    except ValueError:
        advice = "a head is written NUMBER:HASH, as `graftwatch audit head` prints it"
        raise typer.BadParameter(advice) from None


@app.command()
def head() -> None:
    """Print where the chain ends. Keep it elsewhere: `verify --head` then finds a cut end too."""
    from service.domain.audit_chain import NOTHING_YET
    from service.store import audit

    with (
        opened(read_settings(), under_any_rules=True) as surveillance,
        surveillance.database.read() as connection,
    ):
        found = audit.head(connection)
    say(str(found or NOTHING_YET))


@app.command()
def verify(
    anchor: Annotated[
        str | None,
        typer.Option("--head", metavar="NUMBER:HASH", help="A head that was printed earlier."),
    ] = None,
) -> None:
    """Follow the chain from its first entry and name every break in it."""
    from service.pipeline.audit_trail import check_chain

    expected = _head(anchor) if anchor else None
    with (
        opened(read_settings(), under_any_rules=True) as surveillance,
        surveillance.database.read() as connection,
    ):
        check = check_chain(connection, expected)
    say(f"Entries: {check.entries:,}. Head: {check.last}")
    for one in check.breaks:
        say(f"{one.sequence}: {one.code}: {one.message}")
    if check.found > len(check.breaks):
        say(f"{check.found - len(check.breaks):,} more breaks are not shown.")
    if check.found:
        say("The audit trail is not what was written.")
        raise typer.Exit(1)
    say("The audit trail is whole.")
    if expected is None:
        say("Only a head kept elsewhere tells whether its end was cut off: `--head`.")


@app.command("show")
def show_entries(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    action: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    actor: Annotated[list[str] | None, typer.Option(help="Only of these; repeatable.")] = None,
) -> None:
    """Show the latest entries."""
    from service.store import audit_log

    with (
        opened(read_settings(), under_any_rules=True) as surveillance,
        surveillance.database.read() as connection,
    ):
        found = audit_log.entries(connection, limit=limit, actions=action or (), actors=actor or ())
    show(
        "Audit trail",
        ("entry", "when (UTC)", "who", "key", "what", "patients", "facts"),
        [_row(entry) for entry in found],
        right=("entry", "patients"),
    )


def _row(entry: "ChainedEntry") -> tuple[str, ...]:
    return (
        str(entry.sequence),
        f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}",
        entry.actor,
        entry.key_id or "",
        entry.action,
        str(len(entry.subjects) or ""),
        json.dumps(entry.detail, sort_keys=True) if entry.detail else "",
    )
