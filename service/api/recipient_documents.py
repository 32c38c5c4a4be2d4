"""Recipients as documents.

In:     the fields of `POST` and `PATCH /v1/recipients`; what is kept.
Out:    a `Recipient`'s fields; documents, never with a secret but where one was just made.
Source: docs/delivery.md.
"""

from datetime import datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from service.domain.recipients import Channel, QuietHours, Recipient, Severity
from service.store.recipients import KeptRecipient

RECIPIENT: dict[str, Any] = {
    "id": "r-5d1f60a3b8e94c27",
    "name": "Infection control, UCD",
    "channel": "webhook",
    "target": "https://hooks.example.org/graftwatch",
    "facilities": ["ucd-01"],
    "least_severity": "warning",
    "quiet_hours": ["22:00", "07:00"],
    "timezone": "America/Los_Angeles",
    "escalate_after_minutes": None,
    "digest_at": None,
    "enabled": True,
    "disabled_because": None,
    "created_at": "2026-03-01T12:00:00Z",
    "failing_since": None,
    "retry_at": None,
}
ASKED_FOR = ("name", "channel", "target", "facilities", "quiet_hours", "timezone")

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("must be an IANA time zone such as Europe/Berlin") from None
    return name


Clock = Annotated[str, Field(pattern=CLOCK)]
Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
FacilityName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
SETTABLE = {"name", "target", "least_severity", "timezone", "enabled"}
"""What has a value always: to leave it out is to leave it, and null means nothing."""


class RecipientChange(BaseModel):
    """What is to be otherwise; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=128)
    target: str | None = Field(
        None,
        max_length=2000,
        description="A URL; e-mail addresses with commas between; nothing for Alertmanager.",
    )
    facilities: list[FacilityName] | None = Field(
        None, max_length=1000, description="Hears of alerts that are of these alone; null: of all."
    )
    least_severity: Severity | None = None
    quiet_hours: tuple[Clock, Clock] | None = Field(
        None, description="From when until when only critical alerts are told; null: never quiet."
    )
    timezone: Zone | None = Field(None, description="Whose clocks count for it.")
    escalate_after_minutes: int | None = Field(
        None,
        ge=1,
        le=7 * 24 * 60,
        description="Hears only of alerts that nobody has acknowledged for so long.",
    )
    digest_at: Clock | None = Field(
        None, description="What is not critical comes in one message a day, at that time."
    )
    enabled: bool | None = None

    @model_validator(mode="after")
    def _leave_out_what_is_left(self) -> "RecipientChange":
        for name in self.model_fields_set & SETTABLE:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null: leave it out to leave it as it is")
        return self

    def fields(self) -> dict[str, Any]:
        """What was sent, as fields of a `Recipient`."""
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        return {READ_AS.get(name, name): _read(name, value) for name, value in sent.items()}


READ_AS = {"enabled": "is_enabled"}
READ: dict[str, Any] = {
    "facilities": lambda names: tuple(sorted(set(names))),
    "quiet_hours": lambda clocks: QuietHours(*map(time.fromisoformat, clocks)),
    "digest_at": time.fromisoformat,
}


def _read(name: str, value: Any) -> Any:
    return READ[name](value) if name in READ and value is not None else value


class NewRecipient(RecipientChange):
    """Somebody who wishes to hear of alerts."""

    model_config = ConfigDict(
        json_schema_extra={"example": {name: RECIPIENT[name] for name in ASKED_FOR}}
    )

    name: str = Field(min_length=1, max_length=128)
    channel: Channel

    def recipient(self, recipient_id: str) -> Recipient:
        """The recipient that is asked for."""
        return Recipient(recipient_id, **self.fields())


class RecipientDocument(BaseModel):
    """Who is told of alerts, and whether that works."""

    model_config = ConfigDict(json_schema_extra={"example": RECIPIENT})

    id: str
    name: str
    channel: Channel
    target: str
    facilities: list[str] | None
    least_severity: Severity
    quiet_hours: list[str] | None
    timezone: str
    escalate_after_minutes: int | None
    digest_at: str | None
    enabled: bool
    disabled_because: str | None = Field(description="`gone`: it answered 410.")
    created_at: datetime
    failing_since: datetime | None = Field(description="No attempt since then has succeeded.")
    retry_at: datetime | None = Field(description="When it is tried again.")


class NewRecipientDocument(RecipientDocument):
    """A new recipient with its secret."""

    model_config = ConfigDict(
        json_schema_extra={"example": {**RECIPIENT, "secret": "whsec_…, shown this once"}}
    )

    secret: str | None = Field(description="What a webhook is signed with; shown this once.")


class RecipientList(BaseModel):
    """Every recipient."""

    items: list[RecipientDocument]


class SecretDocument(BaseModel):
    """A secret, shown this once."""

    secret: str
    previous_until: datetime = Field(description="Until then signed with the one before it too.")


def tell_recipient(kept: KeptRecipient) -> RecipientDocument:
    """A recipient's document."""
    return RecipientDocument(**_fields(kept))


def tell_new_recipient(kept: KeptRecipient, secret: str | None) -> NewRecipientDocument:
    """A new recipient's document, with its secret."""
    return NewRecipientDocument(**_fields(kept), secret=secret)


def _fields(kept: KeptRecipient) -> dict[str, Any]:
    recipient = kept.recipient
    quiet, digest_at = recipient.quiet_hours, recipient.digest_at
    return {
        "id": recipient.id,
        "name": recipient.name,
        "channel": recipient.channel,
        "target": recipient.target,
        "facilities": recipient.facilities,
        "least_severity": recipient.least_severity,
        "quiet_hours": None if quiet is None else [f"{clock:%H:%M}" for clock in quiet],
        "timezone": recipient.timezone,
        "escalate_after_minutes": recipient.escalate_after_minutes,
        "digest_at": None if digest_at is None else f"{digest_at:%H:%M}",
        "enabled": recipient.is_enabled,
        "disabled_because": kept.disabled_because,
        "created_at": kept.created_at,
        "failing_since": kept.health.failing_since,
        "retry_at": kept.health.retry_at,
    }
