"""The audit trail becomes a chain that nobody can change unseen.

Revision 0010. Entries there are already keep their order, are numbered from 1 and chained.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit", "audit_mentions")
REFUSAL = "the audit trail is append-only"
BEGINNING = "0" * 64


def upgrade() -> None:
    earlier = [] if context.is_offline_mode() else _entries()
    op.drop_table("audit")
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("key_id", sa.String(length=128), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_index("ix_audit_position", "audit", ["position"])
    op.create_table(
        "audit_mentions",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("sequence", "subject", name="pk_audit_mentions"),
    )
    op.create_index("ix_audit_mentions_subject", "audit_mentions", ["subject"])
    op.create_table(
        "audit_salts",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("facility", "patient", name="pk_audit_salts"),
    )
    op.create_table(
        "audit_head",
        sa.Column("only_row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("only_row", name="pk_audit_head"),
    )
    head = _chain(earlier)
    op.execute(
        f"INSERT INTO audit_head (only_row, sequence, sha256) VALUES (1, {len(earlier)}, '{head}')"
    )
    _forbid_changes()


def downgrade() -> None:
    """Entries stay, without their chain; who was seen by whom is lost."""
    kept = [] if context.is_offline_mode() else _entries()
    for table in (*APPEND_ONLY, "audit_salts", "audit_head"):
        op.drop_table(table)
    if _is_postgresql():
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    for row in kept:
        op.execute(_table().insert().values(**row))


def _table(*more: sa.Column[Any]) -> sa.TableClause:
    return sa.table(
        "audit",
        sa.column("recorded_at", sa.DateTime(timezone=True)),
        sa.column("actor", sa.String()),
        sa.column("action", sa.String()),
        sa.column("detail", sa.JSON()),
        *more,
    )


def _entries() -> list[dict[str, Any]]:
    table = _table()
    query = sa.select(*table.c).order_by(sa.column("sequence"))
    return [dict(row) for row in op.get_bind().execute(query).mappings()]


def _chain(earlier: list[dict[str, Any]]) -> str:
    """Number and chain the earlier entries as `service.domain.audit_chain` does."""
    table = _table(sa.column("sequence", sa.BigInteger()), sa.column("sha256", sa.String()))
    previous = BEGINNING
    for sequence, row in enumerate(earlier, 1):
        at: datetime = row["recorded_at"]
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        instant = f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
        content = [sequence, instant, row["actor"], None, row["action"], None, row["detail"], []]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        previous = sha256(f"{previous}\n{text}".encode()).hexdigest()
        op.execute(table.insert().values(**row, sequence=sequence, sha256=previous))
    return previous


def _forbid_changes() -> None:
    if _is_postgresql():
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
            )
        return
    for table in APPEND_ONLY:
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )


def _is_postgresql() -> bool:
    return context.get_context().dialect.name == "postgresql"
