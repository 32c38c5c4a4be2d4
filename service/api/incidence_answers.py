"""How cumulative incidence looks on the wire.

In:     an `IncidenceTable`.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-rates.md, cumulative incidence.
"""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from service.api.formats import Figure
from service.api.rate_answers import SUPPRESSED, AsOf, OneLook
from service.api.rate_ratio_answers import SideRate, side_rate
from service.api.small_cells import Cells, a_rate, guarded, hides, limits
from service.pipeline.cumulative_incidence import IncidenceFigure, IncidenceTable
from service.stats.curve import CumulativeIncidenceCurve, number_or_none


class CurvePoint(BaseModel):
    """The curve at the end of one day with an event or a competing one."""

    day: int = Field(description="Days since the index date, which is day 0.")
    at_risk: int
    cases: int
    competing: int
    cumulative_incidence: float
    std_error: float
    lower: float | None
    upper: float | None


class Incidence(BaseModel):
    """One group at the horizon; null where nobody of it was followed so far."""

    stratum: dict[str, str]
    recipients: int | None = Field(
        description="Courses at risk for at least a day up to the horizon; null where `suppressed`."
    )
    cases: int | None = Field(description="First cases up to the end of the horizon day.")
    competing: dict[str, int] | None = Field(
        description="What came first instead, up to the horizon; `other_case`: a first case that "
        "the filters leave out or that another row holds.",
        examples=[{"died": 3}],
    )
    cumulative_incidence: float | None = Field(examples=[0.0126])
    std_error: float | None
    ci: OneLook
    reason: str | None = Field(description="Why there is no figure.")
    at_risk: dict[str, int] | None = Field(
        description="By day: 0, 30, 100, 180, 365 and the horizon.", examples=[{"0": 12, "30": 11}]
    )
    rate: SideRate = Field(description="Cases over person-time of the same days.")
    curve: list[CurvePoint] | None = Field(
        default=None, description="With `include=curve`, up to the horizon."
    )
    suppressed: bool | None = SUPPRESSED


class GrayDocument(BaseModel):
    """Gray's test of one curve in all groups, over the days up to the horizon."""

    statistic: float | None
    degrees_of_freedom: int | None
    p_value: float | None
    reason: str | None = Field(description="Why there is none.")
    suppressed: bool | None = SUPPRESSED


class Incidences(BaseModel):
    """Cumulative incidence of each group and of all."""

    definition: dict[str, Any] = Field(description="Every setting that shaped the figure.")
    as_of: AsOf
    unit: str = Field(description="Of the rates beside.")
    by: list[str]
    rows: list[Incidence]
    test: GrayDocument
    total: Incidence | None


MARKED_DAYS = (0, 30, 100, 180, 365)
NOT_FOLLOWED = "nobody of the group was followed up to the horizon"


FIRST_CASES = Cells(
    counts=("recipients", "cases", "competing"),
    derived=(
        "cumulative_incidence",
        "std_error",
        *limits("ci"),
        "reason",
        "rate.cases",
        *a_rate("rate."),
    ),
    size="rate.person_days",
    always=("at_risk",),
)
TEST = Cells(counts=(), derived=("statistic", "degrees_of_freedom", "p_value", "reason"), size=None)


def for_key(figure: Figure, below: int) -> Figure:
    """The figure for a key to which small counts are not shown.

    Numbers at risk fall one by one, so such a key is shown none; the test is made of all groups.
    """
    if not below:
        return figure
    shown = guarded(figure, below, FIRST_CASES)
    test = figure.beside["test"]
    return replace(shown, beside={"test": test and TEST.shown(test, hidden=hides(shown))})


def incidence(figure: IncidenceFigure, *, with_curve: bool) -> dict[str, Any]:
    """One group."""
    found, curve = figure.found, figure.curve
    horizon = found.horizon_days
    days = sorted({day for day in MARKED_DAYS if day < horizon} | {horizon})
    shown: dict[str, Any] = {
        "stratum": figure.stratum,
        "recipients": figure.recipients,
        "cases": found.events,
        "competing": dict(sorted(figure.competing.items())),
        "cumulative_incidence": found.estimate,
        "std_error": found.std_error,
        "ci": {
            "lower": found.interval.lower,
            "upper": found.interval.upper,
            "level": found.interval.level,
            "method": f"{found.interval.method}, {curve.variance} variance",
        },
        "reason": NOT_FOLLOWED if found.estimate is None else None,
        "at_risk": {str(day): curve.at(day).at_risk for day in days},
        "rate": side_rate(figure.rate),
    }
    return {**shown, "curve": _points(curve, horizon)} if with_curve else shown


def gray(table: IncidenceTable) -> dict[str, Any]:
    """The test between the groups."""
    test = table.test
    if test is None:
        none = dict.fromkeys(("statistic", "degrees_of_freedom", "p_value"))
        return {**none, "reason": table.why_no_test}
    no_difference = "nobody had the event where another group had anybody at risk"
    return {
        "statistic": test.statistic,
        "degrees_of_freedom": test.degrees_of_freedom,
        "p_value": test.p_value,
        "reason": no_difference if test.statistic is None else None,
    }


def _points(curve: CumulativeIncidenceCurve, horizon: int) -> list[dict[str, Any]]:
    columns = zip(
        curve.times.tolist(),
        curve.at_risk.tolist(),
        curve.events.tolist(),
        curve.competing.tolist(),
        curve.estimate.tolist(),
        curve.std_error.tolist(),
        map(number_or_none, curve.lower),
        map(number_or_none, curve.upper),
        strict=True,
    )
    return [
        dict(zip(CurvePoint.model_fields, values, strict=True))
        for values in columns
        if values[0] <= horizon
    ]
