"""`graftwatch import --mapping`: read a register's file into the database.

In:     a CSV file, plain or gzip, and a mapping file.
Out:    every fault on standard error with its line and column, a summary on standard output.
Source: docs/imports.md.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.console import bar, say, tell, tell_details
from service.commands.feeding import undisturbed
from service.commands.opening import opened
from service.commands.sources import opened_source
from service.errors import BadRequest, Conflict, GraftwatchError, Unreadable
from service.settings import Settings

if TYPE_CHECKING:
    from service.ingest.registers.mapping import Mapping
    from service.ingest.registers.rows import Reader
    from service.pipeline.surveillance import Surveillance

ALL_TAKEN, SOME_REJECTED, NOTHING_TAKEN, INTERRUPTED = 0, 1, 2, 130


def import_register(
    settings: Settings, file: str, mapping_file: Path, *, dry_run: bool, max_errors: int | None
) -> int:
    """Read the file row by row; returns what the shell is told."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.ingest.registers.rows import read_rows
    from service.pipeline.imports import Importer, in_batches

    mapping = _mapping(mapping_file)
    counts: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    stopped: BaseException | None = None
    with (
        opened_source(file) as source,
        opened(settings) as surveillance,
        bar("Importing", source.total_bytes, in_bytes=True) as progress,
    ):
        importer = Importer(surveillance, COMMAND_LINE, lambda _: True, is_dry=dry_run)
        rows = read_rows(source.pieces(), _reader(mapping, settings, surveillance))
        try:
            for batch in in_batches(rows, settings.ingest_batch_size):
                with undisturbed():
                    account = importer.take(batch)
                    counts += account.counts
                    warnings += account.warnings
                progress.reach(source.bytes_read)
                for fault in account.faults:
                    place = f"line {fault.line}"
                    parts = (place, fault.column, fault.code, fault.message)
                    tell(": ".join(part for part in parts if part))
                if max_errors is not None and counts["rejected"] >= max_errors:
                    break
        except (BadRequest, Conflict, KeyboardInterrupt) as fault:
            stopped = fault
    _summarise(counts, warnings, stopped, dry_run=dry_run)
    return _exit_code(counts, stopped)


def _mapping(file: Path) -> "Mapping":
    from service.ingest.registers.mapping import read_mapping
    from service.ingest.toml_tables import BadMapping, text_of

    try:
        return read_mapping(text_of(file))
    except BadMapping as fault:
        tell_details(fault, str(file))
        raise


def _reader(mapping: "Mapping", settings: Settings, surveillance: "Surveillance") -> "Reader":
    from service.ingest.pseudonyms import Pseudonyms
    from service.ingest.registers.rows import Reader

    secret = settings.pseudonym_key
    pseudonyms = Pseudonyms(secret) if secret else None
    return Reader(mapping, pseudonyms, surveillance.latest_date_on_earth())


def _summarise(
    counts: Counter[str],
    warnings: Counter[str],
    stopped: BaseException | None,
    *,
    dry_run: bool,
) -> None:
    from service.domain.remarks import REMARKS

    for code, number in warnings.most_common():
        tell(f"warning: {code} ({number:,} rows): {REMARKS.get(code, '')}".rstrip(": "))
    if isinstance(stopped, GraftwatchError):
        if isinstance(stopped, Unreadable):
            tell_details(stopped, "first line")
        tell(f"graftwatch: {stopped.message}")
    if stopped is not None and counts:
        tell("Stopped before the end. Import the file again to go on: what is stored is known.")
    told = {
        "rows": counts["rows"],
        "events accepted": counts["accepted"],
        "known before": counts["duplicate"],
        "taken back": counts["voided"],
        "rows rejected": counts["rejected"],
    }
    text = ", ".join(f"{number:,} {word}" for word, number in told.items())
    say(f"{'Dry run, nothing stored: ' if dry_run else ''}{text}")


def _exit_code(counts: Counter[str], stopped: BaseException | None) -> int:
    if isinstance(stopped, KeyboardInterrupt):
        return INTERRUPTED
    if stopped is not None or counts["rows"] == counts["rejected"]:
        return NOTHING_TAKEN
    return SOME_REJECTED if counts["rejected"] else ALL_TAKEN
