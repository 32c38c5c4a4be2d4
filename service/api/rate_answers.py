"""How rates look on the wire: rows, totals, windows, and the explanation of a cell.

In:     `RateRow`s, `Window`s and `ExplainedPatient`s.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-rates.md.
"""

from typing import Any

from pydantic import BaseModel, Field

from service.api.figures import day
from service.domain.explanation import (
    REASONS,
    ExplainedCourse,
    ExplainedEpisode,
    ExplainedPatient,
)
from service.domain.strata import Stretch
from service.domain.windows import Window
from service.pipeline.provisional import Standing
from service.pipeline.rates import RateRow
from service.store.events import PatientKey

SUPPRESSED: Any = Field(
    default=None,
    description="Only for keys without `patients:read`: were counts of this row hidden, with all "
    "that tells of them? They are null then.",
)


class AsOf(BaseModel):
    """The state of knowledge a figure speaks for."""

    position: int = Field(description="The ledger's position.", examples=[4211])
    recorded_at: str | None = Field(
        description="When that position was reached; null before the first event.",
        examples=["2026-11-22T08:15:02Z"],
    )


class OneLook(BaseModel):
    """An interval that holds for one look."""

    lower: float | None
    upper: float | None
    level: float
    method: str


class Anytime(BaseModel):
    """An interval that holds however often one looks."""

    lower: float | None
    upper: float | None
    level: float


class Rate(BaseModel):
    """One row; rate and limits are null without person-time."""

    stratum: dict[str, str] = Field(examples=[{"agent": "tacrolimus"}])
    cases: int | None = Field(description="Null only where `suppressed`.", examples=[4])
    person_days: int = Field(examples=[41233])
    person_years: float = Field(description="person_days / 365.25.", examples=[112.89])
    rate: float | None = Field(description="Cases per `unit`.", examples=[3.543])
    ci: OneLook
    anytime_ci: Anytime
    provisional: bool = Field(
        description="Is more than `provisional_above` of the window's reports still to come?"
    )
    share_still_to_come: float | None = Field(
        description="Expected by the reporting lag of infections; null where too few reports tell.",
        examples=[0.08],
    )
    expected_cases: float | None = Field(
        description="cases / (1 - share_still_to_come): once all are reported.", examples=[4.35]
    )
    recipients: int | None = Field(
        default=None,
        description="With `include=recipients`: courses with at least one day at risk in the row.",
    )
    suppressed: bool | None = SUPPRESSED


class RatesHead(BaseModel):
    """What every answer says of itself."""

    definition: dict[str, Any] = Field(
        description="Every setting that shaped the figure, defaults and rules included."
    )
    as_of: AsOf
    unit: str = Field(examples=["per 100 person_years"])
    additive: bool = Field(description="Do the rows' cases and person-days add up to the total?")
    by: list[str] = Field(examples=[["agent"]])


class Rates(RatesHead):
    """Rates by stratum, and over all."""

    rows: list[Rate]
    total: Rate | None = Field(description="Null where a figure over all rows means nothing.")


class Period(BaseModel):
    """A period of the calendar; partial where it is cut by start, end or today."""

    name: str = Field(examples=["2026-11"])
    start: str = Field(examples=["2026-11-01"])
    end: str = Field(examples=["2026-11-22"])
    partial: bool


class RateInWindow(Rate):
    """One row in one window."""

    window: Period


class RateSeries(RatesHead):
    """Rates by window and stratum, by window, and over all."""

    interval: str = Field(examples=["month"])
    cumulative: bool
    rows: list[RateInWindow]
    window_totals: list[RateInWindow]
    total: Rate | None


class Sums(BaseModel):
    """What this page adds; over all pages, the cell of `GET /v1/rates`."""

    person_days: int
    cases: int
    patients: int
    courses: int


class Explanation(BaseModel):
    """One page of the patients behind a cell."""

    definition: dict[str, Any]
    as_of: AsOf
    sums: Sums
    items: list[dict[str, Any]] = Field(
        description="Patients in order: their courses with days and cases, and the episodes that "
        "are no cases, each with the reason."
    )
    next: str | None


def rate(row: RateRow, standing: Standing) -> dict[str, Any]:
    """One row."""
    estimate, anytime = row.estimate, row.anytime
    shown: dict[str, Any] = {
        "stratum": row.stratum,
        "cases": estimate.cases,
        "person_days": estimate.person_days,
        "person_years": estimate.person_years,
        "rate": estimate.rate,
        "ci": {
            "lower": estimate.interval.lower,
            "upper": estimate.interval.upper,
            "level": estimate.interval.level,
            "method": estimate.interval.method,
        },
        "anytime_ci": {
            "lower": anytime.lower,
            "upper": anytime.upper,
            "level": anytime.level,
        },
        "provisional": standing.provisional,
        "share_still_to_come": standing.share_still_to_come,
        "expected_cases": standing.expected_cases(estimate.cases),
    }
    return shown if row.recipients is None else {**shown, "recipients": row.recipients}


def rate_in_window(row: RateRow, window: Window, standing: Standing) -> dict[str, Any]:
    """One row in one window."""
    period = {
        "name": window.name,
        "start": day(window.days.start_day),
        "end": day(window.days.end_day),
        "partial": window.partial,
    }
    return {"window": period, **rate(row, standing)}


def explained_patient(key: PatientKey, patient: ExplainedPatient) -> dict[str, Any]:
    """What one patient adds to a cell, and what was left out."""
    return {
        "facility": key.facility,
        "patient": key.patient,
        "person_days": patient.person_days,
        "cases": patient.cases,
        "courses": [_course(course) for course in patient.courses],
        "exclusions": [_exclusion(one) for one in patient.exclusions],
    }


def _course(course: ExplainedCourse) -> dict[str, Any]:
    return {
        "index_date": day(course.index_day),
        "person_days": course.person_days,
        "spells": [
            {**_stretch(stretch), "stratum": stretch.stratum._asdict()}
            for stretch in course.follow_up
        ],
        "taken_out": [_stretch(stretch) for stretch in course.taken_out],
        "episodes": [_episode(one) for one in course.cases],
    }


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "start": day(stretch.start_day),
        "end": day(stretch.end_day),
        "person_days": stretch.end_day - stretch.start_day + 1,
    }


def _episode(one: ExplainedEpisode) -> dict[str, Any]:
    episode = one.episode
    return {
        "episode_id": episode.episode_id,
        "onset": day(episode.onset_day),
        "infection_type": episode.infection_type,
        "organism": episode.organism,
        "organism_group": episode.organism_group,
        "site": episode.site,
        "site_class": episode.site_class,
        "status": episode.status,
        "certainty": episode.certainty,
        "event_ids": list(dict.fromkeys(name.rpartition("#")[0] for name in one.record_ids)),
    }


def _exclusion(one: ExplainedEpisode) -> dict[str, Any]:
    reason = one.reason or ""
    index_day = one.episode.course_index_day
    return {
        **_episode(one),
        "index_date": day(index_day) if index_day else None,
        "reason": reason,
        "meaning": REASONS[reason],
    }
