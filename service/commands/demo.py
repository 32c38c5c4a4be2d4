"""`graftwatch demo`: the whole service with example data, on this machine only.

In:     a SQLite file, made in the current folder where it is not there.
Out:    first rates and alerts on standard output; then the service, until Ctrl-C.
Source: docs/example-data.md.
"""

from pathlib import Path
from typing import Annotated

import typer

from service.commands.console import say
from service.settings import Settings, read_settings

DATABASE = Path("graftwatch-demo.db")


def demo(
    port: Annotated[
        int | None, typer.Option(help="TCP port to listen on, instead of GRAFTWATCH_PORT.")
    ] = None,
    database: Annotated[
        Path, typer.Option(help="SQLite file that keeps the demonstration.")
    ] = DATABASE,
    reset: Annotated[
        bool, typer.Option("--reset", help="Remove the file's demonstration and begin anew.")
    ] = False,
    no_serve: Annotated[
        bool,
        typer.Option("--no-serve", "--print-only", help="Load and print, but do not serve."),
    ] = False,
) -> None:
    """Show Graftwatch with example data: a real trial, an invented network, a reported cluster.

    No keys are asked for, and nobody but this machine can reach it.
    """
    from service.commands.serving import CANNOT_START, listen, run
    from service.logs import configure_logging

    settings = demo_settings(database, port)
    # Before the loading: a taken port is better known at once.
    listener = None if no_serve else listen(settings)
    if reset:
        remove(settings, database)
    prepare(settings, database)
    if listener is None:
        return
    from service.main import create_app

    configure_logging("warning", "console")
    say("Serving until you press Ctrl-C.")
    if not run(create_app(settings), listener):
        raise typer.Exit(CANNOT_START)


def demo_settings(database: Path, port: int | None) -> Settings:
    """The operator's settings, but for what makes a demonstration."""
    from service.examples.cgd import CASE_DEFINITIONS_FILE

    chosen = {} if port is None else {"port": port}
    return read_settings(
        database_url=f"sqlite:///{database}",
        auth="off",
        host="127.0.0.1",
        workers=1,
        case_definitions_file=CASE_DEFINITIONS_FILE,
        **chosen,
    )


def prepare(settings: Settings, database: Path) -> None:
    """Load what is missing, and show the first figures."""
    from service.commands.demonstration import load
    from service.commands.first_look import show_addresses, show_alerts, show_rates
    from service.commands.migrating import HEAD, go_to
    from service.commands.opening import opened

    require_ours(settings, database)
    go_to(settings, HEAD)
    with opened(settings) as surveillance:
        account = load(surveillance, settings)
        if account.counts:
            say(f"Loaded into {database}: {account}.")
        else:
            say(f"The demonstration in {database} is loaded already; --reset makes a fresh one.")
        show_rates(surveillance)
        show_alerts(surveillance)
        show_addresses(f"http://{settings.host}:{settings.port}")


def remove(settings: Settings, database: Path) -> None:
    """Remove the file of a demonstration; refuses one that holds anything else."""
    from service.commands.demonstration import first_day
    from service.commands.opening import opened

    if not database.exists():
        return
    require_ours(settings, database)
    with opened(settings, under_any_rules=True) as surveillance:
        first_day(surveillance)
    for ending in ("", "-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)


def require_ours(settings: Settings, database: Path) -> None:
    """Refuse a file that this release of Graftwatch did not make, before changing it."""
    from service.commands.demonstration import NotTheDemonstration
    from service.store.engine import Database
    from service.store.migrate import is_at_head

    if not database.exists():
        return
    store = Database(settings.database_url)
    try:
        with store.read() as connection:
            if is_at_head(connection):
                return
    finally:
        store.close()
    raise NotTheDemonstration(
        f"{database} was made by another release or another program: remove it, or name another "
        "file with --database."
    )
