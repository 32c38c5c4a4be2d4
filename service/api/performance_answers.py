"""How a monitor has done, on the wire.

In:     a `Performance`.
Out:    a document that states what each figure is.
Source: docs/api-alerts.md; docs/methods.md 8.8.
"""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from service.monitors.performance import Delay, Performance, Predictive

TRUE_MEANS = (
    "Closed as `outbreak`, of all closed alerts; a `pseudo_outbreak` counts as false, and is "
    "counted by itself in `outcomes`."
)


class OutcomesDocument(BaseModel):
    """Closed alerts by what they turned out to be."""

    outbreak: int
    pseudo_outbreak: int
    data_error: int
    expected: int
    other: int


class PredictiveDocument(BaseModel):
    """The share of true alerts among closed ones."""

    value: float | None = Field(description="Null while no alert is closed.")
    lower: float | None
    upper: float | None
    level: float
    method: Literal["clopper_pearson"] = "clopper_pearson"
    true: int
    closed: int
    definition: str


class DelayDocument(BaseModel):
    """Days from the first onset among an alert's cases."""

    until: Literal["signalled_on", "opened_at"] = Field(
        description="`signalled_on`: the day, by onsets, on which the evidence sufficed. "
        "`opened_at`: the day the alert was opened, so that reporting is included."
    )
    over: Literal["alerts", "outbreaks"]
    alerts: int = Field(description="Of how many alerts both days are known.")
    lower_quartile_days: float | None
    median_days: float | None
    upper_quartile_days: float | None


class PerformanceDocument(BaseModel):
    """How a monitor has done, as far as the key sees its alerts."""

    monitor: str
    as_of: date
    alerts: int = Field(description="Without those that an older alert took over.")
    waiting: int = Field(description="Open or acknowledged.")
    outcomes: OutcomesDocument
    positive_predictive_value: PredictiveDocument
    days_to_signal: list[DelayDocument]


def tell_performance(monitor_id: str, found: Performance, today: date) -> PerformanceDocument:
    """The bookkeeping as a document."""
    return PerformanceDocument(
        monitor=monitor_id,
        as_of=today,
        alerts=found.alerts,
        waiting=found.waiting,
        outcomes=OutcomesDocument.model_validate(found.outcomes),
        positive_predictive_value=_predictive(found.predictive),
        days_to_signal=[
            _delay("signalled_on", "alerts", found.to_signal),
            _delay("signalled_on", "outbreaks", found.to_signal_of_true),
            _delay("opened_at", "alerts", found.to_alert),
            _delay("opened_at", "outbreaks", found.to_alert_of_true),
        ],
    )


def _predictive(found: Predictive) -> PredictiveDocument:
    return PredictiveDocument(
        value=found.value,
        lower=found.interval.lower,
        upper=found.interval.upper,
        level=found.interval.level,
        true=found.true,
        closed=found.closed,
        definition=TRUE_MEANS,
    )


def _delay(
    until: Literal["signalled_on", "opened_at"],
    over: Literal["alerts", "outbreaks"],
    found: Delay,
) -> DelayDocument:
    return DelayDocument(
        until=until,
        over=over,
        alerts=found.alerts,
        lower_quartile_days=found.lower_quartile,
        median_days=found.median,
        upper_quartile_days=found.upper_quartile,
    )
