"""Keys may be rotated, and tell on which day they were last used.

Revision 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("previous_sha256", sa.String(length=64), nullable=True))
    op.add_column(
        "api_keys", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("api_keys", sa.Column("last_used_on", sa.Date(), nullable=True))


def downgrade() -> None:
    for column in ("last_used_on", "previous_until", "previous_sha256"):
        op.drop_column("api_keys", column)
