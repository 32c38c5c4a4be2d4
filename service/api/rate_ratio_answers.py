"""How rate ratios look on the wire.

In:     `RatioRow`s and an `AdjustedRatio`.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-rates.md.
"""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from service.api.formats import Figure
from service.api.rate_answers import SUPPRESSED, AsOf, OneLook
from service.api.small_cells import Cells, a_rate, guarded, hides, limits, without
from service.pipeline.rate_ratios import RatioRow, Sum
from service.stats.interval import Interval
from service.stats.mantel_haenszel import AdjustedRatio
from service.stats.rates import RateEstimate


class SideRate(BaseModel):
    """One group's rate, as `GET /v1/rates` gives it."""

    cases: int | None = Field(description="Null only where suppressed.", examples=[4])
    person_days: int = Field(examples=[41233])
    person_years: float = Field(description="person_days / 365.25.", examples=[112.89])
    rate: float | None = Field(description="Cases per `unit`; null without person-time.")
    ci: OneLook


class Overlap(BaseModel):
    """What lies on both sides at once and is counted on neither."""

    cases: int | None = Field(description="Null only where it was hidden.")
    person_days: int


class Ratio(BaseModel):
    """One comparison; what does not exist is null, and `reason` says why."""

    stratum: dict[str, str] = Field(examples=[{"phase": "0-30"}])
    compare: SideRate
    reference: SideRate
    rate_ratio: float | None = Field(
        description="The rate of `compare` over that of `reference`.", examples=[0.35]
    )
    ci: OneLook
    p_value: float | None = Field(description="Two-sided, of the same rate in both groups.")
    reason: str | None = Field(
        description="Why the ratio is not given.", examples=["no case in the reference"]
    )
    suppressed: bool | None = SUPPRESSED


class HeterogeneityTest(BaseModel):
    """Do the strata's ratios differ more than chance would have them?"""

    chi_square: float
    degrees_of_freedom: int
    p_value: float


class Adjusted(BaseModel):
    """One ratio with the strata held fixed (Mantel-Haenszel)."""

    rate_ratio: float | None
    ci: OneLook
    p_value: float | None
    heterogeneity: HeterogeneityTest | None = Field(
        description="A small p: the strata disagree, and one ratio hides it."
    )
    informative_strata: int | None = Field(
        description="Strata with a case, and with person-time on both sides."
    )
    reason: str | None
    suppressed: bool | None = SUPPRESSED


class RateRatios(BaseModel):
    """Rate ratios by stratum, adjusted for the strata, and crude."""

    definition: dict[str, Any] = Field(description="Every setting that shaped the figure.")
    as_of: AsOf
    unit: str = Field(description="Of the rates; a ratio has none.")
    overlap: Overlap
    rows: list[Ratio]
    adjusted: Adjusted | None = Field(description="Null without `strata`.")
    total: Ratio = Field(description="The crude ratio.")


PAIR = Cells(
    counts=("compare.cases", "reference.cases"),
    derived=(
        *a_rate("compare."),
        *a_rate("reference."),
        "rate_ratio",
        *limits("ci"),
        "p_value",
        "reason",
    ),
    size="compare.person_days",
)
ADJUSTED = Cells(
    counts=(),
    derived=("rate_ratio", *limits("ci"), "p_value", "heterogeneity", "informative_strata"),
    size=None,
)
OVERLAP = Cells(counts=("cases",), derived=(), size=None)


def for_key(figure: Figure, below: int) -> Figure:
    """The figure for a key to which small counts are not shown.

    The adjusted ratio is made of all strata, so it stands only where none of them is hidden.
    """
    if not below:
        return figure
    shown = guarded(figure, below, PAIR)
    both = figure.head["overlap"]
    if OVERLAP.mask([both], None, below).hides:
        both = without(both, ["cases"])
    one = figure.beside["adjusted"]
    return replace(
        shown,
        head={**figure.head, "overlap": both},
        beside={"adjusted": one and ADJUSTED.shown(one, hidden=hides(shown))},
    )


def ratio(row: RatioRow) -> dict[str, Any]:
    """One stratum, or the whole."""
    found = row.found
    return {
        "stratum": row.stratum,
        "compare": side_rate(row.compare),
        "reference": side_rate(row.reference),
        "rate_ratio": found.ratio,
        "ci": interval(found.interval),
        "p_value": found.p_value,
        "reason": found.reason,
    }


def adjusted(found: AdjustedRatio) -> dict[str, Any]:
    """The ratio with the strata held fixed."""
    strata = found.heterogeneity
    return {
        "rate_ratio": found.ratio,
        "ci": interval(found.interval),
        "p_value": found.p_value,
        "heterogeneity": strata
        and {
            "chi_square": strata.chi_square,
            "degrees_of_freedom": strata.degrees_of_freedom,
            "p_value": strata.p_value,
        },
        "informative_strata": found.informative_strata,
        "reason": found.reason,
    }


def overlap(left_out: Sum) -> dict[str, int]:
    """What is on neither side because it is on both."""
    return {"cases": left_out.cases, "person_days": left_out.person_days}


def side_rate(estimate: RateEstimate) -> dict[str, Any]:
    """A rate without its stratum."""
    return {
        "cases": estimate.cases,
        "person_days": estimate.person_days,
        "person_years": estimate.person_years,
        "rate": estimate.rate,
        "ci": interval(estimate.interval),
    }


def interval(found: Interval) -> dict[str, Any]:
    """Limits with their level and method."""
    return {
        "lower": found.lower,
        "upper": found.upper,
        "level": found.level,
        "method": found.method,
    }
