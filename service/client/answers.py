"""The service's answers, typed. Members that a later service adds are passed over.

In:     the JSON of an answer.
Out:    frozen values; what a later service may word anew stays a plain mapping.
Source: docs/api.md, docs/api-rates.md, docs/api-alerts.md.
"""

from datetime import date, datetime
from typing import Any, Literal

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with an event, or a remark on it."""

    pointer: str
    code: str
    message: str


class Result(msgspec.Struct, frozen=True):
    """What became of one event; `index` is its place among those sent, from 0."""

    index: int
    event_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    errors: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


class Receipt(msgspec.Struct, frozen=True):
    """What became of what was sent; everything in it is on the service's disk.

    An event that arrived although its answer got lost is a duplicate here: it is there, once.
    """

    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    position: int = 0
    results: tuple[Result, ...] = ()

    def __add__(self, later: "Receipt") -> "Receipt":
        """Both as one, the places of the later one counted on."""
        moved = (
            msgspec.structs.replace(result, index=result.index + self.received)
            for result in later.results
        )
        return Receipt(
            self.received + later.received,
            self.accepted + later.accepted,
            self.duplicates + later.duplicates,
            self.rejected + later.rejected,
            max(self.position, later.position),
            (*self.results, *moved),
        )


class AsOf(msgspec.Struct, frozen=True):
    """The state of knowledge that a figure speaks for."""

    position: int
    recorded_at: datetime | None = None


class Interval(msgspec.Struct, frozen=True):
    """Limits; None where there is none, as without person-time."""

    lower: float | None
    upper: float | None
    level: float
    method: str | None = None


class Rate(msgspec.Struct, frozen=True):
    """Cases over person-time in one stratum; `rate` is per `unit` of the answer."""

    stratum: dict[str, str]
    cases: int
    person_days: int
    person_years: float
    rate: float | None
    ci: Interval
    anytime_ci: Interval | None = None
    provisional: bool | None = None
    recipients: int | None = None


class Rates(msgspec.Struct, frozen=True):
    """Rates by stratum and over all, with what they mean."""

    definition: dict[str, Any]
    as_of: AsOf
    unit: str
    by: tuple[str, ...]
    rows: tuple[Rate, ...]
    total: Rate | None = None
    additive: bool | None = None


class AlertCase(msgspec.Struct, frozen=True):
    """A case that stands in an alert; `patient` is None for a key without `patients:read`."""

    facility: str
    patient: str | None
    event_id: str | None
    occurred_on: date
    organism: str | None
    site: str


class Alert(msgspec.Struct, frozen=True):
    """An alert as kept."""

    id: str
    monitor: str
    kind: str
    status: str
    severity: str
    title: str
    facilities: tuple[str, ...]
    opened_at: datetime
    cases: tuple[AlertCase, ...]
    evidence: dict[str, Any]
    latest_evidence: dict[str, Any]
    supported: bool
    passes_fdr: bool | None = None
    first_onset: date | None = None
    last_onset: date | None = None
    closed_on: date | None = None
    outcome: str | None = None


class Alerts(msgspec.Struct, frozen=True):
    """One page of alerts, the newest first; `next` is the address of the one after it."""

    items: tuple[Alert, ...]
    next: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """Why the service did not do what was asked."""

    title: str = ""
    detail: str = ""
    code: str | None = None
