"""Patients who turned out to be one.

Revision 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "patient_merges",
        sa.Column("facility", sa.String(64), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("merged_into", sa.String(64), nullable=False),
        sa.Column("parted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("facility", "patient", "position", name="pk_patient_merges"),
    )
    op.create_index("ix_patient_merges_into", "patient_merges", ["facility", "merged_into"])


def downgrade() -> None:
    op.drop_index("ix_patient_merges_into", table_name="patient_merges")
    op.drop_table("patient_merges")
