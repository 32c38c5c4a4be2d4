"""The tables.

In:     nothing.
Out:    SQLModel classes, the shape that the migrations in `migrations/` must arrive at.
Source: CONTRIBUTING.md: `facility` leads every key of what patients contribute, so
        that those tables can be distributed by it; the rest stays local or is copied everywhere.

Days are proleptic Gregorian ordinals (`service.domain.days`), instants are UTC.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, DateTime, Dialect, Index, Text, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING

IDENTIFIER = 64
TERM = 128
CURRENT = text("withdrawn_at IS NULL")
WITHDRAWN = text("withdrawn_at IS NOT NULL")


class UtcInstant(TypeDecorator[datetime]):
    """An instant that comes back in UTC from SQLite too, which forgets time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Name the zone again where the store dropped it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LedgerHead(SQLModel, table=True):
    """One row: the last position given out, and the rules the ledger was built under.

    Up to `rewritten_at` the ledger's past was rewritten, by an erasure or a rebuild.
    """

    __tablename__ = "ledger_head"

    only_row: int = Field(default=1, primary_key=True)
    position: int = Field(sa_type=BigInteger)
    rewritten_at: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")}
    )
    rules_fingerprint: str = Field(max_length=64)


class LedgerCommit(SQLModel, table=True):
    """When each position was reached: one row for every transaction that moved the ledger."""

    __tablename__ = "ledger_commits"

    position: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    recorded_at: datetime = Field(sa_type=UtcInstant, index=True)


class RebuildCursorRow(SQLModel, table=True):
    """One row while a rebuild is under way: the last patient done, and what was found so far."""

    __tablename__ = "rebuild_cursor"

    only_row: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    rules_fingerprint: str = Field(max_length=64)
    facility: str | None = Field(default=None, max_length=IDENTIFIER)
    patient: str | None = Field(default=None, max_length=IDENTIFIER)
    patients: int = Field(sa_type=BigInteger)
    patients_that_differ: int = Field(sa_type=BigInteger)


class RecordedEvent(SQLModel, table=True):
    """An event as received, and as resolved into the vocabulary's terms. Never changed."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_patient", "facility", "patient", "position"),
        Index("ix_events_recorded", "facility", "recorded_at"),
    )

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    event_id: str = Field(primary_key=True, max_length=128)
    patient: str = Field(max_length=IDENTIFIER)
    position: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    type: str = Field(max_length=16)
    occurred_on: date = Field(sa_type=Date)
    received: str = Field(sa_type=Text)
    resolved: str = Field(sa_type=Text)


class SourceEventRow(SQLModel, table=True):
    """An event that came of a document of the hospital's, which may say something else later."""

    __tablename__ = "source_events"
    __table_args__ = (Index("ix_source_events_patient", "facility", "patient"),)

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    source: str = Field(primary_key=True, max_length=TERM)
    event_id: str = Field(primary_key=True, max_length=TERM)
    patient: str = Field(max_length=IDENTIFIER)


class UnreadTermRow(SQLModel, table=True):
    """A term of an event that nobody could read when it came, shown as it may be listed."""

    __tablename__ = "unread_terms"
    __table_args__ = (
        Index("ix_unread_terms_term", "term_id", "facility", "patient"),
        Index("ix_unread_terms_patient", "facility", "patient"),
    )

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    event_id: str = Field(primary_key=True, max_length=TERM)
    term_id: str = Field(primary_key=True, max_length=16)
    kind: str = Field(max_length=16)
    label: str = Field(max_length=TERM)
    patient: str = Field(max_length=IDENTIFIER)
    seen_on: date = Field(sa_type=Date)


class TermDecisionRow(SQLModel, table=True):
    """What was decided of a term, for a facility or (without one) for the network.

    It holds for the patients of bucket b, of `buckets`, from the b-th position on; those that are
    not reached yet are counted as before.
    """

    __tablename__ = "term_decisions"
    __table_args__ = (Index("ix_term_decisions_term", "term_id"),)

    sequence: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    facility: str | None = Field(default=None, max_length=IDENTIFIER)
    term_id: str = Field(max_length=16)
    kind: str = Field(max_length=16)
    label: str = Field(max_length=TERM)
    verdict: str = Field(max_length=16)
    target: list[Any] | None = Field(default=None, sa_type=JSON)
    actor: str = Field(max_length=TERM)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    buckets: int
    positions: list[int] = Field(sa_type=JSON)


class PatientMergeRow(SQLModel, table=True):
    """One pseudonym that stands for another person's from `position` to before `parted_at`."""

    __tablename__ = "patient_merges"
    __table_args__ = (Index("ix_patient_merges_into", "facility", "merged_into"),)

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    patient: str = Field(primary_key=True, max_length=IDENTIFIER)
    position: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    merged_into: str = Field(max_length=IDENTIFIER)
    parted_at: int | None = Field(default=None, sa_type=BigInteger)


class PatientMoveRow(SQLModel, table=True):
    """A move of a patient that was offered to another facility, and what became of the offer.

    A pseudonym is gone when its patient was erased; `position` is where a move was recorded.
    """

    __tablename__ = "patient_moves"
    __table_args__ = (
        Index("ix_patient_moves_from", "from_facility", "from_patient"),
        Index("ix_patient_moves_to", "to_facility", "to_patient"),
    )

    id: str = Field(primary_key=True, max_length=32)
    from_facility: str = Field(max_length=IDENTIFIER)
    from_patient: str | None = Field(default=None, max_length=IDENTIFIER)
    to_facility: str = Field(max_length=IDENTIFIER)
    to_patient: str | None = Field(default=None, max_length=IDENTIFIER)
    moved_on: date = Field(sa_type=Date)
    offered_at: datetime = Field(sa_type=UtcInstant)
    expires_at: datetime = Field(sa_type=UtcInstant)
    state: str = Field(max_length=16)
    position: int | None = Field(default=None, sa_type=BigInteger)


class StratumRow(SQLModel, table=True):
    """The dimensions behind a stratum's number."""

    __tablename__ = "strata"

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    stratum_id: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    transplant_type: str = Field(max_length=256)
    indication: str = Field(max_length=TERM)
    age_group: str = Field(max_length=16)
    sex: str = Field(max_length=16)
    phase: str = Field(max_length=16)
    regimen: str = Field(max_length=512)


class SegmentRow(SQLModel, table=True):
    """Days of one course in one stratum and risk set, held from `posted_at` to `withdrawn_at`."""

    __tablename__ = "segments"
    __table_args__ = (
        Index(
            "ix_segments_current",
            "facility",
            "patient",
            sqlite_where=CURRENT,
            postgresql_where=CURRENT,
        ),
        Index("ix_segments_posted_at", "posted_at"),
        Index(
            "ix_segments_withdrawn_at",
            "withdrawn_at",
            sqlite_where=WITHDRAWN,
            postgresql_where=WITHDRAWN,
        ),
    )

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    patient: str = Field(primary_key=True, max_length=IDENTIFIER)
    index_day: int = Field(primary_key=True)
    stratum_id: int = Field(sa_type=BigInteger, primary_key=True)
    risk_set: str = Field(primary_key=True, max_length=64)
    start_day: int = Field(primary_key=True)
    posted_at: int = Field(sa_type=BigInteger, primary_key=True)
    end_day: int
    withdrawn_at: int | None = Field(default=None, sa_type=BigInteger)


class RiskStepRow(SQLModel, table=True):
    """The ledger's sums as they stand: the change in the number in a risk set on a day."""

    __tablename__ = "risk_steps"

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    stratum_id: int = Field(sa_type=BigInteger, primary_key=True)
    risk_set: str = Field(primary_key=True, max_length=64)
    day: int = Field(primary_key=True)
    change: int


class EpisodeRow(SQLModel, table=True):
    """An episode of infection, counted or not; it held from `posted_at` to `withdrawn_at`."""

    __tablename__ = "episodes"
    __table_args__ = (
        Index(
            "ix_episodes_current",
            "facility",
            "infection_type",
            "onset_day",
            sqlite_where=CURRENT,
            postgresql_where=CURRENT,
        ),
        Index("ix_episodes_posted_at", "posted_at"),
        Index(
            "ix_episodes_withdrawn_at",
            "withdrawn_at",
            sqlite_where=WITHDRAWN,
            postgresql_where=WITHDRAWN,
        ),
    )

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    patient: str = Field(primary_key=True, max_length=IDENTIFIER)
    episode_id: str = Field(primary_key=True, max_length=160)
    posted_at: int = Field(sa_type=BigInteger, primary_key=True)
    withdrawn_at: int | None = Field(default=None, sa_type=BigInteger)
    stratum_id: int | None = Field(default=None, sa_type=BigInteger)
    counted: bool
    onset_day: int
    infection_type: str = Field(max_length=16)
    organism: str | None = Field(default=None, max_length=TERM)
    organism_group: str = Field(max_length=TERM)
    site: str = Field(max_length=32)
    site_class: str = Field(max_length=16)
    status: str = Field(max_length=16)
    certainty: str = Field(max_length=16)
    first_of_type: bool
    first_of_any: bool
    course_index_day: int | None = None
    transplant_type: str | None = Field(default=None, max_length=256)
    performed_at: str | None = Field(default=None, max_length=TERM)
    performed_in: str | None = Field(default=None, max_length=2)
    product_lot: str | None = Field(default=None, max_length=TERM)
    product_supplier: str | None = Field(default=None, max_length=TERM)


class BaselineRow(SQLModel, table=True):
    """A published figure; a change is a new version, and the old ones stay."""

    __tablename__ = "baselines"

    id: str = Field(primary_key=True, max_length=TERM)
    version: int = Field(primary_key=True)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    body: str = Field(sa_type=Text)


class MonitorRow(SQLModel, table=True):
    """A monitor as it stands."""

    __tablename__ = "monitors"

    id: str = Field(primary_key=True, max_length=TERM)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    body: str = Field(sa_type=Text)


class AlertRow(SQLModel, table=True):
    """An alert: what was signalled, with the evidence as known when it fired and as known now."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_opened", "opened_position", "id"),)

    id: str = Field(primary_key=True, max_length=64)
    monitor_id: str = Field(max_length=TERM, index=True)
    scope_key: str = Field(max_length=TERM)
    kind: str = Field(max_length=16)
    status: str = Field(max_length=16, index=True)
    severity: str = Field(max_length=16)
    title: str = Field(sa_type=Text)
    facilities: list[str] = Field(sa_type=JSON)
    opened_at: datetime = Field(sa_type=UtcInstant)
    opened_position: int = Field(sa_type=BigInteger)
    first_onset_day: int | None = None
    last_onset_day: int | None = None
    evidence: dict[str, Any] = Field(sa_type=JSON)
    latest_evidence: dict[str, Any] = Field(sa_type=JSON)
    supported: bool = True
    support_note: str | None = Field(default=None, sa_type=Text)
    continues: str | None = Field(default=None, max_length=64)
    closed_on: date | None = Field(default=None, sa_type=Date)
    outcome: str | None = Field(default=None, max_length=32)


class AlertCaseRow(SQLModel, table=True):
    """A case that stands in an alert."""

    __tablename__ = "alert_cases"

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    alert_id: str = Field(primary_key=True, max_length=64, index=True)
    patient: str = Field(primary_key=True, max_length=IDENTIFIER)
    episode_id: str = Field(primary_key=True, max_length=160)
    onset_day: int
    organism: str | None = Field(default=None, max_length=TERM)
    site: str = Field(max_length=32)


class AlertEventRow(SQLModel, table=True):
    """What happened to an alert, in order; the stream of alerts follows `sequence`."""

    __tablename__ = "alert_history"

    sequence: int | None = Field(default=None, primary_key=True)
    alert_id: str = Field(max_length=64, index=True)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    name: str = Field(max_length=32)
    actor: str = Field(max_length=TERM)
    note: str | None = Field(default=None, sa_type=Text)
    detail: dict[str, Any] = Field(sa_type=JSON)


class ApiKeyRow(SQLModel, table=True):
    """An API key: its hash, what it may do and where; never the key itself.

    After a rotation the secret before it holds too, until `previous_until`.
    """

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=TERM)
    sha256: str = Field(max_length=64, unique=True)
    scopes: list[str] = Field(sa_type=JSON)
    facilities: list[str] | None = Field(default=None, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcInstant)
    expires_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    previous_sha256: str | None = Field(default=None, max_length=64)
    previous_until: datetime | None = Field(default=None, sa_type=UtcInstant)
    last_used_on: date | None = Field(default=None, sa_type=Date)


class ClientRow(SQLModel, table=True):
    """A client of SMART Backend Services: its public keys, or where it publishes them."""

    __tablename__ = "clients"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=TERM)
    scopes: list[str] = Field(sa_type=JSON)
    facilities: list[str] | None = Field(default=None, sa_type=JSON)
    key_set: str | None = Field(default=None, sa_type=Text)
    key_set_url: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UtcInstant)
    expires_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    last_used_on: date | None = Field(default=None, sa_type=Date)


class AccessTokenRow(SQLModel, table=True):
    """A client's access token: its hash, for the minutes it holds; never the token itself."""

    __tablename__ = "access_tokens"

    id: str = Field(primary_key=True, max_length=32)
    client_id: str = Field(max_length=32, index=True)
    sha256: str = Field(max_length=64)
    scopes: list[str] = Field(sa_type=JSON)
    expires_at: datetime = Field(sa_type=UtcInstant, index=True)


class SeenAssertionRow(SQLModel, table=True):
    """An assertion that was taken once, until it ends by itself; `sha256` is of its `jti`."""

    __tablename__ = "seen_assertions"

    client_id: str = Field(primary_key=True, max_length=32)
    sha256: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_type=UtcInstant, index=True)


class AuditRow(SQLModel, table=True):
    """Who did or saw what, numbered without gaps and chained by hashes; never a patient's data.

    `position` is the ledger's after what was done, where that moved it.
    """

    __tablename__ = "audit"

    sequence: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    recorded_at: datetime = Field(sa_type=UtcInstant)
    actor: str = Field(max_length=TERM)
    key_id: str | None = Field(default=None, max_length=TERM)
    action: str = Field(max_length=64)
    position: int | None = Field(default=None, sa_type=BigInteger, index=True)
    detail: dict[str, Any] = Field(sa_type=JSON)
    sha256: str = Field(max_length=64)


class AuditMentionRow(SQLModel, table=True):
    """A patient whom an audit entry is about, as a digest; part of what the entry's hash covers."""

    __tablename__ = "audit_mentions"

    sequence: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    subject: str = Field(primary_key=True, max_length=32, index=True)


class AuditSaltRow(SQLModel, table=True):
    """What makes a patient's digest in the audit trail; gone with the patient's erasure."""

    __tablename__ = "audit_salts"

    facility: str = Field(primary_key=True, max_length=IDENTIFIER)
    patient: str = Field(primary_key=True, max_length=IDENTIFIER)
    salt: str = Field(max_length=64)


class AuditHeadRow(SQLModel, table=True):
    """One row: where the audit chain ends. Whoever appends holds it."""

    __tablename__ = "audit_head"

    only_row: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    sequence: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)


class MonitorReadingRow(SQLModel, table=True):
    """The evidence of a monitor at one place when last evaluated; never a running maximum."""

    __tablename__ = "monitor_readings"

    monitor_id: str = Field(primary_key=True, max_length=TERM)
    scope_key: str = Field(primary_key=True, max_length=TERM)
    log_e: float
    day: int
    position: int = Field(sa_type=BigInteger)


class NetworkSettingRow(SQLModel, table=True):
    """A setting of the whole network as it stands; the audit trail has what it was before."""

    __tablename__ = "network_settings"

    name: str = Field(primary_key=True, max_length=64)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    actor: str = Field(max_length=TERM)
    body: str = Field(sa_type=Text)


class ImportRow(SQLModel, table=True):
    """A file that was sent, and what became of it; `facilities` is what its sender's key reaches.

    `taken` is the number of the last row that was worked on. `holder` is the process that works on
    it, `seen_at` when that process last said so.
    """

    __tablename__ = "imports"

    id: str = Field(primary_key=True, max_length=32)
    created_at: datetime = Field(sa_type=UtcInstant)
    actor: str = Field(max_length=TERM)
    key_id: str | None = Field(default=None, max_length=TERM)
    facilities: list[str] | None = Field(default=None, sa_type=JSON)
    mapping: str | None = Field(default=None, max_length=64)
    dry_run: bool
    state: str = Field(max_length=16)
    holder: str | None = Field(default=None, max_length=32)
    seen_at: datetime = Field(sa_type=UtcInstant)
    finished_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    rows_sent: int = Field(sa_type=BigInteger)
    taken: int = Field(sa_type=BigInteger)
    counts: dict[str, int] = Field(sa_type=JSON)
    warnings: dict[str, int] = Field(sa_type=JSON)
    faults: int = Field(sa_type=BigInteger)
    position: int | None = Field(default=None, sa_type=BigInteger)
    note: str | None = Field(default=None, sa_type=Text)


class ImportWaitingRow(SQLModel, table=True):
    """A row of a file, through the mapping, until it is recorded; whose it is, so that whoever is
    erased meanwhile is erased here too."""

    __tablename__ = "import_rows"
    __table_args__ = (Index("ix_import_rows_patient", "facility", "patient"),)

    import_id: str = Field(primary_key=True, max_length=32)
    number: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    facility: str | None = Field(default=None, max_length=IDENTIFIER)
    patient: str | None = Field(default=None, max_length=IDENTIFIER)
    body: str = Field(sa_type=Text)


class ImportFaultRow(SQLModel, table=True):
    """A fault in a file: where it is and what to do; never what stands there."""

    __tablename__ = "import_faults"

    import_id: str = Field(primary_key=True, max_length=32)
    number: int = Field(
        sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    line: int = Field(sa_type=BigInteger)
    field: str = Field(sa_type=Text)
    code: str = Field(max_length=64)
    message: str = Field(sa_type=Text)


class ImportMappingRow(SQLModel, table=True):
    """A mapping file as it was put last; `facilities` is what its owner's key reaches."""

    __tablename__ = "import_mappings"

    name: str = Field(primary_key=True, max_length=64)
    recorded_at: datetime = Field(sa_type=UtcInstant)
    actor: str = Field(max_length=TERM)
    facilities: list[str] | None = Field(default=None, sa_type=JSON)
    body: str = Field(sa_type=Text)


class RecipientRow(SQLModel, table=True):
    """Who is told of alerts, and how that goes.

    The secret has to be kept as it is: what is sent is signed with it. `leased_by` is who sends to
    it just now, until `leased_until`; after failures nobody tries again before `retry_at`.
    """

    __tablename__ = "recipients"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=TERM)
    channel: str = Field(max_length=16)
    target: str = Field(sa_type=Text)
    facilities: list[str] | None = Field(default=None, sa_type=JSON)
    least_severity: str = Field(max_length=16)
    quiet_hours: list[str] | None = Field(default=None, sa_type=JSON)
    timezone: str = Field(max_length=64)
    escalate_after_minutes: int | None = None
    digest_at: str | None = Field(default=None, max_length=5)
    is_enabled: bool
    disabled_because: str | None = Field(default=None, max_length=64)
    created_at: datetime = Field(sa_type=UtcInstant)
    secret: str | None = Field(default=None, max_length=TERM)
    previous_secret: str | None = Field(default=None, max_length=TERM)
    previous_until: datetime | None = Field(default=None, sa_type=UtcInstant)
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=UtcInstant)
    retry_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    refresh_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    leased_by: str | None = Field(default=None, max_length=32)
    leased_until: datetime | None = Field(default=None, sa_type=UtcInstant)


class OutboxRow(SQLModel, table=True):
    """What is to be told to a recipient, written with the change it tells of; no patient's data."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "state", "recipient_id", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    message_id: str = Field(max_length=64)
    recipient_id: str = Field(max_length=32)
    alert_id: str | None = Field(default=None, max_length=64, index=True)
    event: str = Field(max_length=32)
    facts: dict[str, Any] = Field(sa_type=JSON)
    is_urgent: bool
    is_in_digest: bool
    created_at: datetime = Field(sa_type=UtcInstant)
    due_at: datetime = Field(sa_type=UtcInstant)
    state: str = Field(max_length=16)
    attempts: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=UtcInstant)
    finished_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    replay_of: int | None = None


class DeliveryAttemptRow(SQLModel, table=True):
    """One try at telling something: what the other side answered, never its words."""

    __tablename__ = "delivery_attempts"

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(index=True)
    attempted_at: datetime = Field(sa_type=UtcInstant)
    outcome: str = Field(max_length=16)
    status: int | None = None
    reason: str | None = Field(default=None, max_length=64)
    milliseconds: int
