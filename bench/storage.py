"""Storage: bytes of every table and index, rows of the ledger for each patient, the cost of a rate.

In:     a store and its server, and how many events.
Out:    rows, bytes of table and of each index, by table; per event and per patient; milliseconds
        of a rate read from the database, with the strata and steps that it went through.
Source: docs/performance.md, "Storage"; docs/scaling.md. Sizes are those on disk after VACUUM.

Two ways in, since they leave different ledgers: `at once`, a file patient by patient, where few
postings are ever taken back; `day by day`, each day's events in a transaction of their own, where
news of a patient takes back what was posted before.
"""

import sqlite3
from contextlib import closing
from datetime import date
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection, make_url, text

from bench.stores import fresh, graftwatch
from bench.workload import LAST, write_events
from service.domain.figures import RateDefinition
from service.ingest.ndjson import read_ndjson
from service.pipeline.rates import rate_table
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.store.citus import DISTRIBUTED, LOCAL, REFERENCE
from service.store.engine import Database

AT_ONCE, DAY_BY_DAY = 10**5, 2 * 10**4
ROUNDS = 5
BY: tuple[tuple[str, ...], ...] = (
    (),
    ("facility",),
    ("transplant_type",),
    ("transplant_type", "age_group"),
    ("regimen", "facility"),
)
WITHDRAWN = ("segments", "episodes")
WITHDRAWN_AT = " WHERE withdrawn_at IS NOT NULL"


def measure(store: str, server: str) -> dict[str, Any]:
    """Measure both ways in."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        file = write_events(Path(folder) / "events.ndjson", AT_ONCE)
        with fresh(store, server) as url:
            graftwatch(url, "import", "--format", "ndjson", str(file))
            figures[f"at once, {AT_ONCE} events"] = held(url)
        some = write_events(Path(folder) / "some.ndjson", DAY_BY_DAY)
        with fresh(store, server) as url:
            record_day_by_day(url, some)
            figures[f"day by day, {DAY_BY_DAY} events"] = held(url)
    return figures


def record_day_by_day(url: str, file: Path) -> None:
    """Record the events in the order in which they occurred, each day by itself."""
    lines = file.read_bytes().splitlines(keepends=True)
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    dated = sorted((decode(line)["occurred_on"], place) for place, line in enumerate(lines))
    with closing(Database(url)) as database:
        surveillance = Surveillance(database)
        for _, of_day in groupby(dated, key=lambda one: one[0]):
            sent = [lines[place] for _, place in of_day]
            today = surveillance.latest_date_on_earth()
            drafts: list[Any] = list(read_ndjson(sent, today_latest=today, max_line_bytes=10**6))
            record(surveillance, drafts)


def held(url: str) -> dict[str, Any]:
    """What a database holds, and what reading a rate from it costs."""
    tidy(url)
    with closing(Database(url)) as database:
        with database.read() as connection:
            rows = {name: count(connection, name) for name in (*DISTRIBUTED, *REFERENCE, *LOCAL)}
            sizes = sqlite_bytes if database.is_sqlite else postgresql_bytes
            patients = "SELECT count(*) FROM (SELECT DISTINCT facility, patient FROM events) AS p"
            found: dict[str, Any] = {
                "patients": connection.execute(text(patients)).scalar_one(),
                "rows": rows,
                "withdrawn": {name: count(connection, name, WITHDRAWN_AT) for name in WITHDRAWN},
                "bytes": sizes(connection),
            }
        found["rates"] = [cost(database, by) for by in BY]
    total = sum(sum(parts.values()) for parts in found["bytes"].values())
    return {
        "bytes_per_event": total / rows["events"],
        "bytes_per_patient": total / found["patients"],
        "ledger_rows_per_patient": sum(rows[name] for name in ("segments", "episodes"))
        / found["patients"],
        "steps_per_event": rows["risk_steps"] / rows["events"],
        **found,
    }


def count(connection: Connection, table: str, condition: str = "") -> int:
    """Rows of a table."""
    found: int = connection.execute(text(f"SELECT count(*) FROM {table}{condition}")).scalar_one()  # noqa: S608
    return found


def tidy(url: str) -> None:
    """Leave no dead rows to be counted, and statistics as they would be."""
    named = make_url(url)
    if named.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(named.database))) as file:
            file.execute("VACUUM")
        return
    libpq = named.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(libpq, autocommit=True) as server:
        server.execute("VACUUM ANALYZE")


def postgresql_bytes(connection: Connection) -> dict[str, dict[str, int]]:
    """Bytes of each table, and of its indexes by their names."""
    query = """
        SELECT c.relname, coalesce(i.relname, 'table'),
               CASE WHEN i.oid IS NULL THEN pg_table_size(c.oid) ELSE pg_relation_size(i.oid) END
        FROM pg_class c
        CROSS JOIN LATERAL (SELECT NULL::oid AS oid, NULL::name AS relname
            UNION ALL SELECT x.oid, x.relname FROM pg_index JOIN pg_class x ON x.oid = indexrelid
            WHERE indrelid = c.oid) AS i
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"""
    return _by_table((table, part, size) for table, part, size in connection.execute(text(query)))


def sqlite_bytes(connection: Connection) -> dict[str, dict[str, int]]:
    """Bytes of each table and index; of the file where SQLite was built not to tell."""
    names = "SELECT tbl_name, iif(type = 'table', 'table', name), name FROM sqlite_schema"
    parts = {name: (table, part) for table, part, name in connection.execute(text(names))}
    try:
        sizes = connection.execute(text("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")).all()
    except Exception as fault:
        if "dbstat" not in str(fault):
            raise
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        return {"file": {"file": pages * connection.execute(text("PRAGMA page_size")).scalar_one()}}
    return _by_table((*parts.get(name, (name, "table")), size) for name, size in sizes)


def _by_table(parts: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for table, part, size in parts:
        found.setdefault(table, {})[part] = int(size)
    return dict(sorted(found.items()))


def cost(database: Database, by: tuple[str, ...]) -> dict[str, Any]:
    """Milliseconds of a rate over one year, read from the database; the fastest of a few."""
    year = RateDefinition(
        start_day=date(LAST.year - 1, 1, 1).toordinal(),
        end_day=date(LAST.year - 1, 12, 31).toordinal(),
        filters={},
        by=by,
    )
    taken, rows = [], 0
    for _ in range(ROUNDS):
        began = perf_counter()
        with database.read() as connection:
            rows = len(rate_table(connection, year).rows)
        taken.append(1000 * (perf_counter() - began))
    return {"by": list(by), "rows": rows, "ms": min(taken)}


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Bytes and rows of each way in."""
    told = []
    for way, found in figures.items():
        told += [
            (f"bytes per event ({way})", "-", f"{found['bytes_per_event']:,.0f}"),
            (f"bytes per patient ({way})", "-", f"{found['bytes_per_patient']:,.0f}"),
            (
                f"ledger rows per patient ({way})",
                "-",
                f"{found['ledger_rows_per_patient']:.1f}",
            ),
            (f"steps per event ({way})", "-", f"{found['steps_per_event']:.2f}"),
            *(
                (
                    f"rate by {' × '.join(one['by']) or 'nothing'}, ms ({way})",
                    "-",
                    f"{one['ms']:.0f}",
                )
                for one in found["rates"]
            ),
        ]
    return told
