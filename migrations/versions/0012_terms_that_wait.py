"""Terms that wait to be mapped, and what was decided of them.

Revision 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unread_terms",
        sa.Column("facility", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("term_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "event_id", "term_id", name="pk_unread_terms"),
    )
    op.create_index("ix_unread_terms_term", "unread_terms", ["term_id", "facility", "patient"])
    op.create_index("ix_unread_terms_patient", "unread_terms", ["facility", "patient"])
    op.create_table(
        "term_decisions",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facility", sa.String(64), nullable=True),
        sa.Column("term_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("target", sa.JSON(), nullable=True),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("buckets", sa.Integer(), nullable=False),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_term_decisions"),
    )
    op.create_index("ix_term_decisions_term", "term_decisions", ["term_id"])


def downgrade() -> None:
    """Decisions are lost; of events whose terms waited, the words as sent stay."""
    op.drop_index("ix_term_decisions_term", table_name="term_decisions")
    op.drop_table("term_decisions")
    op.drop_index("ix_unread_terms_patient", table_name="unread_terms")
    op.drop_index("ix_unread_terms_term", table_name="unread_terms")
    op.drop_table("unread_terms")
