"""How far a rebuild has come, so that one that was cut goes on.

Revision 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rebuild_cursor",
        sa.Column("only_row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("facility", sa.String(length=64), nullable=True),
        sa.Column("patient", sa.String(length=64), nullable=True),
        sa.Column("patients", sa.BigInteger(), nullable=False),
        sa.Column("patients_that_differ", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("only_row", name="pk_rebuild_cursor"),
    )


def downgrade() -> None:
    op.drop_table("rebuild_cursor")
