"""What came or went since a position is found by an index; rewriting the past is noted.

Revision 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("segments", "episodes")


def upgrade() -> None:
    op.add_column(
        "ledger_head",
        sa.Column("rewritten_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    for table in TABLES:
        op.create_index(f"ix_{table}_posted_at", table, ["posted_at"])
        withdrawn = sa.text("withdrawn_at IS NOT NULL")
        op.create_index(
            f"ix_{table}_withdrawn_at",
            table,
            ["withdrawn_at"],
            sqlite_where=withdrawn,
            postgresql_where=withdrawn,
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_index(f"ix_{table}_withdrawn_at", table_name=table)
        op.drop_index(f"ix_{table}_posted_at", table_name=table)
    op.drop_column("ledger_head", "rewritten_at")
