"""The present evidence of each monitor, and settings of the network.

Revision 0002. Readings are not filled in: an open alert without one is weighed when it is read, and
the next report writes the rest.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monitor_readings",
        sa.Column("monitor_id", sa.String(length=128), nullable=False),
        sa.Column("scope_key", sa.String(length=128), nullable=False),
        sa.Column("log_e", sa.Float(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("monitor_id", "scope_key", name="pk_monitor_readings"),
    )
    op.create_table(
        "network_settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_network_settings"),
    )


def downgrade() -> None:
    for table in ("network_settings", "monitor_readings"):
        op.drop_table(table)
