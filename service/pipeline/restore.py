"""Restore a backup into an empty database, of either store, and prove that it is all there.

In:     an archive and a database.
Out:    a database that holds what the archive holds, or is left empty; the proofs, one by one.
Source: docs/operations.md, "Backup and restore".
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import NamedTuple

from service.domain.audit_chain import COMMAND_LINE, Link
from service.pipeline.archive import Archive, Manifest, Unusable, digest_of
from service.pipeline.audit_trail import check_chain
from service.pipeline.backup import figures, refuse_citus
from service.pipeline.rebuild import Progress, rebuild
from service.pipeline.surveillance import Surveillance
from service.store import audit, ledger
from service.store.audit import AuditEntry
from service.store.engine import Connection, Database
from service.store.migrate import knows_revision, revision, upgrade
from service.store.table_copies import copy_in, copy_out, fits, holds_data, settle


class Proof(NamedTuple):
    """Something that must hold after a restore, whether it does, and what was seen."""

    name: str
    holds: bool
    seen: str


def restore(archive: Archive, database: Database, progress: Progress | None = None) -> None:
    """Fill the database, in one transaction; raises `Unusable` where it is not empty.

    An empty one is brought to the archive's own revision first, which may be an earlier release's.
    """
    archive.check()
    manifest = archive.manifest
    if not knows_revision(manifest.revision):
        raise Unusable(
            f"The backup is of revision {manifest.revision}, which this release does not know: "
            "restore it with the release that made it, or a newer one."
        )
    with database.migrate() as connection:
        found = revision(connection)
    if found is None:
        upgrade(database.url.render_as_string(hide_password=False), manifest.revision)
    with database.migrate() as connection:
        _require_empty(connection, manifest)
        for shape in manifest.shapes():
            with archive.lines(shape.name) as lines:
                copy_in(connection, shape, lines)
            if progress:
                progress(1)
        settle(connection, manifest.shapes())


def _require_empty(connection: Connection, manifest: Manifest) -> None:
    refuse_citus(connection)
    found = revision(connection)
    if found != manifest.revision:
        raise Unusable(
            f"The database is at revision {found}, the backup at {manifest.revision}: "
            "restore into a database without any table."
        )
    strange = [shape.name for shape in manifest.shapes() if not fits(connection, shape)]
    if strange:
        raise Unusable(f"The database has no such table as the backup's {', '.join(strange)}.")
    if holds_data(connection, [shape.name for shape in manifest.shapes()]):
        raise Unusable(
            "The database holds data already: restore into an empty one, "
            "named in GRAFTWATCH_DATABASE_URL."
        )


def prove_tables(archive: Archive, database: Database) -> Proof:
    """Every table has as many rows as the backup's, and the same ones.

    To be asked before the database is brought to a newer revision, or anything is written to it.
    """
    with database.read() as connection:
        differing = [
            shape.name
            for shape in archive.manifest.shapes()
            if digest_of(copy_out(connection, shape)) != archive.manifest.tables[shape.name].digest
        ]
    rows = archive.manifest.rows
    same = f"{len(archive.manifest.tables)} with {rows:,} rows, each as in the backup."
    return Proof("tables", not differing, f"Differ: {', '.join(differing)}." if differing else same)


def prove(manifest: Manifest, surveillance: Surveillance, progress: Progress) -> Iterator[Proof]:
    """The audit chain holds, the ledger is what a replay says, and the figures are as before.

    The database must have the shape of this release.
    """
    proofs: tuple[Callable[[], Proof], ...] = (
        partial(_audit_trail, manifest, surveillance),
        partial(_ledger, surveillance, progress),
        partial(_figures, manifest, surveillance),
    )
    for one in proofs:
        yield one()


def enter(surveillance: Surveillance, manifest: Manifest) -> None:
    """The audit trail goes on from where the backup left it: that is to be known."""
    facts = {
        "position": manifest.position,
        "made_at": manifest.made_at,
        "sha256": manifest.sha256,
    }
    entry = AuditEntry(surveillance.clock(), COMMAND_LINE, "backup_restored", facts)
    with surveillance.database.write() as connection:
        audit.append(connection, [entry])


def _audit_trail(manifest: Manifest, surveillance: Surveillance) -> Proof:
    """A backup of a release before the trail was chained says nothing of its head."""
    anchor = Link.read(manifest.audit_head) if manifest.audit_head else None
    with surveillance.database.read() as connection:
        check = check_chain(connection, anchor)
    if check.found:
        first = check.breaks[0]
        return Proof("audit", False, f"Broken at entry {first.sequence}: {first.message}")
    return Proof("audit", True, f"{check.entries:,} entries follow from each other.")


def _ledger(surveillance: Surveillance, progress: Progress) -> Proof:
    with surveillance.database.read() as connection:
        built_under = ledger.rules_fingerprint(connection)
        position = ledger.head_position(connection)
    if position and built_under != surveillance.rules.fingerprint:
        seen = "It was counted under other rules than are set: set those of the backup."
        return Proof("ledger", False, seen)
    found = rebuild(surveillance, progress=progress)
    if found.is_clean:
        seen = f"{found.patients:,} patients replayed; the ledger agrees with each."
        return Proof("ledger", True, seen)
    return Proof(
        "ledger",
        False,
        f"{found.patients_that_differ:,} of {found.patients:,} patients and "
        f"{found.sums_that_differ:,} sums differ.",
    )


def _figures(manifest: Manifest, surveillance: Surveillance) -> Proof:
    before = manifest.figures
    with surveillance.database.read() as connection:
        now = figures(connection, date.fromisoformat(before["until"]))
    of = f"{before['events']:,} events, {len(before['facilities'])} facilities"
    if now == before:
        return Proof("figures", True, f"{of}: cases and person-days as before.")
    return Proof("figures", False, f"{of} before; now they are others.")
