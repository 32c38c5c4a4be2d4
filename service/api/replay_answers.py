"""How replays look on the wire.

In:     `Replay`s.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-alerts.md, "Replay".
"""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from service.api.monitor_answers import BaselineInForce, GuaranteeDocument, tell_monitor
from service.api.rate_answers import SUPPRESSED, AsOf
from service.api.small_cells import Cells
from service.monitors.definitions import Method, MonitorDefinition, Null
from service.monitors.evidence import Statistic
from service.monitors.replays import Period, Replay, Standing

FIRST_SIGNAL = (
    "The first signal, by days of onset and as the data are known now; no alert is taken to have "
    "been closed before it."
)
SETTINGS = (
    "method",
    "alpha",
    "days_between_false_alarms",
    "null",
    "settings",
    "exclude_usual_contaminants",
    "rule",
)
"""What can differ from variant to variant."""


STOOD = Cells(
    counts=("at_signal.cases", "at_end.cases"),
    derived=("highest",),
    size=None,
    always=("first_case", "days_from_first_case", "rise_from"),
)
"""A replay shows single cases by their days."""


class ReplayDefinition(BaseModel):
    """What was replayed."""

    monitor: str
    monitor_version: int
    baseline: BaselineInForce | None
    facility: str | None = Field(description="Null for the network, or for given counts.")
    start: date | None = Field(description="Null: from the first of which anything is known.")
    end: date
    data: Literal["stored", "given"]
    signal: str


class StandingDocument(BaseModel):
    """How things stood; of a rise, since it began. Nulls where it never came to that."""

    cases: int | None
    expected: float | None = Field(description="Null for a rule, which expects nothing.")
    severity: Literal["warning", "critical"] | None


class ReplayRow(BaseModel):
    """What one variant would have done."""

    name: str = Field(examples=["as_it_is"])
    method: Method
    alpha: float | None
    days_between_false_alarms: float | None
    null: Null | None
    settings: dict[str, Any] | None
    exclude_usual_contaminants: bool
    rule: str | None
    fired: bool | None = Field(description="Null where the variant cannot watch: see `error`.")
    signalled_on: date | None
    signalled_in: str | None = Field(description="The month.", examples=["2024-03"])
    days_from_first_case: int | None = Field(description="From the first onset to the signal.")
    days_from_start: int | None = Field(description="From `started_on` to the signal.")
    started_on: date | None = Field(description="`start`, or the first day with anything known.")
    first_case: date | None
    rise_from: date | None = Field(description="Of a rise: since when, as seen at the signal.")
    at_signal: StandingDocument
    at_end: StandingDocument
    statistic: Statistic | None
    highest: float | None = Field(description="The statistic's highest up to the end.")
    threshold: float | None
    state: str | None = Field(
        description="Of a method with a horizon, at the end: before the start, watching, horizon "
        "reached."
    )
    guarantee: GuaranteeDocument
    error: str | None = Field(description="Why the variant cannot watch this.")
    suppressed: bool | None = SUPPRESSED


class ReplayTable(BaseModel):
    """The variants side by side, the monitor as it is first."""

    definition: ReplayDefinition
    as_of: AsOf
    unit: str
    rows: list[ReplayRow]
    total: None


def definition_of(
    monitor: MonitorDefinition,
    versions: dict[str, int],
    facility: str | None,
    period: Period,
    *,
    given: bool,
) -> dict[str, Any]:
    """What was replayed."""
    baseline = tell_monitor(monitor, versions).baseline
    return {
        "monitor": monitor.id,
        "monitor_version": monitor.version,
        "baseline": baseline.model_dump() if baseline else None,
        "facility": facility,
        "start": _date(period.start_day),
        "end": _date(period.end_day),
        "data": "given" if given else "stored",
        "signal": FIRST_SIGNAL,
    }


def replay_row(replay: Replay) -> dict[str, Any]:
    """One variant's row."""
    told = tell_monitor(replay.variant.monitor, {}).model_dump()
    signalled = _date(replay.signalled_day)
    return {
        "name": replay.variant.name,
        **{name: told[name] for name in SETTINGS},
        "fired": None if replay.error else signalled is not None,
        "signalled_on": signalled,
        "signalled_in": signalled[:7] if signalled else None,
        "days_from_first_case": _days(replay.first_case_day, replay.signalled_day),
        "days_from_start": _days(replay.started_day, replay.signalled_day),
        "started_on": _date(replay.started_day),
        "first_case": _date(replay.first_case_day),
        "rise_from": _date(replay.rise_day),
        "at_signal": _standing(replay.at_signal),
        "at_end": _standing(replay.at_end),
        "statistic": replay.statistic,
        "highest": replay.highest,
        "threshold": replay.threshold,
        "state": replay.state,
        "guarantee": told["guarantee"],
        "error": replay.error,
    }


def _standing(standing: Standing | None) -> dict[str, Any]:
    return {
        "cases": standing.cases if standing else None,
        "expected": standing.expected if standing else None,
        "severity": standing.severity if standing else None,
    }


def _days(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else last - first


def _date(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()
