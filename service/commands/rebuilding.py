"""`graftwatch rebuild`: count everything again from the events, and compare with the ledger.

In:     the database that the settings name.
Out:    what differs, and exit code 1 where anything does; with `--apply`, a ledger put right.
Source: docs/methods.md 6; docs/operations.md, "Backup and restore".
"""

from typing import Annotated

import typer

from service.commands.console import bar, say
from service.commands.opening import opened
from service.settings import read_settings


def rebuild(
    apply: Annotated[
        bool, typer.Option("--apply", help="Put right what differs, instead of only saying so.")
    ] = False,
) -> None:
    """Replay all events and report whether the ledger agrees with them, while others serve.

    Run it with `--apply` after changing GRAFTWATCH_FOLLOWUP_GRACE_DAYS, with the service stopped.
    Where it is cut, the next `--apply` goes on from there.
    """
    from service.pipeline import rebuild as replay

    settings = read_settings()
    with (
        opened(settings, under_any_rules=True) as surveillance,
        bar("Replaying patients", None) as progress,
    ):
        found = replay.rebuild(surveillance, apply=apply, progress=progress.advance)
    say(f"Patients replayed: {found.patients:,}.")
    if found.resumed_after:
        say(f"The first {found.resumed_after:,} by an earlier rebuild, which was cut.")
    if found.is_clean:
        say("The ledger is what the events say it is.")
        return
    say(
        f"Patients that differ: {found.patients_that_differ:,}; "
        f"sums that differ: {found.sums_that_differ:,}."
    )
    if not apply:
        say("Nothing was changed: `graftwatch rebuild --apply` puts the ledger right.")
        raise typer.Exit(1)
    say("The ledger has been put right.")
