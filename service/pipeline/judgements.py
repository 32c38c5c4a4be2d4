"""What is well and what is not: one sentence for each thing that a doctor looks at.

In:     what was seen of settings, database, clock, disk and keys.
Out:    a `Judgement`: ok, warn or fail, what was seen, and what to do.
Source: docs/operations.md, "Doctor". Nothing here looks for itself, so each fault can be tried.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from service.settings import PREFIX, Settings

Status = Literal["ok", "warn", "fail"]

MEBIBYTE = 2**20
LEAST_LEFT = 256 * MEBIBYTE
"""Below it a busy day may fill the disk."""
COMFORTABLY_LEFT = 2**30
SECONDS_APART = 5
SECONDS_TOO_FAR_APART = 60
DAYS_OF_NOTICE = 30
EXPIRED_LATELY_DAYS = 7
OLDEST_POSTGRESQL = 15
OVERDUE = timedelta(hours=1)
"""A message that waits so long has been tried many times."""


class Judgement(NamedTuple):
    """What was seen, how it is, and what to do about it; advice is empty where all is well."""

    status: Status
    seen: str
    advice: str = ""


class HeldKey(NamedTuple):
    """What matters of a key here."""

    id: str
    name: str
    scopes: Sequence[str]
    expires_at: datetime | None
    is_revoked: bool


def of_settings(settings: Settings) -> Judgement:
    """Warn of what is meant for developing."""
    if settings.auth == "off":
        return Judgement(
            "warn",
            "Requests need no key: whoever reaches this machine's port may do everything.",
            f"Set {PREFIX}AUTH=on where real patients are watched.",
        )
    if settings.log_format == "console":
        return Judgement(
            "warn",
            "Logs are written for a person's eyes, with exceptions in full, which may hold values.",
            f"Set {PREFIX}LOG_FORMAT=json where real patients are watched.",
        )
    return Judgement("ok", f"All {len(type(settings).model_fields)} can be used.")


def of_server(version: str, connections: int | None, settings: Settings) -> Judgement:
    """Is it a release that is supported, and does it take the connections that may be asked?"""
    name, _, number = version.partition(" ")
    if name == "PostgreSQL" and int(number.partition(".")[0]) < OLDEST_POSTGRESQL:
        advice = f"Move to PostgreSQL {OLDEST_POSTGRESQL} or newer: back up, restore there."
        return Judgement("fail", f"It answers, as {version}, which is too old.", advice)
    may_ask = 2 * settings.workers * settings.database_pool_size
    if connections is not None and may_ask > connections:
        return Judgement(
            "warn",
            f"It answers, as {version}, and takes {connections} connections; "
            f"under load {may_ask} may be asked of it.",
            f"Raise its max_connections, or lower {PREFIX}WORKERS or {PREFIX}DATABASE_POOL_SIZE.",
        )
    return Judgement("ok", f"It answers, as {version}.")


def of_migrations(found: str | None, head: str | None, *, is_known: bool) -> Judgement:
    """Has the database the shape of this release?"""
    if found == head:
        return Judgement("ok", f"The database is at revision {head}, this release's.")
    if found is None:
        return Judgement("fail", "The database is empty.", "Run `graftwatch migrate`.")
    if is_known:
        seen = f"The database is at revision {found}, and this release needs {head}."
        return Judgement("fail", seen, "Back up, then run `graftwatch migrate`.")
    return Judgement(
        "fail",
        f"The database is at revision {found}, which this release does not know.",
        "Run the release that made it, or restore the backup made before that upgrade.",
    )


def of_rules(built_under: str, ours: str, *, position: int, is_rebuilding: bool) -> Judgement:
    """Was the ledger counted as these settings say?"""
    advice = "Run `graftwatch rebuild --apply`, or set the rules back."
    if position and built_under != ours:
        words = "a rebuild was cut" if is_rebuilding else "under other rules than are set"
        return Judgement("fail", f"The ledger was not counted throughout: {words}.", advice)
    if is_rebuilding:
        seen = "A rebuild is under way, or was cut."
        return Judgement("warn", seen, "If none runs, run `graftwatch rebuild --apply` to end it.")
    return Judgement("ok", "The ledger was counted under the rules that are set.")


def of_clock(apart: timedelta, ahead: timedelta) -> Judgement:
    """`apart` from the database's clock; `ahead` is how far the last record lies in the future."""
    advice = "Let one time service (NTP) set the clocks of this machine and of the database's."
    if ahead.total_seconds() > SECONDS_APART:
        return Judgement(
            "fail",
            f"The last record is of {_span(ahead)} from now: a clock was, or is, wrong.",
            f"{advice} Where this clock is right, what is recorded until then has no order in "
            "time, and figures as of an instant may miss it.",
        )
    seconds = abs(apart.total_seconds())
    seen = f"This machine's clock and the database's are {_span(abs(apart))} apart."
    if seconds > SECONDS_TOO_FAR_APART:
        return Judgement("fail", seen, advice)
    return Judgement("warn", seen, advice) if seconds > SECONDS_APART else Judgement("ok", seen)


def of_room(taken: int, left: int | None) -> Judgement:
    """Is there room for a busy day, and for a copy of the database?"""
    if left is None:
        seen = f"The database takes {_size(taken)}; its server's disk cannot be seen from here."
        return Judgement("ok", seen)
    seen = f"The database takes {_size(taken)}, and {_size(left)} are left on its disk."
    if left < LEAST_LEFT:
        advice = "Make room now: without any, events are refused with 503 until there is."
        return Judgement("fail", seen, advice)
    if left < max(taken, COMFORTABLY_LEFT):
        return Judgement("warn", seen, "Make room: a copy of the database would not fit in.")
    return Judgement("ok", seen)


def of_keys(keys: Sequence[HeldKey], now: datetime, *, are_needed: bool) -> Judgement:
    """Can somebody manage the service, and who will soon be locked out?"""
    if not are_needed:
        return Judgement("ok", "None is needed.")
    known = [key for key in keys if not key.is_revoked]
    valid = [key for key in known if key.expires_at is None or key.expires_at > now]
    if not valid:
        advice = "Make one: `graftwatch keys create NAME --scope SCOPE`."
        return Judgement("fail", "No key is valid: nobody can send or read anything.", advice)
    lasting = [key for key in valid if "manage" in key.scopes]
    if not lasting:
        advice = "Make one: `graftwatch keys create NAME --scope manage`."
        return Judgement("fail", "No valid key has the scope manage.", advice)
    span = timedelta(days=DAYS_OF_NOTICE)
    lately = now - timedelta(days=EXPIRED_LATELY_DAYS)
    ending = [key for key in known if key.expires_at and lately < key.expires_at < now + span]
    if ending:
        ends = [f"{key.name} ({key.id}) {key.expires_at:%Y-%m-%d}" for key in ending]
        return Judgement(
            "warn",
            f"{len(valid)} valid; {len(ending)} expired this week or will within "
            f"{DAYS_OF_NOTICE} days: {', '.join(ends)}.",
            "Make a new key for each that is still used, and move its user over.",
        )
    return Judgement("ok", f"{len(valid)} valid, {len(lasting)} of them with the scope manage.")


def of_pseudonym_key(*, is_set: bool, documents_came_in: bool) -> Judgement:
    """Can the documents of hospitals be taken in, as they were before?"""
    if is_set:
        return Judgement("ok", "It is set. Keep it for good: it cannot be replaced.")
    if documents_came_in:
        return Judgement(
            "fail",
            "FHIR or HL7 documents came in, and the key that hashes their identifiers is not set.",
            f"Set {PREFIX}PSEUDONYM_KEY to what it was: until then such documents are refused, "
            "and under another key their patients would be counted twice.",
        )
    return Judgement("ok", "Not set, and nothing came in that needs it.")


def of_ledger(patients: int, that_differ: int) -> Judgement:
    """Does the ledger say of the sampled patients what a replay of their events says?"""
    if that_differ:
        seen = f"Of {patients:,} patients replayed, {that_differ:,} differ from the ledger."
        return Judgement("fail", seen, PUT_RIGHT)
    return Judgement("ok", f"{patients:,} patients replayed; the ledger agrees with each.")


def of_sums(facilities: int, that_differ: int) -> Judgement:
    """Are the sums that rates are read from the sums of what they are made of?"""
    if that_differ:
        return Judgement("fail", f"{that_differ:,} sums are not the sums they say.", PUT_RIGHT)
    return Judgement("ok", f"The sums of {facilities:,} facilities are consistent.")


PUT_RIGHT = (
    "Run `graftwatch rebuild` to see how much differs, back up, then `graftwatch rebuild --apply`; "
    "and tell how it came to differ."
)


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.1f} s" if seconds < 2 * 60 * 60 else f"{seconds / 3600:.1f} h"


def _size(number: int) -> str:
    return f"{number / MEBIBYTE:,.0f} MiB" if number < 10 * 2**30 else f"{number / 2**30:,.0f} GiB"


def of_second_wall(*, belongs: bool, stands: bool) -> Judgement:
    """Warn where PostgreSQL itself does not hold bound keys to their facilities."""
    if not belongs:
        return Judgement("ok", "There is none on this database: the service alone binds keys.")
    if stands:
        return Judgement("ok", "PostgreSQL itself shows bound keys no row of other facilities.")
    return Judgement(
        "warn",
        "Only the service holds bound keys to their facilities: the database's role may make none.",
        'See docs/access.md, "A second wall": two statements of an administrator, then '
        "`graftwatch migrate`.",
    )


def of_outbox(waiting: int, late: timedelta) -> Judgement:
    """Warn where somebody should have been told by now."""
    if late < OVERDUE:
        return Judgement("ok", f"{waiting:,} messages wait for their time.")
    hours = late / timedelta(hours=1)
    return Judgement(
        "warn",
        f"{waiting:,} messages wait; somebody could not be told for {hours:,.1f} hours.",
        "`graftwatch recipients log` says why; docs/runbook.md what to do.",
    )
