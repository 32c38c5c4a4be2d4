"""Moves of patients from one facility to another.

Revision 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "patient_moves",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("from_facility", sa.String(64), nullable=False),
        sa.Column("from_patient", sa.String(64), nullable=True),
        sa.Column("to_facility", sa.String(64), nullable=False),
        sa.Column("to_patient", sa.String(64), nullable=True),
        sa.Column("moved_on", sa.Date(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_patient_moves"),
    )
    for name in ("from", "to"):
        columns = [f"{name}_facility", f"{name}_patient"]
        op.create_index(f"ix_patient_moves_{name}", "patient_moves", columns)


def downgrade() -> None:
    for name in ("from", "to"):
        op.drop_index(f"ix_patient_moves_{name}", table_name="patient_moves")
    op.drop_table("patient_moves")
