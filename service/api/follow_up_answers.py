"""How the quality of follow-up looks on the wire.

In:     `QualityRow`s, overdue courses and lag distributions.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-rates.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, Field

from service.api.figures import day, instant
from service.api.rate_answers import SUPPRESSED, AsOf
from service.api.small_cells import Cells
from service.domain.rules import FollowUpRules
from service.domain.visits import LATE, NOT_SEEN, OVERDUE, SEEN, FollowedUp
from service.pipeline.as_of import KnownState
from service.pipeline.follow_up_quality import QualityDefinition, QualityRow
from service.pipeline.reporting_lags import Counts, Lag
from service.stats.completeness import completeness
from service.stats.reporting_lag import LagDistribution
from service.store.events import PatientKey

Tell: TypeAlias = Callable[[QualityRow], list[dict[str, Any]]]


class Head(BaseModel):
    """What every answer says of itself."""

    definition: dict[str, Any] = Field(description="Every setting that shaped the figure.")
    as_of: AsOf
    unit: str = Field(examples=["person_days"])


class Quality(BaseModel):
    """One stratum's completeness."""

    stratum: dict[str, str] = Field(examples=[{"facility": "ucd-01"}])
    courses: int | None = Field(description="Courses entered up to `end`.", examples=[3])
    observed_person_days: int = Field(examples=[240])
    potential_person_days: int = Field(examples=[300])
    completeness: float | None = Field(
        description="Clark's index: observed / potential; null without potential.", examples=[0.8]
    )
    under_observation: int | None = Field(description="Not lost, withdrawn, transferred or dead.")
    overdue: int | None = Field(description="Of these, courses with a visit that is overdue.")
    suppressed: bool | None = SUPPRESSED


class FollowUpQuality(Head):
    """Completeness by stratum and over all."""

    by: list[str]
    rows: list[Quality]
    total: Quality


class VisitCounts(BaseModel):
    """What became of one visit of the schedule."""

    stratum: dict[str, str] = Field(examples=[{"facility": "ucd-01"}])
    visit: int = Field(description="Days since the index date.", examples=[100])
    due: int | None = Field(description="Courses of whom the visit's tolerance has passed.")
    seen: int | None = Field(description="A contact within the tolerance.")
    late: int | None = Field(description="No contact within it, but one later.")
    overdue: int | None = Field(description="None since the window opened, and under observation.")
    not_seen: int | None = Field(description="None, of courses lost, withdrawn or transferred.")
    suppressed: bool | None = SUPPRESSED


class Visits(Head):
    """Visits by stratum, and over all in `window_totals`."""

    by: list[str]
    rows: list[VisitCounts]
    window_totals: list[VisitCounts]
    total: None = None


class OverdueVisit(BaseModel):
    """A visit that is waited for."""

    visit: int = Field(examples=[100])
    due_on: str = Field(examples=["2026-04-11"])
    days_overdue: int = Field(description="Days since it was due.", examples=[60])


class OverduePatient(BaseModel):
    """A patient to be called in."""

    facility: str
    patient: str
    index_date: str
    last_contact: str
    visits: list[OverdueVisit]


class Overdue(Head):
    """One page of overdue patients."""

    by: list[str]
    items: list[OverduePatient]
    next: str | None


class Lags(BaseModel):
    """How long one type of report takes; quantiles are null with fewer than 10 reports."""

    stratum: dict[str, str] = Field(examples=[{"facility": "ucd-01", "type": "infection"}])
    reports: int | None = Field(
        description="First reports of the last year's events.", examples=[120]
    )
    horizon_days: int | None = Field(
        description="Lags beyond this could be shown by fewer than 10 reports and are unknown."
    )
    quantiles: dict[str, int | None] = Field(examples=[{"p50": 3, "p75": 8, "p90": 21, "p95": 30}])
    suppressed: bool | None = SUPPRESSED


class ReportingLag(Head):
    """Lags by facility and type, and by type over all facilities in `window_totals`."""

    rows: list[Lags]
    window_totals: list[Lags]
    total: None = None


COURSES = Cells(
    counts=("courses", "under_observation", "overdue"), derived=(), size="potential_person_days"
)
VISITS = Cells(counts=(SEEN, LATE, OVERDUE, NOT_SEEN), derived=("due",), size=None)
REPORTS = Cells(counts=("reports",), derived=(), size=None)
QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}


def head(asked: QualityDefinition, known: KnownState, rules: FollowUpRules) -> dict[str, Any]:
    """What every answer says of itself."""
    return {
        "definition": {
            **{name: list(values) for name, values in asked.filters.items()},
            "end": day(asked.end_day),
            "by": list(asked.by),
            "schedule": list(asked.schedule.days),
            "then_every": asked.schedule.then_every,
            "tolerance": asked.schedule.tolerance_days,
            "followup_grace_days": rules.followup_grace_days,
            "observed": "entry to the last contact or exit, without the grace period",
            "potential": "entry to end, death or the day before the next transplant",
        },
        "as_of": {"position": known.position, "recorded_at": instant(known.recorded_at)},
        "unit": "person_days",
        "by": list(asked.by),
    }


def quality(row: QualityRow) -> list[dict[str, Any]]:
    """One stratum, as the only row of its kind."""
    return [
        {
            "stratum": row.stratum,
            "courses": row.courses,
            "observed_person_days": row.observed_person_days,
            "potential_person_days": row.potential_person_days,
            "completeness": completeness(row.observed_person_days, row.potential_person_days),
            "under_observation": row.under_observation,
            "overdue": row.overdue,
        }
    ]


def visits(row: QualityRow) -> list[dict[str, Any]]:
    """One stratum's visits, in order of day."""
    shown = []
    for due in sorted({due for due, _ in row.visits}):
        states = {state: row.visits[due, state] for state in (SEEN, LATE, OVERDUE, NOT_SEEN)}
        shown.append({"stratum": row.stratum, "visit": due, "due": sum(states.values()), **states})
    return shown


def overdue(key: PatientKey, one: FollowedUp, end_day: int) -> dict[str, Any]:
    """One patient with the visits that are waited for."""
    return {
        "facility": key.facility,
        "patient": key.patient,
        "index_date": day(one.course.index_day),
        "last_contact": day(one.last_contact_day),
        "visits": [
            {
                "visit": visit.due,
                "due_on": day(visit.due_day),
                "days_overdue": end_day - visit.due_day,
            }
            for visit in one.overdue
        ],
    }


def lag(stratum: dict[str, str], counts: Counts, found: LagDistribution | None) -> dict[str, Any]:
    """One row of lags."""
    return {
        "stratum": stratum,
        "reports": sum(counts.values()),
        "horizon_days": found.horizon_days if found else None,
        "quantiles": {
            name: found.quantile(share) if found else None for name, share in QUANTILES.items()
        },
    }


def added(parts: Iterable[Mapping[Lag, int]]) -> Counts:
    """Counts added up."""
    found: Counter[Lag] = Counter()
    for part in parts:
        found.update(part)
    return found
