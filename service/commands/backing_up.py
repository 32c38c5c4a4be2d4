"""`graftwatch backup` and `graftwatch restore`: a copy of everything, and back from it with proof.

In:     the database that the settings name, and a file.
Out:    an archive, while the service runs; a database filled from one, and what proves it is whole.
Source: docs/operations.md, "Backup and restore".
"""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import bar, say, tell
from service.commands.migrating import HEAD, go_to
from service.commands.opening import opened
from service.settings import read_settings

if TYPE_CHECKING:
    from service.pipeline.restore import Proof

NOT_IN_IT = (
    "Not in it, and to be kept as well: the settings, GRAFTWATCH_PSEUDONYM_KEY, and the file of "
    "case definitions if there is one."
)


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write; it must not exist.")],
) -> None:
    """Write everything the database holds into one file, while the service goes on."""
    from service.pipeline.backup import back_up
    from service.store.table_copies import shapes

    with (
        opened(read_settings(), under_any_rules=True) as surveillance,
        bar("Copying tables", len(shapes())) as progress,
    ):
        made = back_up(surveillance, file, progress.advance)
    say(
        f"{file}: {len(made.tables)} tables, {made.rows:,} rows, {made.figures['events']:,} "
        f"events; the state at position {made.position:,}, revision {made.revision}."
    )
    say(f"SHA-256 of its manifest: {made.sha256}")
    tell(NOT_IN_IT)


def restore(
    file: Annotated[Path, typer.Argument(help="An archive that `graftwatch backup` wrote.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove that all is there, and counts as it did.")
    ] = False,
) -> None:
    """Fill an empty database from an archive, of SQLite or PostgreSQL alike.

    A database without tables is given those of the archive, and brought to this release's shape.
    """
    from service.pipeline import restore as restoring
    from service.pipeline.archive import reading
    from service.pipeline.opening import open_surveillance

    settings = read_settings()
    with reading(file) as archive, closing(open_surveillance(settings).database) as database:
        manifest = archive.manifest
        with bar("Filling tables", len(manifest.tables)) as progress:
            restoring.restore(archive, database, progress.advance)
        found = [restoring.prove_tables(archive, database)] if verify else []
    go_to(settings, HEAD)
    with opened(settings, under_any_rules=True) as surveillance:
        if verify:
            with bar("Replaying patients", None) as progress:
                found += restoring.prove(manifest, surveillance, progress.advance)
        restoring.enter(surveillance, manifest)
    say(f"Restored: the state of {manifest.made_at} at position {manifest.position:,}.")
    _tell(found)


def _tell(proofs: "list[Proof]") -> None:
    for name, holds, seen in proofs:
        say(f"{'ok' if holds else 'fail':<4}  {name:<7}  {seen}")
    if not all(proof.holds for proof in proofs):
        raise typer.Exit(1)
