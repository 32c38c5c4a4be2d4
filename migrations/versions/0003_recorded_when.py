"""Events by the time of their recording, from which the reporting lag is estimated.

Revision 0003.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_recorded", "events", ["facility", "recorded_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_events_recorded", table_name="events")
