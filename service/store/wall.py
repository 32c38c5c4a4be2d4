"""The second wall: PostgreSQL shows a bound key's reads no row of another facility.

In:     a connection to a migrated database of PostgreSQL.
Out:    a role without rights but to read, policies on every table with a facility, and
        transactions that step down to that role.
Source: PostgreSQL, "Row Security Policies"; docs/access.md, "A second wall";
        docs/decisions/0022-second-wall.md.

The service owns its tables, and owners and superusers pass every policy. So a read on behalf of a
bound key takes the role `graftwatch_bound` for its transaction: what the policies do not show it,
no query can. Whatever is read for everybody (the writer, sums in memory) keeps the owner's rights.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from service.store.citus import is_citus

ROLE = "graftwatch_bound"
POLICY = "within_reach"
UNREAD = frozenset({"api_keys", "clients", "access_tokens", "seen_assertions"})
"""What tells of keys is never read on behalf of one."""

REACHED = "(SELECT string_to_array(current_setting('graftwatch.facilities', true), ','))::text[]"
OWN = f"facility = ANY ({REACHED})"
OF_OTHER_SHAPE: Mapping[str, str] = MappingProxyType(
    {
        "alerts": "NOT EXISTS (SELECT FROM json_array_elements_text(facilities) AS named "
        f"WHERE named <> ALL ({REACHED}))",
        "patient_moves": f"from_facility = ANY ({REACHED}) OR to_facility = ANY ({REACHED})",
        "term_decisions": f"facility IS NULL OR {OWN}",
        "import_rows": f"facility IS NULL OR {OWN}",
    }
)
"""Who may see a row of a table that is not of one facility."""

MAKE_ROLE = f"""
DO $$
BEGIN
    IF to_regrole('{ROLE}') IS NULL THEN
        BEGIN
            CREATE ROLE {ROLE} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database's migration was first
        END;
    END IF;
    IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
        GRANT {ROLE} TO CURRENT_USER;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO {ROLE}', current_schema());
END $$
"""
STANDS = """
SELECT EXISTS (
    SELECT FROM pg_policies
    WHERE schemaname = current_schema() AND tablename = 'events' AND policyname = :policy
) AND EXISTS (
    SELECT FROM pg_roles WHERE rolname = :role AND pg_has_role(current_user, oid, 'MEMBER')
)
"""
STEP_DOWN = """
SELECT set_config('graftwatch.facilities', :facilities, true), set_config('role', :role, true)
"""


def policies() -> dict[str, str]:
    """Which rows a bound read is shown, by table: every table with a facility has its condition."""
    tables = SQLModel.metadata.sorted_tables
    own = {table.name: OWN for table in tables if "facility" in table.columns}
    return {**own, **OF_OTHER_SHAPE}


def build(connection: Connection) -> bool:
    """Raise the wall, or raise it anew; False where it belongs and the database does not let us."""
    if not belongs(connection):
        return True
    try:
        with connection.begin_nested():
            connection.execute(text(MAKE_ROLE))
            for statement in _statements():
                connection.execute(text(statement))
    except ProgrammingError as fault:
        if getattr(fault.orig, "sqlstate", None) != "42501":  # insufficient privilege
            raise
        return False
    return True


def belongs(connection: Connection) -> bool:
    """Can there be one? SQLite has no roles, and on Citus each node would need them."""
    return connection.dialect.name == "postgresql" and not is_citus(connection)


def stands(connection: Connection) -> bool:
    """Is the wall there? Asked once for each connection of a pool."""
    if connection.dialect.name != "postgresql":
        return False
    if POLICY not in connection.info:
        connection.info[POLICY] = connection.execute(
            text(STANDS), {"policy": POLICY, "role": ROLE}
        ).scalar_one()
    return bool(connection.info[POLICY])


def step_down(connection: Connection, facilities: Collection[str]) -> None:
    """Let the rest of the transaction read what is of these facilities, and nothing else."""
    connection.execute(text(STEP_DOWN), {"facilities": ",".join(facilities), "role": ROLE})


def _statements() -> list[str]:
    readable = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in UNREAD]
    shown = policies()
    return [
        f"GRANT SELECT ON {', '.join(readable)} TO {ROLE}",
        *(f"DROP POLICY IF EXISTS {POLICY} ON {name}" for name in shown),
        *(
            f"CREATE POLICY {POLICY} ON {name} FOR SELECT TO {ROLE} USING ({condition})"
            for name, condition in shown.items()
        ),
        *(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY" for name in shown),
    ]
