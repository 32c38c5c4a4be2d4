"""Spread the tables over the nodes of Citus, where that extension is.

In:     a connection to a migrated database.
Out:    tables that grow with patients distributed by `facility` and co-located, the catalogue
        copied to every node, the rest local to the coordinator; nothing where Citus is not.
Source: docs/scaling.md; Citus, "Creating and Modifying Distributed Objects (DDL)".
"""

from collections.abc import Collection

from sqlalchemy import Connection, text

DISTRIBUTED = (
    "events",
    "source_events",
    "unread_terms",
    "patient_merges",
    "strata",
    "segments",
    "risk_steps",
    "episodes",
    "alert_cases",
)
"""What grows with patients. The others lie where the first does: all of a facility on one node."""
REFERENCE = ("baselines", "monitors", "network_settings", "import_mappings")
"""Small, seldom written, the same for the whole network."""
LOCAL = (
    "ledger_head",
    "ledger_commits",
    "rebuild_cursor",
    "term_decisions",
    "alerts",
    "alert_history",
    "monitor_readings",
    "patient_moves",
    "api_keys",
    "clients",
    "access_tokens",
    "seen_assertions",
    "audit",
    "audit_mentions",
    "audit_salts",
    "audit_head",
    "imports",
    "import_rows",
    "import_faults",
    "recipients",
    "outbox",
    "delivery_attempts",
)
"""What one place has to decide or to number; never in one statement with a distributed table."""

EXTENSION = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
PLACED = "SELECT logicalrelid::regclass::text FROM pg_dist_partition"
WRITER_LOCK = 0x68656164  # "head"; any number that nothing else in the database uses
ONE_AFTER_THE_OTHER = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"


def is_citus(connection: Connection) -> bool:
    """Is the extension created in this database? Asked once for each connection of a pool."""
    if connection.dialect.name != "postgresql":
        return False
    if EXTENSION not in connection.info:
        connection.info[EXTENSION] = connection.execute(text(EXTENSION)).scalar_one()
    return bool(connection.info[EXTENSION])


def wait_for_the_last_writer(connection: Connection) -> None:
    """Return once the last write transaction is committed on every node, not only on this one.

    A row's lock is gone when the coordinator has committed; this one only after the others have.
    """
    connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"))


def place(connection: Connection) -> list[str]:
    """Place every table that is not placed yet; returns what was run, nothing without Citus."""
    if not is_citus(connection):
        return []
    placed = set(connection.execute(text(PLACED)).scalars())
    statements = placements(placed)
    for statement in statements:
        connection.execute(text(statement))
    return statements


def placements(placed: Collection[str] = ()) -> list[str]:
    """The statements that place the tables, but for those that are placed already."""
    first, *others = DISTRIBUTED
    together = {first: "none", **dict.fromkeys(others, first)}
    wanted = {
        **{
            table: f"SELECT create_distributed_table('{table}', 'facility', "
            f"colocate_with => '{beside}')"
            for table, beside in together.items()
        },
        **{table: f"SELECT create_reference_table('{table}')" for table in REFERENCE},
    }
    statements = [statement for table, statement in wanted.items() if table not in placed]
    return [ONE_AFTER_THE_OTHER, *statements] if statements else []
