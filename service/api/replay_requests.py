"""Replays as callers ask for them.

In:     the body of `POST /v1/monitors/{id}/replay`.
Out:    variants of the monitor, a period, given counts; or a problem that names each fault.
Source: docs/api-alerts.md, "Replay".
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from service.api.figures import CalendarDate
from service.api.monitor_requests import Sent, SentSettings, varied
from service.api.replay_rules import RuleChange, changed_rule
from service.errors import BadQuery, Detail
from service.monitors.definitions import Method, MonitorDefinition, Null
from service.monitors.replays import Period, Variant
from service.monitors.series import DailySeries, ExpectedSeries

AS_IT_IS = "as_it_is"
"""The name of the monitor's own settings, which stand first."""

MOST_VARIANTS = 20
MOST_DAYS_GIVEN = 20_000
LONGEST_PERIOD = 36_525
MOST_CASES = 1_000_000
MOST_A_DAY = 1e6
MOST_AT_RISK = 1_000_000_000


class SentVariant(Sent):
    """The monitor otherwise; what is left out is as the monitor has it."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    method: Method = Field(
        "e_process", description="Of any kind; its settings start as usual for the method."
    )
    null: Null = "upper"
    alpha: float = Field(0.05, gt=0, lt=1)
    days_between_false_alarms: float = Field(3650, ge=1, le=36_525)
    settings: SentSettings = Field(default_factory=SentSettings.model_construct)
    exclude_usual_contaminants: bool = True
    rule: RuleChange = Field(default_factory=RuleChange.model_construct)


class GivenDay(Sent):
    """The cases of one day, and what was expected of it or was at risk."""

    date: CalendarDate
    cases: int = Field(ge=0, le=MOST_CASES)
    expected: float | None = Field(
        None, ge=0, le=MOST_A_DAY, description="Expected cases, taken as they are by any null."
    )
    person_days: int | None = Field(
        None, ge=0, le=MOST_AT_RISK, description="People at risk that day, for the baseline's rate."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "GivenDay":
        if (self.expected is None) == (self.person_days is None):
            raise ValueError("a day has either expected or person_days")
        return self


class GivenCounts(Sent):
    """Counts instead of the stored data; a day that is left out has no case and nobody at risk."""

    days: list[GivenDay] = Field(min_length=1, max_length=MOST_DAYS_GIVEN)

    @model_validator(mode="after")
    def _one_series(self) -> "GivenCounts":
        dates = {day.date for day in self.days}
        if len(dates) < len(self.days):
            raise ValueError("each date may stand once: add up the counts of one day")
        if len({day.expected is None for day in self.days}) > 1:
            raise ValueError("all days have expected, or all have person_days")
        if sum(day.cases for day in self.days) > MOST_CASES:
            raise ValueError(f"at most {MOST_CASES:,} cases can be replayed")
        return self


class ReplayRequest(Sent):
    """What would have happened, with which settings."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "facility": "ucd-01",
                    "start": "2024-01-01",
                    "variants": [
                        {"name": "strict", "alpha": 0.01},
                        {"name": "rise", "method": "cusum", "settings": {"rate_ratio": 3}},
                    ],
                }
            ]
        },
    )

    facility: str | None = Field(None, max_length=256, description="Without it, the network.")
    start: CalendarDate | None = Field(
        None, description="The monitor starts afresh on this day; without it, with the first data."
    )
    end: CalendarDate | None = Field(
        None, description="The last day looked at; today, or the last day given."
    )
    variants: list[SentVariant] = Field([], max_length=MOST_VARIANTS)
    counts: GivenCounts | None = None


def variants_of(monitor: MonitorDefinition, asked: Sequence[SentVariant]) -> tuple[Variant, ...]:
    """The monitor as it is and as it might be; raises `BadQuery` for what means nothing."""
    taken = {AS_IT_IS}
    found = [Variant(AS_IT_IS, monitor)]
    details: list[Detail] = []
    for place, one in enumerate(asked):
        if one.name in taken:
            message = f"Every variant needs a name of its own; {AS_IT_IS} is the monitor's."
            details.append(Detail(f"/variants/{place}/name", "name_taken", message))
        taken.add(one.name)
        try:
            found.append(Variant(one.name, _varied(monitor, one)))
        except BadQuery as fault:
            at = f"/variants/{place}"
            whole = fault.details or (Detail("", fault.code, fault.message),)
            details += [fine._replace(pointer=f"{at}{fine.pointer}") for fine in whole]
    if details:
        raise BadQuery("Such variants cannot be.", details=tuple(details))
    return tuple(found)


def _varied(monitor: MonitorDefinition, one: SentVariant) -> MonitorDefinition:
    sent = one.model_dump(exclude_unset=True, exclude={"name"})
    rule = sent.pop("rule", None)
    return varied(monitor, sent if rule is None else {**sent, **changed_rule(monitor, rule)})


def period_of(asked: ReplayRequest, today: date) -> Period:
    """The days to look at; raises `BadQuery` where they are none."""
    given = [day.date for day in asked.counts.days] if asked.counts else []
    end = asked.end or max(given, default=today)
    if asked.start and asked.start > end:
        raise _refused("/start", "dates_reversed", f"`start` must not be after {end}, the end.")
    if asked.counts is None and end > today:
        raise _refused("/end", "in_future", f"Nothing is known after today, {today}.")
    if given and (end - min(given)).days >= LONGEST_PERIOD:
        raise _refused("/counts", "too_long", f"At most {LONGEST_PERIOD:,} days can be replayed.")
    return Period(asked.start.toordinal() if asked.start else None, end.toordinal())


def counts_of(asked: ReplayRequest) -> DailySeries | ExpectedSeries | None:
    """The given counts as a series; None where the stored data are asked for."""
    if asked.counts is None:
        return None
    if asked.facility is not None:
        raise _refused("/facility", "not_applicable", "Given counts are of no stored facility.")
    rows = sorted(asked.counts.days, key=lambda row: row.date)
    days = np.array([row.date.toordinal() for row in rows], dtype=np.int64)
    case_days = np.repeat(days, [row.cases for row in rows])
    if rows[0].person_days is None:
        expected = np.array([row.expected for row in rows], dtype=np.float64)
        return ExpectedSeries(case_days, days, expected)
    at_risk = np.array([row.person_days for row in rows], dtype=np.int64)
    return DailySeries(
        case_days, np.concatenate((days, days + 1)), np.concatenate((at_risk, -at_risk))
    )


def _refused(pointer: str, code: str, message: str) -> BadQuery:
    return BadQuery(message, details=(Detail(pointer, code, message),))
