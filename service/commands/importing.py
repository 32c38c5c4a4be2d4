"""`graftwatch import`: read a file of events into the database.

In:     NDJSON or CSV, plain or gzip, from a file or standard input.
Out:    every fault on standard error, a summary on standard output; exit code 0 where all were
        accepted or known before, 1 where some were rejected, 2 where nothing could be taken.
Source: docs/api.md; docs/operations.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import Bar, bar, say, tell
from service.commands.feeding import Account, feed, take_with_all_rights
from service.commands.opening import opened
from service.commands.sources import Format, Source, format_of, opened_source
from service.errors import Unreadable, Unsent
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from service.api.event_intake import EventResult
    from service.commands.feeding import Take
    from service.pipeline.surveillance import Surveillance

MOST_TOLD = 1000
SOME_REJECTED = 1
NOTHING_TAKEN = 2
INTERRUPTED = 130


def import_events(
    file: Annotated[
        str, typer.Argument(help="File of events, or `-` for standard input; gzip is unfolded.")
    ],
    format_: Annotated[
        Format | None, typer.Option("--format", help="Told by the file's ending if not given.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be rejected, and store nothing.")
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(help="A mapping file: FILE is a register's or REDCap's own CSV."),
    ] = None,
    max_errors: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many rejected events.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Send them to the service there, instead of the database.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="With --url: a file that holds the key for it.")
    ] = None,
) -> None:
    """Read a file of events into the database, batch by batch, in flat memory.

    Events that are stored already are known again and skipped: importing a file twice is harmless.
    """
    from service.commands.reading import reader

    settings = read_settings()
    if mapping is not None:
        from service.commands.importing_registers import import_register

        require_database(url)
        raise typer.Exit(
            import_register(settings, file, mapping, dry_run=dry_run, max_errors=max_errors)
        )
    file_format = format_ or format_of(file)
    account, faults = Account(), FaultList()
    stopped: BaseException | None = None
    with (
        opened_source(file) as source,
        destination(settings, url, key_file, dry_run=dry_run) as (surveillance, take),
        bar("Importing", source.total_bytes, in_bytes=True) as progress,
    ):
        read = reader(file_format, settings, surveillance)
        try:
            feed(
                take,
                read(_watched(source, progress)),
                account,
                batch_size=settings.ingest_batch_size,
                most_rejected=max_errors,
                told=faults.tell,
            )
        except (Unreadable, Unsent, KeyboardInterrupt) as fault:
            stopped = fault
    summarise(account, faults, stopped, dry_run=dry_run)
    raise typer.Exit(exit_code(account, stopped))


@dataclass
class FaultList:
    """Tells the faults of the first thousand rejected events as they come."""

    untold: int = 0
    told: int = 0

    def tell(self, result: "EventResult") -> None:
        """Write a line for each fault: where, which, and what to do; no value that was sent."""
        if self.told >= MOST_TOLD:
            self.untold += 1
            return
        self.told += 1
        for fault in result.errors:
            parts = (f"line {result.index}", fault.pointer, fault.code, fault.message)
            tell(": ".join(part for part in parts if part))


def summarise(
    account: Account, faults: FaultList, stopped: BaseException | None, *, dry_run: bool
) -> None:
    """Say what became of the events, and how far it came where it did not reach the end."""
    if faults.untold:
        tell(f"{faults.untold:,} more rejected events are not shown.")
    for code, number in account.warnings.most_common():
        tell(f"warning: {code} ({number:,} events){_explained(code)}")
    if not account.counts and stopped is None:
        tell("graftwatch: there are no events in it.")
    if isinstance(stopped, Unreadable | Unsent):
        tell(f"graftwatch: {stopped.message}")
    if stopped is not None:
        tell(
            "Stopped before the end. What is counted here is stored and stays; import the file "
            "again to go on, and it will be known."
        )
    say(f"{'Dry run, nothing stored: ' if dry_run else ''}{account}")


def exit_code(account: Account, stopped: BaseException | None) -> int:
    """What the shell is told."""
    if isinstance(stopped, KeyboardInterrupt):
        return INTERRUPTED
    if stopped is not None or not account.has_taken_any:
        return NOTHING_TAKEN
    return 0 if account.is_clean else SOME_REJECTED


@contextmanager
def destination(
    settings: Settings, url: str | None, key_file: Path | None, *, dry_run: bool
) -> "Iterator[tuple[Surveillance, Take]]":
    """Where the events go: the database, a service elsewhere, or nowhere."""
    if url is None:
        with opened(settings) as surveillance:
            yield surveillance, _taking(surveillance, dry_run=dry_run)
        return
    if dry_run:
        raise typer.BadParameter("only with the database itself", param_hint="'--dry-run'")
    from service.commands.sending import sending_to

    with sending_to(settings, url, key_file) as found:
        yield found


def require_database(url: str | None) -> None:
    """Refuse a mapping for a service elsewhere, which has a route for that."""
    if url is not None:
        raise typer.BadParameter(
            "only with the database itself; to a service, send the file to POST /v1/imports",
            param_hint="'--mapping'",
        )


def _taking(surveillance: "Surveillance", *, dry_run: bool) -> "Take":
    if not dry_run:
        return take_with_all_rights(surveillance)
    from service.commands.rehearsing import Rehearsal

    return Rehearsal(surveillance).take


def _watched(source: Source, progress: Bar) -> Iterator[bytes]:
    for piece in source.pieces():
        progress.reach(source.bytes_read)
        yield piece


def _explained(code: str) -> str:
    from service.domain.remarks import REMARKS

    return f": {REMARKS[code]}" if code in REMARKS else ""
