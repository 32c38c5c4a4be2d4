"""What an operator can set, read once from GRAFTWATCH_* variables or from secret files.

In: the environment (`GRAFTWATCH_PORT=8080`, or `GRAFTWATCH_PORT_FILE=/run/secrets/port`).
Out: one frozen `Settings`, or a `SettingsError` that says what to change and prints no value.
Source: docs/operations.md, whose table a test holds equal to the fields below.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError

PREFIX = "GRAFTWATCH_"
KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE


class SettingsError(ValueError):
    """The settings cannot be used; the text names the variables and what each must hold."""


class Settings(BaseSettings):
    """Everything an operator can choose; built by `read_settings`, never changed afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database_url: str = Field(
        default="sqlite:///graftwatch.db",
        repr=False,  # it may hold a password
        description="Where the data is kept: `sqlite:///file` or `postgresql://user@host/name`.",
    )
    database_pool_size: int = Field(
        default=10,
        ge=1,
        le=200,
        description="Connections each process keeps to PostgreSQL; under load, twice as many.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; `0.0.0.0` for every network interface.",
    )
    port: int = Field(default=8000, ge=1, le=65535, description="TCP port to listen on.")
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that serve; more than one needs PostgreSQL.",
    )
    auth: Literal["on", "off"] = Field(
        default="on",
        description="Whether requests need a key; `off` only where `host` is a loopback address.",
    )
    timezone: str = Field(
        default="UTC",
        description="IANA zone whose calendar says which day is today for the network.",
    )
    followup_grace_days: int = Field(
        default=90,
        ge=0,
        le=3650,
        description="Days a patient without news stays at risk after the last contact.",
    )
    visit_schedule: str = Field(
        default="100,183,365",
        description="Days after transplantation on which a patient should be seen.",
    )
    visit_then_every: int = Field(
        default=365, ge=0, le=3650, description="Days between visits after those; 0 for none."
    )
    visit_tolerance_days: int = Field(
        default=45, ge=0, le=3650, description="Days by which a visit may be early or late."
    )
    provisional_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="A rate is provisional while more than this share of its reports is to come.",
    )
    case_definitions_file: Path | None = Field(
        default=None,
        description="JSON file of case definitions that replace shipped ones; needs a rebuild.",
    )
    dhis2_mapping_file: Path | None = Field(
        default=None,
        description="TOML file that says which figures go to which ids of DHIS2.",
    )
    pseudonym_key: str | None = Field(
        default=None,
        min_length=32,
        repr=False,
        description="Secret for hashing identifiers in FHIR, HL7 and registers; keep it for good.",
    )
    hl7_always_200: bool = Field(
        default=False,
        description="Answer HL7 messages with 200 whatever the ACK says: for bridges that need it.",
    )
    max_body_bytes: int = Field(
        default=16 * MEBIBYTE,
        ge=KIBIBYTE,
        description="Largest request body, except NDJSON streams, which have no upper bound.",
    )
    max_line_bytes: int = Field(
        default=MEBIBYTE, ge=KIBIBYTE, description="Longest single line of an NDJSON stream."
    )
    max_import_bytes: int = Field(
        default=1024 * MEBIBYTE, ge=KIBIBYTE, description="Largest file sent to `/v1/imports`."
    )
    max_array_events: int = Field(
        default=10_000, ge=1, description="Most events in one JSON array."
    )
    ingest_batch_size: int = Field(
        default=5_000, ge=1, le=100_000, description="Streamed events stored per transaction."
    )
    max_waiting_events: int = Field(
        default=50_000,
        ge=1,
        description="Events that may wait to be stored; beyond it, requests are answered 503.",
    )
    requests_per_minute: int = Field(
        default=60_000,
        ge=0,
        description="Requests a minute that each process takes from one key; 0 for any number.",
    )
    small_cells_below: int = Field(
        default=5,
        ge=0,
        le=100,
        description="Counts from 1 to below this are hidden from keys without `patients:read`; 0 "
        "hides none.",
    )
    sse_poll_seconds: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Pause between two looks for new alerts on an open event stream.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="Where others reach this service: links in messages begin with it; without it, "
        "no SMART Backend Services.",
    )
    webhook_allow_http: bool = Field(
        default=False, description="Whether webhooks may go to `http://` addresses too."
    )
    webhook_networks: str = Field(
        default="",
        description="Networks besides public ones that webhooks may reach: `10.1.0.0/16`.",
    )
    smtp_host: str | None = Field(
        default=None, description="Mail server that takes messages; without it, no e-mail."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its TCP port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How it is kept private; `none` only within one machine or a trusted network.",
    )
    smtp_username: str | None = Field(default=None, description="Whom it knows Graftwatch as.")
    smtp_password: str | None = Field(
        default=None, repr=False, description="The password for that; better in a file."
    )
    smtp_from: str = Field(
        default="graftwatch@localhost",
        pattern=r"^[^@\s<>,]+@[A-Za-z0-9.-]+$",
        description="The address that messages come from.",
    )
    alertmanager_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Where Alertmanager is; without it, no recipient of that channel.",
    )
    alertmanager_token: str | None = Field(
        default=None, repr=False, description="Bearer token for it; better in a file."
    )
    delivery_poll_seconds: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Pause between two looks for messages that are due.",
    )
    delivery_retry_seconds: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        description="Wait after a first failed delivery; it doubles with each further one.",
    )
    delivery_retry_most_seconds: float = Field(
        default=900.0, gt=0, le=86_400, description="Longest wait between two attempts to deliver."
    )
    delivery_keep_days: int = Field(
        default=3, ge=3, le=90, description="Days for which an undelivered message is tried."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe message that is logged."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="One JSON object a line, or lines for a person's eyes."
    )

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, url: str) -> str:
        scheme, separator, rest = url.partition("://")
        if scheme in {"postgresql", "postgres", "postgresql+psycopg"} and separator and rest:
            return f"postgresql+psycopg://{rest}"
        if scheme == "sqlite" and separator:
            return url
        raise ValueError("must begin with sqlite:/// or postgresql://")

    @field_validator("timezone")
    @classmethod
    def _know_the_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as fault:
            raise ValueError("must be an IANA time zone such as Europe/Berlin") from fault
        return name

    @field_validator("small_cells_below")
    @classmethod
    def _hide_more_than_ones(cls, bound: int) -> int:
        if bound in (1, 2):
            raise ValueError("must be 0, or at least 3: below 2 nothing is hidden, below 3 only 1")
        return bound

    @field_validator("webhook_networks")
    @classmethod
    def _know_the_networks(cls, text: str) -> str:
        for part in filter(None, map(str.strip, text.split(","))):
            try:
                ip_network(part)
            except ValueError:
                raise ValueError("must be networks such as 10.1.0.0/16,fd12::/32") from None
        return text

    @field_validator("visit_schedule")
    @classmethod
    def _know_the_visits(cls, text: str) -> str:
        parts = [part.strip() for part in text.split(",")]
        if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
            raise ValueError("must be days such as 100,183,365")
        days = [0, *map(int, parts)]
        if any(one >= other for one, other in pairwise(days)):
            raise ValueError("must be days that rise from above 0, such as 100,183,365")
        return text

    @model_validator(mode="after")
    def _keep_open_doors_at_home(self) -> "Settings":
        if self.auth == "off" and not is_loopback(self.host):
            raise ValueError(
                f"{PREFIX}AUTH=off is accepted only where {PREFIX}HOST is a loopback address "
                f"such as 127.0.0.1; set {PREFIX}AUTH=on, or listen on loopback"
            )
        return self

    @model_validator(mode="after")
    def _keep_one_process_to_a_file(self) -> "Settings":
        if self.workers > 1 and self.database_url.startswith("sqlite"):
            raise ValueError(
                f"{PREFIX}WORKERS above 1 needs PostgreSQL, and {PREFIX}DATABASE_URL names a "
                f"SQLite file: leave {PREFIX}WORKERS at 1, or name a PostgreSQL database"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then variables with their `_FILE` forms; no .env file is looked for."""
        return init_settings, VariableOrFile(settings_cls)


class VariableOrFile(EnvSettingsSource):
    """Environment variables, each of which may be given as `NAME_FILE`, the path of a file."""

    def __call__(self) -> dict[str, Any]:
        """Return the values given in variables and in files; both for one setting is an error."""
        return {**super().__call__(), **read_secret_files(os.environ)}


def read_secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Return each setting whose `_FILE` variable is set, as the named file's stripped text."""
    found: dict[str, str] = {}
    for name in Settings.model_fields:
        variable = f"{PREFIX}{name.upper()}"
        path = environment.get(f"{variable}_FILE")
        if path is None:
            continue
        if variable in environment:
            raise SettingsError(f"{variable} and {variable}_FILE are both set: unset one of them")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
            raise SettingsError(
                f"{variable}_FILE names a file that cannot be read ({reason})"
            ) from None
    return found


def read_settings(**given: Any) -> Settings:
    """Return the settings, `given` ones first, or raise a `SettingsError` naming every fault."""
    try:
        return Settings(**given)
    except ValidationError as fault:
        raise SettingsError("\n".join(_sentences(fault))) from None
    except SourceError as fault:
        raise SettingsError(f"the {PREFIX}* variables cannot be read: {fault}") from None


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a service that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _sentences(fault: ValidationError) -> list[str]:
    """Word each fault for an operator, without the value that was found."""
    sentences = []
    for error in fault.errors(include_input=False, include_url=False, include_context=False):
        message = error["msg"].removeprefix("Value error, ")
        variable = "".join(f"{PREFIX}{str(part).upper()}: " for part in error["loc"][:1])
        sentences.append(f"{variable}{message}")
    return sentences
