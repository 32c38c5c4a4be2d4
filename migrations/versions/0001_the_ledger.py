"""Events, the ledger they add up to, baselines, monitors, alerts, keys and audit.

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_cases",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("episode_id", sa.String(length=160), nullable=False),
        sa.Column("onset_day", sa.Integer(), nullable=False),
        sa.Column("organism", sa.String(length=128), nullable=True),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint(
            "facility", "alert_id", "patient", "episode_id", name="pk_alert_cases"
        ),
    )
    op.create_index("ix_alert_cases_alert_id", "alert_cases", ["alert_id"], unique=False)

    op.create_table(
        "alert_history",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_alert_history"),
    )
    op.create_index("ix_alert_history_alert_id", "alert_history", ["alert_id"], unique=False)

    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("monitor_id", sa.String(length=128), nullable=False),
        sa.Column("scope_key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("facilities", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_position", sa.BigInteger(), nullable=False),
        sa.Column("first_onset_day", sa.Integer(), nullable=True),
        sa.Column("last_onset_day", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("latest_evidence", sa.JSON(), nullable=False),
        sa.Column("supported", sa.Boolean(), nullable=False),
        sa.Column("support_note", sa.Text(), nullable=True),
        sa.Column("continues", sa.String(length=64), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_monitor_id", "alerts", ["monitor_id"], unique=False)
    op.create_index("ix_alerts_status", "alerts", ["status"], unique=False)

    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("facilities", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("sha256", name="uq_api_keys_sha256"),
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_table(
        "baselines",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name="pk_baselines"),
    )
    op.create_table(
        "episodes",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("episode_id", sa.String(length=160), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("stratum_id", sa.BigInteger(), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("onset_day", sa.Integer(), nullable=False),
        sa.Column("infection_type", sa.String(length=16), nullable=False),
        sa.Column("organism", sa.String(length=128), nullable=True),
        sa.Column("organism_group", sa.String(length=128), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("site_class", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("certainty", sa.String(length=16), nullable=False),
        sa.Column("first_of_type", sa.Boolean(), nullable=False),
        sa.Column("first_of_any", sa.Boolean(), nullable=False),
        sa.Column("course_index_day", sa.Integer(), nullable=True),
        sa.Column("transplant_type", sa.String(length=256), nullable=True),
        sa.Column("performed_at", sa.String(length=128), nullable=True),
        sa.Column("performed_in", sa.String(length=2), nullable=True),
        sa.Column("product_lot", sa.String(length=128), nullable=True),
        sa.Column("product_supplier", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint(
            "facility", "patient", "episode_id", "posted_at", name="pk_episodes"
        ),
    )
    op.create_index(
        "ix_episodes_current",
        "episodes",
        ["facility", "infection_type", "onset_day"],
        unique=False,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )

    op.create_table(
        "events",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("received", sa.Text(), nullable=False),
        sa.Column("resolved", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "event_id", name="pk_events"),
    )
    op.create_index(
        "ix_events_patient", "events", ["facility", "patient", "position"], unique=False
    )

    op.create_table(
        "ledger_commits",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_ledger_commits"),
    )
    op.create_index(
        "ix_ledger_commits_recorded_at", "ledger_commits", ["recorded_at"], unique=False
    )

    op.create_table(
        "ledger_head",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("rules_fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("only_row", name="pk_ledger_head"),
    )
    op.create_table(
        "monitors",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_monitors"),
    )
    op.create_table(
        "risk_steps",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("stratum_id", sa.BigInteger(), nullable=False),
        sa.Column("risk_set", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "stratum_id", "risk_set", "day", name="pk_risk_steps"),
    )
    op.create_table(
        "segments",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("index_day", sa.Integer(), nullable=False),
        sa.Column("stratum_id", sa.BigInteger(), nullable=False),
        sa.Column("risk_set", sa.String(length=64), nullable=False),
        sa.Column("start_day", sa.Integer(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("end_day", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "facility",
            "patient",
            "index_day",
            "stratum_id",
            "risk_set",
            "start_day",
            "posted_at",
            name="pk_segments",
        ),
    )
    op.create_index(
        "ix_segments_current",
        "segments",
        ["facility", "patient"],
        unique=False,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )

    op.create_table(
        "strata",
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("stratum_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transplant_type", sa.String(length=256), nullable=False),
        sa.Column("indication", sa.String(length=128), nullable=False),
        sa.Column("age_group", sa.String(length=16), nullable=False),
        sa.Column("sex", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("regimen", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("facility", "stratum_id", name="pk_strata"),
    )

    op.execute("INSERT INTO ledger_head (only_row, position, rules_fingerprint) VALUES (1, 0, '')")


def downgrade() -> None:
    for table in (
        "strata",
        "segments",
        "risk_steps",
        "monitors",
        "ledger_head",
        "ledger_commits",
        "events",
        "episodes",
        "baselines",
        "audit",
        "api_keys",
        "alerts",
        "alert_history",
        "alert_cases",
    ):
        op.drop_table(table)
