"""How a funnel looks on the wire.

In:     a `FunnelTable`.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-rates.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from service.api.formats import Figure
from service.api.rate_answers import SUPPRESSED, AsOf, OneLook
from service.api.small_cells import Cells, a_rate, guarded, hides, limits
from service.pipeline.funnel import FunnelPoint, FunnelTable
from service.stats.empirical_bayes import METHOD as SHRUNKEN_METHOD
from service.stats.funnel import WINSORISED, ControlLimits, Position
from service.stats.interval import Interval
from service.stats.rates import RateEstimate


class Ends(BaseModel):
    """Two control limits of the ratio."""

    lower: float
    upper: float


class BothLimits(BaseModel):
    """The control limits at a number expected."""

    limits_95: Ends | None = Field(description="Of the ratio; null where nothing is expected.")
    limits_998: Ends | None = Field(description="The same at 99.8 %.")


class Shrunken(BaseModel):
    """Drawn towards the mean of all by empirical Bayes."""

    ratio: float | None = Field(examples=[1.12])
    ci: OneLook = Field(description="Of the ratio; no limits without spread between facilities.")
    rate: float | None = Field(description="The facility's own rate at that ratio, per `unit`.")
    rate_ci: OneLook
    reason: str | None = Field(description="Why there is no interval, or no ratio.")


class FacilityPoint(BothLimits):
    """One facility; what does not exist is null."""

    stratum: dict[str, str] = Field(examples=[{"facility": "ucd-01"}])
    cases: int | None = Field(description="Null only where `suppressed`.", examples=[14])
    person_days: int = Field(examples=[41233])
    person_years: float = Field(description="person_days / 365.25.", examples=[112.89])
    rate: float | None = Field(description="Cases per `unit`.")
    ci: OneLook
    expected: float = Field(description="Cases expected.", examples=[8.4])
    ratio: float | None = Field(
        description="Observed over expected; null below 1 expected.", examples=[1.67]
    )
    ratio_ci: OneLook = Field(description="Two-sided mid-P; no lower limit without a case.")
    reason: str | None = Field(description="Why the ratio is not given.")
    p_value: float | None = Field(description="Exact two-sided p, twice the smaller tail.")
    position: Position | None = Field(
        description="Among the control limits; null where nothing is expected."
    )
    shrunken: Shrunken
    suppressed: bool | None = SUPPRESSED


class CurvePoint(BothLimits):
    """The limits at one number expected."""

    expected: float


class PriorDocument(BaseModel):
    """The spread of the facilities' ratios, by maximum likelihood."""

    mean: float | None
    dispersion: float = Field(description="Squared coefficient of variation; 0 is none.")
    facilities: int
    reason: str | None
    method: str


class OverdispersionDocument(BaseModel):
    """The mean squared standardised deviation; well above 1, the limits are too narrow."""

    phi: float | None
    facilities: int
    winsorised: int = Field(description="Facilities drawn in at either end.")
    winsorised_share: float


class FunnelTotal(BaseModel):
    """All facilities of the answer together."""

    cases: int | None = Field(description="Null only where `suppressed`.")
    person_days: int
    person_years: float
    rate: float | None
    ci: OneLook
    expected: float | None
    suppressed: bool | None = SUPPRESSED


class Funnel(BaseModel):
    """Observed and expected of each facility, with control limits and shrunken rates."""

    definition: dict[str, Any] = Field(description="Every setting that shaped the figure.")
    as_of: AsOf
    unit: str = Field(examples=["per 100 person_years"])
    rows: list[FacilityPoint]
    limit_curve: list[CurvePoint] | None = Field(
        default=None, description="With `include=limits`: for drawing, evenly in logs of expected."
    )
    empirical_bayes: PriorDocument
    overdispersion: OverdispersionDocument
    total: FunnelTotal


DRAWN_IN = ("ratio", *limits("ci"), "rate", *limits("rate_ci"))
PLACED = Cells(
    counts=("cases",),
    derived=(*a_rate(), "ratio", *limits("ratio_ci"), "reason", "p_value", "position"),
    size="person_days",
)
OF_ALL = Cells(
    counts=(),
    derived=("mean", "dispersion", "phi", "winsorised", "reason"),
    size=None,
)
"""What is made of the ratios of all facilities."""


def for_key(figure: Figure, below: int) -> Figure:
    """The figure for a key to which small counts are not shown.

    What all facilities have in common stands only where none of them is hidden. The network's rate
    is behind every number expected, so with a small total these go too.
    """
    if not below:
        return figure
    shown = guarded(figure, below, PLACED)
    if not hides(shown):
        return shown
    drawn_in = tuple(f"shrunken.{name}" for name in (*DRAWN_IN, "reason"))
    few = bool(shown.total and shown.total["suppressed"])
    expected = ("expected", "limits_95", "limits_998") if few else ()
    for_rows = Cells(counts=(), derived=(), size=None, always=(*drawn_in, *expected))
    return replace(
        shown,
        rows=[for_rows.shown(row, hidden=row["suppressed"]) for row in shown.rows],
        total=shown.total
        and Cells((), (), None, always=expected).shown(
            shown.total, hidden=shown.total["suppressed"]
        ),
        beside={name: OF_ALL.shown(row, hidden=True) for name, row in figure.beside.items() if row},
        lists={} if few else figure.lists,
    )


def facility_point(point: FunnelPoint) -> dict[str, Any]:
    """One facility."""
    return {
        "stratum": {"facility": point.facility},
        **_rate(point.estimate),
        "expected": point.expected,
        "ratio": point.found.ratio,
        "ratio_ci": _interval(point.found.interval),
        "reason": point.found.reason,
        "p_value": point.p_value,
        "position": point.position,
        **_limits(point.limits),
        "shrunken": _shrunken(point),
    }


def curve_point(expected: float, limits: Sequence[ControlLimits]) -> dict[str, Any]:
    """The limits at one number expected."""
    return {"expected": expected, **_limits(limits)}


def beside(table: FunnelTable) -> dict[str, dict[str, Any]]:
    """What all facilities have in common."""
    shared, spread = table.prior, table.overdispersion
    return {
        "empirical_bayes": {
            "mean": shared.mean,
            "dispersion": shared.dispersion,
            "facilities": shared.facilities,
            "reason": shared.reason,
            "method": SHRUNKEN_METHOD,
        },
        "overdispersion": {
            "phi": spread.phi,
            "facilities": spread.facilities,
            "winsorised": spread.winsorised,
            "winsorised_share": WINSORISED,
        },
    }


def total(table: FunnelTable) -> dict[str, Any]:
    """All facilities together."""
    return {**_rate(table.total_rate), "expected": table.total.expected}


def _shrunken(point: FunnelPoint) -> dict[str, Any]:
    found, as_expected = point.shrunken, point.expected_rate
    limits = Interval(None, None, found.interval.level, found.interval.method)
    if as_expected:
        limits = found.interval.scaled(as_expected)
    given = found.ratio is not None and as_expected is not None
    return {
        "ratio": found.ratio,
        "ci": _interval(found.interval),
        "rate": (found.ratio or 0.0) * (as_expected or 0.0) if given else None,
        "rate_ci": _interval(limits),
        "reason": found.reason,
    }


def _rate(estimate: RateEstimate) -> dict[str, Any]:
    return {
        "cases": estimate.cases,
        "person_days": estimate.person_days,
        "person_years": estimate.person_years,
        "rate": estimate.rate,
        "ci": _interval(estimate.interval),
    }


def _limits(limits: Sequence[ControlLimits]) -> dict[str, Any]:
    names = ("limits_95", "limits_998")
    if not limits:
        return dict.fromkeys(names)
    return {
        name: {"lower": of_level.lower, "upper": of_level.upper}
        for name, of_level in zip(names, limits, strict=True)
    }


def _interval(found: Interval) -> dict[str, Any]:
    return {
        "lower": found.lower,
        "upper": found.upper,
        "level": found.level,
        "method": found.method,
    }
