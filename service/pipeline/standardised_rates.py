"""Rates as they would be were everybody's strata as those of a standard.

In:     a `RateDefinition`, the standard, the strata to hold fixed, and a state of knowledge.
Out:    `StandardisedTable`: the weights, a row for each value of `by`, and the total.
Source: docs/statistics.md, Standardised rate; docs/api-rates.md, Standardised rates.

The network as a standard is everybody the same filters let in at any facility: its weights are its
person-time in the same window. A published standard knows ages only; person-time and cases of
unknown age have no place in it and are told as left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from service.domain.figures import DENOMINATOR, RateDefinition
from service.errors import BadQuery, Detail
from service.pipeline.cells import Cells, added_up, cells_of
from service.pipeline.facility_counts import STANDARDISABLE
from service.pipeline.rates import MOST_ROWS, RateRow, rate_row
from service.reference.standard_populations import standard_populations
from service.stats.direct_standardisation import DirectRate, direct_rate
from service.stats.rates import DAYS_PER_UNIT
from service.store.engine import Connection
from service.store.sums import Values

Standard: TypeAlias = Literal["network", "who_2000_2025", "european_2013"]
Weights: TypeAlias = Mapping[Values, float]

AGES_ONLY = ("age_group",)
MOST_CELLS = 100_000
"""Strata of all rows together; each may be named as one without person-time."""


@dataclass(frozen=True, slots=True)
class StandardisedRow:
    """One row: its crude rate, the standardised one, and what stood in its way or was left out."""

    crude: RateRow
    standardised: DirectRate
    without_person_time: tuple[Values, ...]
    left_out_cases: int
    left_out_person_days: int
    cases_by_stratum: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StandardisedTable:
    """All rows under one set of weights, which add up to 1; none where the standard is empty."""

    definition: RateDefinition
    strata: Values
    weights: Weights
    rows: tuple[StandardisedRow, ...]
    total: StandardisedRow


def standardised_table(
    connection: Connection,
    definition: RateDefinition,
    standard: Standard,
    strata: Values,
    *,
    position: int | None = None,
) -> StandardisedTable:
    """The rates of a definition, crude and in the standard.

    Raises `BadQuery` for strata or rows that overlap, strata that the standard does not know, and
    more rows or strata than are answered.
    """
    for problem in _contradictions(definition.by, standard, strata):
        raise problem
    by = definition.by
    cases, person_days = cells_of(connection, definition, (*by, *strata), position)
    if standard == "network":
        weights = _network_weights(connection, definition, strata, person_days, position)
    else:
        shares = standard_populations()[standard].shares
        weights = {(name,): share for name, share in shares.items()}
    with_days = {values for values, days in person_days.items() if days}
    keys = sorted({values[: len(by)] for values in cases.keys() | with_days}) if by else []
    if len(keys) > MOST_ROWS or len(keys) * len(weights) > MOST_CELLS:
        raise BadQuery(TOO_MANY.message, code="too_many_rows", details=(TOO_MANY,))
    cases_of, days_of = _by_row(cases, len(by)), _by_row(person_days, len(by))
    whole = added_up(cases, slice(len(by), None)), added_up(person_days, slice(len(by), None))
    return StandardisedTable(
        definition,
        strata,
        weights,
        tuple(
            _row(definition, key, cases_of.get(key, {}), days_of.get(key, {}), weights)
            for key in keys
        ),
        _row(replace(definition, by=()), (), *whole, weights),
    )


def _network_weights(
    connection: Connection,
    definition: RateDefinition,
    strata: Values,
    person_days: Cells,
    position: int | None,
) -> Weights:
    """The shares of the strata in the person-time of all facilities; already read unless some were
    chosen.
    """
    if "facility" in definition.filters:
        filters = {name: of for name, of in definition.filters.items() if name != "facility"}
        everywhere = replace(definition, filters=filters, by=())
        _, days = cells_of(connection, everywhere, strata, position)
    else:
        days = added_up(person_days, slice(len(definition.by), None))
    total = sum(days.values())
    return {values: days[values] / total for values in sorted(days) if days[values]}


def _row(
    definition: RateDefinition, key: Values, cases: Cells, person_days: Cells, weights: Weights
) -> StandardisedRow:
    counted = [cases.get(values, 0) for values in weights]
    at_risk = [person_days.get(values, 0) for values in weights]
    factor = definition.per * DAYS_PER_UNIT[definition.unit]
    crude = rate_row(
        definition,
        dict(zip(definition.by, key, strict=True)),
        sum(cases.values()),
        sum(person_days.values()),
    )
    per_day = direct_rate(counted, at_risk, list(weights.values()), definition.level)
    return StandardisedRow(
        crude,
        replace(
            per_day,
            rate=None if per_day.rate is None else per_day.rate * factor,
            interval=per_day.interval.scaled(factor),
        ),
        tuple(values for values, days in zip(weights, at_risk, strict=True) if not days),
        crude.estimate.cases - sum(counted),
        crude.estimate.person_days - sum(at_risk),
        tuple(counted),
    )


def _by_row(cells: Cells, width: int) -> Mapping[Values, dict[Values, int]]:
    """The cells of each row by stratum."""
    found: dict[Values, dict[Values, int]] = {}
    for values, number in cells.items():
        found.setdefault(values[:width], {})[values[width:]] = number
    return found


def _contradictions(by: Sequence[str], standard: Standard, strata: Sequence[str]) -> list[BadQuery]:
    is_wrong = {
        BY_WHAT: any(name not in DENOMINATOR for name in by),
        NO_STRATUM: not strata or any(name not in STANDARDISABLE for name in strata),
        OF_AGES: standard != "network" and tuple(strata) != AGES_ONLY,
        BOTH: any(name in strata for name in by),
    }
    return [BadQuery(fault.message, details=(fault,)) for fault, wrong in is_wrong.items() if wrong]


def _fault(name: str, message: str) -> Detail:
    return Detail(f"?{name}", "bad_query", message)


BY_WHAT = _fault(
    "by", f"Rows can be by {', '.join(DENOMINATOR)}; choose among other values with a filter."
)
NO_STRATUM = _fault("strata", f"Rates can be standardised by {', '.join(STANDARDISABLE)}.")
OF_AGES = _fault(
    "strata",
    "A published standard knows ages only: ask for strata=age_group, or for standard=network.",
)
BOTH = _fault(
    "by", "What is held fixed has no rows of its own: take it out of `by` or out of `strata`."
)
TOO_MANY = _fault(
    "by",
    f"This would be more than {MOST_ROWS:,} rows, or {MOST_CELLS:,} strata in all of them. Name "
    "fewer dimensions in `by` or in `strata`.",
)
