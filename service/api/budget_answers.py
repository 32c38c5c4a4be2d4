"""The error budget on the wire.

In:     a `BudgetReport` and a `Judgement`; the fields a caller sends.
Out:    documents; an `ErrorBudget`.
Source: docs/api-alerts.md; docs/methods.md 8.6.
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from service.monitors.error_budget import ErrorBudget, Share, chance_that_any_alarms
from service.pipeline.discoveries import Judgement
from service.pipeline.error_budget import BudgetReport

LARGEST = 1e9


class NewBudget(BaseModel):
    """What is allowed; unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"false_discovery_rate": 0.05, "false_alarms_ever": 1.0}]},
    )

    false_discovery_rate: float = Field(
        0.05, gt=0, lt=1, description="The share of false ones among the alerts that `passes_fdr`."
    )
    false_alarms_ever: float | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="The sum of alpha over all monitors and places: how many may be expected ever "
        "to alarm falsely. Null: no limit.",
    )
    false_alarms_per_year: float | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Of monitors that promise days between false alarms: how many may be expected "
        "a year. Null: no limit.",
    )


class ShareDocument(BaseModel):
    """What one enabled monitor spends."""

    monitor: str
    method: str
    places: int = Field(description="Facilities that follow anybody, and the network.")
    alpha: float | None = Field(description="The chance ever to alarm falsely, at each place.")
    days_between_false_alarms: float | None = Field(description="On average, at each place.")
    false_alarms_ever: float | None = Field(description="places × alpha.")
    false_alarms_per_year: float | None = Field(description="places × 365.25 / days between.")


class AccountDocument(BaseModel):
    """What is spent of one limit."""

    places: int = Field(description="Over the monitors of this sort.")
    spent: float = Field(
        description="The sum over them; an upper bound, however they hang together."
    )
    allowed: float | None = Field(description="Null: no limit is set.")
    over: bool = Field(description="Is more spent than allowed?")


class EverDocument(AccountDocument):
    """Monitors that promise a chance ever to alarm falsely."""

    chance_of_any: float = Field(description="That any alarms falsely, at most (Boole).")
    fitting_alpha: float | None = Field(
        description="The alpha at which all of them would keep the limit just so. Null without "
        "a limit, without such a monitor, or where any alpha fits."
    )


class PerYearDocument(AccountDocument):
    """Monitors that promise days between false alarms."""

    fitting_days_between_false_alarms: float | None = Field(
        description="The days at which all of them would keep the limit just so."
    )


class DiscoveriesDocument(BaseModel):
    """What is judged together for `passes_fdr`."""

    judged: int = Field(description="K: enabled monitors that have an e-value × their places.")
    standing: int = Field(description="How many of them stand today.")
    e_value_alone: float | None = Field(
        description="The e-value with which one place stands when no other does, K / rate."
    )


class BudgetDocument(BaseModel):
    """The error budget as it stands today, and how it is spent."""

    as_of: date
    false_discovery_rate: float
    set_by: str | None = Field(description="Null: as shipped.")
    set_at: datetime | None
    facilities: int = Field(description="Those that follow anybody after a transplant.")
    discoveries: DiscoveriesDocument
    ever: EverDocument
    per_year: PerYearDocument
    monitors: list[ShareDocument] = Field(
        description="Every enabled monitor; null figures where its method promises nothing."
    )


def budget_of(body: NewBudget) -> ErrorBudget:
    """What a caller sent."""
    return ErrorBudget(**body.model_dump())


def tell_budget(report: BudgetReport, judgement: Judgement, today: date) -> BudgetDocument:
    """The budget as a document."""
    judged, level = len(judgement.judged), judgement.false_discovery_rate
    return BudgetDocument(
        as_of=today,
        false_discovery_rate=level,
        set_by=report.in_force.set_by,
        set_at=report.in_force.set_at,
        facilities=report.facilities,
        discoveries=DiscoveriesDocument(
            judged=judged,
            standing=len(judgement.standing),
            e_value_alone=judged / level if judged else None,
        ),
        ever=EverDocument(
            places=report.ever.places,
            spent=report.ever.spent,
            allowed=report.ever.allowed,
            over=report.ever.is_over,
            chance_of_any=chance_that_any_alarms(report.ever.spent),
            fitting_alpha=report.ever.fitting,
        ),
        per_year=PerYearDocument(
            places=report.per_year.places,
            spent=report.per_year.spent,
            allowed=report.per_year.allowed,
            over=report.per_year.is_over,
            fitting_days_between_false_alarms=report.per_year.fitting,
        ),
        monitors=[_share(share) for share in report.shares],
    )


def _share(share: Share) -> ShareDocument:
    return ShareDocument(
        monitor=share.monitor_id,
        method=share.method,
        places=share.places,
        alpha=share.alpha,
        days_between_false_alarms=share.days_between,
        false_alarms_ever=None if share.alpha is None else share.false_alarms_ever,
        false_alarms_per_year=None if share.days_between is None else share.false_alarms_per_year,
    )
