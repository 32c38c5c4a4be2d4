"""Two rates of the ledger beside each other, overall and within strata.

In:     a `RateDefinition`, a `Contrast`, and the state of knowledge to speak for.
Out:    `RatioTable`: both sides of each stratum with their ratio, the crude one, the adjusted one.
Source: docs/api-rates.md; `pipeline.rates`, whose rows are added up here: the figures of a
        side are the same as those of `GET /v1/rates` for the same people and days.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from service.domain.contrasts import Contrast, Side
from service.domain.figures import RateDefinition
from service.pipeline.rates import rate_table
from service.stats.mantel_haenszel import AdjustedRatio, mantel_haenszel
from service.stats.rate_ratios import Counts, RateRatio, rate_ratio
from service.stats.rates import RateEstimate, rate_estimate
from service.store.engine import Connection

Method: TypeAlias = Literal["exact", "midp"]
PValue: TypeAlias = Literal["central", "minlike", "midp"]


@dataclass(slots=True)
class Sum:
    """Cases and person-days, added up row by row."""

    cases: int = 0
    person_days: int = 0

    def add(self, estimate: RateEstimate) -> None:
        """Take a row in."""
        self.cases += estimate.cases
        self.person_days += estimate.person_days


@dataclass(frozen=True, slots=True)
class Sums:
    """Both sides of a stratum, and the days on both at once."""

    compare: Sum = field(default_factory=Sum)
    reference: Sum = field(default_factory=Sum)
    overlap: Sum = field(default_factory=Sum)

    def add(self, side: Side, estimate: RateEstimate) -> None:
        """Take a row in on its side."""
        getattr(self, side).add(estimate)

    @property
    def counts(self) -> Counts:
        """As the statistics want them."""
        compare, reference = self.compare, self.reference
        return Counts(compare.cases, compare.person_days, reference.cases, reference.person_days)


@dataclass(frozen=True, slots=True)
class RatioRow:
    """One stratum: either side's rate, and the ratio of the two."""

    stratum: dict[str, str]
    compare: RateEstimate
    reference: RateEstimate
    found: RateRatio
    overlap: Sum


@dataclass(frozen=True, slots=True)
class RatioTable:
    """The strata asked for, the crude ratio over all, and, with strata, the adjusted one."""

    definition: RateDefinition
    rows: tuple[RatioRow, ...]
    total: RatioRow
    adjusted: AdjustedRatio | None


def rate_ratio_table(
    connection: Connection,
    definition: RateDefinition,
    contrast: Contrast,
    *,
    method: Method = "exact",
    p_value: PValue | None = None,
    position: int | None = None,
) -> RatioTable:
    """The rate of one group over that of another, as known at a position (None: now).

    What the definition says of the dimension compared gives way to the contrast.
    """
    reading = contrast.reading(definition)
    by_stratum: dict[tuple[str, ...], Sums] = defaultdict(Sums)
    over_all = Sums()
    for row in rate_table(connection, reading, position=position).rows:
        side = contrast.side_of(row.stratum)
        values = tuple(row.stratum[name] for name in contrast.strata)
        for sums in (by_stratum[values], over_all):
            sums.add(side, row.estimate)

    def told(values: tuple[str, ...], sums: Sums) -> RatioRow:
        counts = sums.counts
        return RatioRow(
            dict(zip(contrast.strata, values, strict=True)) if values else {},
            _rate(definition, sums.compare),
            _rate(definition, sums.reference),
            rate_ratio(counts, method=method, p_value=p_value, level=definition.level),
            sums.overlap,
        )

    in_order = sorted(by_stratum.items()) if contrast.strata else []
    counts = [sums.counts for _, sums in in_order]
    return RatioTable(
        definition,
        tuple(told(values, sums) for values, sums in in_order),
        told((), over_all),
        mantel_haenszel(counts, definition.level) if contrast.strata else None,
    )


def _rate(definition: RateDefinition, side: Sum) -> RateEstimate:
    return rate_estimate(
        side.cases,
        side.person_days,
        per=definition.per,
        unit=definition.unit,
        method=definition.ci,
        level=definition.level,
    )
