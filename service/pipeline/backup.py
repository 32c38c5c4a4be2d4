"""Back up: one state of everything, while others go on writing.

In:     a surveillance and the name of a file.
Out:    an archive that either store can be restored from, and its `Manifest`.
Source: docs/operations.md, "Backup and restore".
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from service import __version__
from service.domain.audit_chain import COMMAND_LINE
from service.domain.contributions import FOLLOW_UP
from service.domain.days import Days
from service.pipeline.archive import FORMAT, Manifest, TableEntry, Unusable, writing
from service.pipeline.surveillance import Surveillance
from service.store import audit, ledger, sums
from service.store.audit import AuditEntry
from service.store.citus import is_citus
from service.store.engine import Connection
from service.store.events import count_events
from service.store.migrate import revision
from service.store.table_copies import copy_out, shapes

Progress = Callable[[int], None]


def back_up(surveillance: Surveillance, file: Path, progress: Progress | None = None) -> Manifest:
    """Write the archive; `progress` is told of every table that is in it."""
    with surveillance.database.read() as connection:
        refuse_citus(connection)
        with writing(file) as archive:
            described = _description(connection, surveillance)
            tables: dict[str, TableEntry] = {}
            for shape in shapes():
                tables[shape.name] = archive.add_table(shape, copy_out(connection, shape))
                if progress:
                    progress(1)
            manifest = Manifest(**described, tables=tables)
            archive.add_manifest(manifest)
    _enter(surveillance, manifest)
    return manifest


def refuse_citus(connection: Connection) -> None:
    """Raise `Unusable` where nodes have a state each, and no transaction sees one of all."""
    if is_citus(connection):
        raise Unusable(
            "On Citus no transaction sees one state of all nodes: back up every node with "
            "PostgreSQL's own means from one restore point (docs/scaling.md)."
        )


def figures(connection: Connection, until: date) -> dict[str, Any]:
    """What a database says when asked: events held, and by facility cases and person-days."""
    everything = [Days(1, until.toordinal())]
    person_days = sums.person_days(connection, {}, ("facility",), (FOLLOW_UP,), everything)
    days = {values[0]: int(total[0]) for (values, _), total in person_days.items()}
    cases: dict[str, dict[str, int]] = defaultdict(dict)
    counts = sums.case_counts(
        connection, {}, ("facility",), start_day=None, end_day=until.toordinal()
    )
    for count in counts:
        cases[str(count.values[0])][count.infection_type] = count.cases
    return {
        "until": until.isoformat(),
        "events": count_events(connection),
        "facilities": {
            name: {"person_days": days.get(name, 0), "cases": cases[name]}
            for name in sorted({*days, *cases})
        },
    }


def _description(connection: Connection, surveillance: Surveillance) -> dict[str, Any]:
    now = surveillance.clock()
    head = audit.head(connection)
    return {
        "format": FORMAT,
        "made_by": f"graftwatch {__version__}",
        "made_at": _written(now),
        "store": connection.dialect.name,
        "revision": revision(connection),
        "position": ledger.head_position(connection),
        "rules_fingerprint": ledger.rules_fingerprint(connection),
        "audit_head": str(head) if head else None,
        "figures": figures(connection, now.astimezone(surveillance.zone).date()),
    }


def _written(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def _enter(surveillance: Surveillance, manifest: Manifest) -> None:
    """A copy of every patient's data left the database: that is to be known."""
    facts = {"position": manifest.position, "rows": manifest.rows, "sha256": manifest.sha256}
    entry = AuditEntry(surveillance.clock(), COMMAND_LINE, "backup_made", facts)
    with surveillance.database.write() as connection:
        audit.append(connection, [entry])
