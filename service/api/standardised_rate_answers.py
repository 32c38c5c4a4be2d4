"""How standardised rates look on the wire.

In:     a `StandardisedTable`.
Out:    plain JSON values, and the models by which OpenAPI describes them.
Source: docs/api-rates.md, Standardised rates.
"""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from service.api.formats import Figure, Row
from service.api.rate_answers import OneLook, Rate, RatesHead, rate
from service.api.small_cells import RATE, Cells, guarded, limits
from service.domain.small_cells import mask_of
from service.pipeline.provisional import Standing
from service.pipeline.standardised_rates import Standard, StandardisedRow, StandardisedTable
from service.reference.standard_populations import ASSUMPTION, standard_populations
from service.store.sums import Values

NETWORK = "The person-time of all facilities under the same filters and in the same window"


class Weight(BaseModel):
    """A stratum's share of the standard."""

    stratum: dict[str, str] = Field(examples=[{"age_group": "40-59"}])
    weight: float = Field(examples=[0.275])


class StandardUsed(BaseModel):
    """The standard, and what it weighs."""

    id: str = Field(examples=["european_2013"])
    title: str
    source: str | None = Field(description="Where it was published; null for the network.")
    assumption: str | None = Field(description="How its bands were made ours.")
    weights: list[Weight] = Field(description="They add up to 1; the same for every row.")


class LeftOut(BaseModel):
    """What the standard has no place for: unknown age in a published one."""

    cases: int | None = Field(description="Null only where `suppressed`.")
    person_days: int
    share_of_person_time: float | None = Field(description="Null without person-time.")


class StandardisedRate(Rate):
    """A row of `GET /v1/rates`, and the rate it would have in the standard."""

    standardised_rate: float | None = Field(
        description="Per `unit`; null where a stratum of the standard is without person-time.",
        examples=[3.12],
    )
    standardised_ci: OneLook = Field(description="Method `fay_feuer`, for one look.")
    reason: str | None = Field(description="Why there is no standardised rate.")
    strata_without_person_time: list[dict[str, str]] = Field(
        description="Strata that the standard has and the row has not."
    )
    left_out: LeftOut


class StandardisedRates(RatesHead):
    """Rates beside what they would be in a standard."""

    standard: StandardUsed
    rows: list[StandardisedRate]
    total: StandardisedRate


IN_STANDARD = ("standardised_rate", *limits("standardised_ci"))
STANDARDISED = Cells(
    counts=(*RATE.counts, "left_out.cases"),
    derived=(*RATE.derived, *IN_STANDARD),
    size=RATE.size,
)


def for_key(figure: Figure, table: StandardisedTable, below: int) -> Figure:
    """The figure for a key to which small counts are not shown.

    A standardised rate is one equation in the counts of its strata: it stands only where none of
    them is small.
    """
    if not below or figure.total is None:
        return figure
    shown = guarded(figure, below, STANDARDISED)
    return replace(
        shown,
        rows=[
            _of_large_strata(told, row, below)
            for told, row in zip(shown.rows, table.rows, strict=True)
        ],
        total=_of_large_strata(shown.total or {}, table.total, below),
    )


def _of_large_strata(told: Row, row: StandardisedRow, below: int) -> Row:
    strata = row.cases_by_stratum
    if not mask_of(strata, [0.0] * len(strata), None, below).hides:
        return told
    of_strata = Cells(counts=(), derived=IN_STANDARD, size=None)
    return of_strata.shown(told, hidden=True)


def standard_used(standard: Standard, table: StandardisedTable) -> dict[str, Any]:
    """The standard with its weights and its source."""
    published = standard_populations().get(standard)
    return {
        "id": standard,
        "title": published.title if published else NETWORK,
        "source": published.cite if published else None,
        "assumption": ASSUMPTION if published else None,
        "weights": [
            {"stratum": _named(table, values), "weight": weight}
            for values, weight in table.weights.items()
        ],
    }


def standardised_rate(
    table: StandardisedTable, row: StandardisedRow, standing: Standing
) -> dict[str, Any]:
    """One row."""
    found, person_days = row.standardised, row.crude.estimate.person_days
    return {
        **rate(row.crude, standing),
        "standardised_rate": found.rate,
        "standardised_ci": {
            "lower": found.interval.lower,
            "upper": found.interval.upper,
            "level": found.interval.level,
            "method": found.interval.method,
        },
        "reason": found.reason,
        "strata_without_person_time": [_named(table, values) for values in row.without_person_time],
        "left_out": {
            "cases": row.left_out_cases,
            "person_days": row.left_out_person_days,
            "share_of_person_time": row.left_out_person_days / person_days if person_days else None,
        },
    }


def _named(table: StandardisedTable, values: Values) -> dict[str, str]:
    return dict(zip(table.strata, values, strict=True))
