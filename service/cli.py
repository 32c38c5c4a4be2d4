"""`graftwatch`, the command: what can be typed, and how a fault is told.

In:     the command line and GRAFTWATCH_* variables.
Out:    exit code 0; 2 and one line on standard error where something cannot be done.
Source: docs/operations.md.
"""

import sqlite3
import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from service import __version__
from service.commands import (
    auditing,
    backing_up,
    baselines,
    budget,
    clients,
    demo,
    doctoring,
    exporting,
    importing,
    keys,
    migrating,
    patient,
    rebuilding,
    recipients,
    replaying,
    serving,
    simulating,
    terms,
)
from service.commands.collecting import collect_seldom
from service.commands.console import say, tell
from service.errors import GraftwatchError
from service.settings import SettingsError

CANNOT = 2


class Commands(TyperGroup):
    """Tells an expected fault in a line; anything else is a bug and shows where it happened."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as fault:
            text = _sentence(fault)
            if text is None:
                raise
        for line in text.splitlines():
            tell(f"graftwatch: {line}")
        raise typer.Exit(CANNOT)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its pages may show local variables, and with them patients
    help="Watches infections after transplantation: incidence rates, baselines, early alerts.",
    epilog="Settings are environment variables, GRAFTWATCH_*: see docs/operations.md.",
)


def _say_version(asked: bool) -> None:
    if asked:
        say(f"graftwatch {__version__}")
        raise typer.Exit


@app.callback()
def graftwatch(
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Prepare what every command needs."""
    collect_seldom()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a poor terminal must not stop a command
    from service.logs import configure_logging

    configure_logging("warning", "console")


def _sentence(fault: Exception) -> str | None:
    """What to say of a fault that can be expected; None of any other."""
    if isinstance(fault, SettingsError):
        return str(fault)
    if isinstance(fault, GraftwatchError):
        return fault.message
    if isinstance(fault, OSError) and fault.filename is not None:
        return f"{fault.filename}: {fault.strerror}"
    return _of_database(fault) if "sqlalchemy" in sys.modules else None


def _of_database(fault: Exception) -> str | None:
    from service.store.unavailable import UNAVAILABLE

    cause = getattr(fault, "orig", None) or fault
    # What SQLite says of a file that is no database, or a damaged one; its kinds say the rest.
    if not isinstance(fault, UNAVAILABLE) and type(cause) is not sqlite3.DatabaseError:
        return None
    reason, _, _ = str(cause).partition("\n")
    return f"The database cannot be used: {reason}"


app.command()(serving.serve)
app.command()(migrating.migrate)
app.command("demo")(demo.demo)
app.command("import")(importing.import_events)
app.command()(rebuilding.rebuild)
app.command()(doctoring.doctor)
app.command()(backing_up.backup)
app.command()(backing_up.restore)
app.command()(simulating.simulate)
app.command()(budget.budget)
app.command()(replaying.replay)
app.add_typer(auditing.app, name="audit")
app.add_typer(baselines.app, name="baselines")
app.add_typer(clients.app, name="clients")
app.add_typer(exporting.app, name="export")
app.add_typer(keys.app, name="keys")
app.add_typer(patient.app, name="patient")
app.add_typer(terms.app, name="terms")
app.add_typer(recipients.app, name="recipients")
