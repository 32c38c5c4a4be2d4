"""The newest alerts, and those opened at a position, are found by an index.

Revision 0005. Both were read by going through every alert: docs/performance.md, "Storage".
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_alerts_opened", "alerts", ["opened_position", "id"])


def downgrade() -> None:
    op.drop_index("ix_alerts_opened", table_name="alerts")
