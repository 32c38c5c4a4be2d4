"""Which events came of which document of a hospital's.

Revision 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_events",
        sa.Column("facility", sa.String(64), nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("facility", "source", "event_id", name="pk_source_events"),
    )
    op.create_index("ix_source_events_patient", "source_events", ["facility", "patient"])


def downgrade() -> None:
    op.drop_index("ix_source_events_patient", table_name="source_events")
    op.drop_table("source_events")
