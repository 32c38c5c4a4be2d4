"""Rates of one infection type, cut by one dimension: a plot and the same figures in rows.

In:     a `RateTable`, the tables of single years, and the published rates.
Out:    a `RateSection`.
Source: docs/methods.md 3 to 5 and 8.2. Only a baseline that counts just the same is set beside a
        rate.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from service.dashboard import words
from service.dashboard.charts import IntervalPlot, PlotRow
from service.dashboard.trends import Trend, trends_of
from service.domain.figures import RATED_STATUSES, RateDefinition
from service.domain.small_cells import mask_of
from service.domain.windows import Window
from service.monitors.nulls import NARROWING, statuses_of
from service.pipeline.rates import RateRow, RateTable
from service.reference.baselines import Baseline

MOST_PLOTTED = 14


class RateLine(NamedTuple):
    """One stratum's figures."""

    label: str
    cases: str
    person_years: str
    rate: str
    exact: str
    anytime: str
    published: str | None
    trend: Trend | None = None


@dataclass(frozen=True, slots=True)
class RateSection:
    """A plot and its table; `additive` tells whether the rows add up to the total, `provisional`
    whether reports that count here are still on their way.
    """

    id: str
    heading: str
    label: str
    plot: IntervalPlot
    lines: tuple[RateLine, ...]
    total: RateLine | None
    additive: bool
    provisional: bool


def rate_section(
    table: RateTable,
    baselines: Collection[Baseline],
    heading: str,
    *,
    provisional: bool,
    years: Sequence[RateTable],
    windows: Sequence[Window],
    hidden_below: int = 0,
) -> RateSection:
    """The section of a table cut by one dimension, strata with most person-time first.

    Small counts are hidden as in `GET /v1/rates`; the plot leaves out what is hidden.
    """
    (dimension,) = table.definition.by
    rows = sorted(table.rows, key=lambda row: -row.estimate.person_days)
    whole = table.total
    mask = mask_of(
        [row.estimate.cases for row in rows],
        [row.estimate.person_days for row in rows],
        whole.estimate.cases if whole else None,
        hidden_below,
    )
    published = [_published(table.definition, row, baselines) for row in rows]
    labels = [words.term(row.stratum[dimension]) for row in rows]
    shown = list(zip(labels, rows, published, mask.rows, strict=True))
    trends, of_all = trends_of(replace(table, rows=tuple(rows)), years, windows, hidden_below)
    lines = tuple(
        _line(*one)._replace(trend=trend) for one, trend in zip(shown, trends, strict=True)
    )
    total = _line("All patients", whole, None, mask.total)._replace(trend=of_all) if whole else None
    overall = whole.estimate.rate if whole and not mask.total else None
    section_id = f"by-{dimension.replace('_', '-')}"
    plot = IntervalPlot(
        id=section_id,
        title=heading,
        description=_described(lines, total),
        unit="per 100 person-years, logarithmic scale",
        rows=tuple(_plot_row(label, row, beside) for label, row, beside, hid in shown if not hid)[
            :MOST_PLOTTED
        ],
        reference=(overall, f"all patients {words.number(overall)}") if overall else None,
    )
    label = dimension.replace("_", " ").capitalize()
    additive = table.definition.additive
    return RateSection(section_id, heading, label, plot, lines, total, additive, provisional)


def _line(label: str, row: RateRow, published: Baseline | None, hidden: bool) -> RateLine:
    estimate = row.estimate
    if hidden:
        return RateLine(
            label=label,
            cases=words.HIDDEN,
            person_years=words.number(estimate.person_years),
            rate=words.HIDDEN,
            exact=words.NONE,
            anytime=words.NONE,
            published=published.printed if published else None,
        )
    return RateLine(
        label=label,
        cases=f"{estimate.cases:,}",
        person_years=words.number(estimate.person_years),
        rate=words.number(estimate.rate),
        exact=words.span(estimate.interval),
        anytime=words.span(row.anytime) if estimate.rate is not None else words.NONE,
        published=published.printed if published else None,
    )


def _plot_row(label: str, row: RateRow, published: Baseline | None) -> PlotRow:
    estimate = row.estimate
    shown = f"{words.number(estimate.rate)} ({words.span(estimate.interval)})"
    has_time = estimate.rate is not None
    return PlotRow(
        label=label,
        shown=shown,
        told=shown,
        value=estimate.rate,
        limits=(estimate.interval.lower, estimate.interval.upper),
        outer=(row.anytime.lower, row.anytime.upper) if has_time else None,
        published=published.value * estimate.per if published and published.value else None,
    )


def _published(
    definition: RateDefinition, row: RateRow, baselines: Collection[Baseline]
) -> Baseline | None:
    """The published rate that counts just these cases over just this person-time."""
    transplant_type = row.stratum.get("transplant_type")
    return next(
        (one for one in baselines if _counts_the_same(one, definition, transplant_type)), None
    )


def _counts_the_same(
    baseline: Baseline, definition: RateDefinition, transplant_type: str | None
) -> bool:
    population, numerator = baseline.population, baseline.numerator
    return (
        baseline.measure == "rate"
        and baseline.comparable
        and baseline.episodes == definition.episodes
        and numerator.infection_type == definition.infection_types
        and set(statuses_of(numerator)) == set(RATED_STATUSES)
        and not any(getattr(numerator, name) for name in (*NARROWING, "phase", "age_group"))
        and not baseline.denominator_phase
        and population.transplant_type == (transplant_type,)
        and not (population.indication or population.age_group)
    )


def _described(lines: Collection[RateLine], total: RateLine | None) -> str:
    told = [f"{line.label}: {line.rate} ({line.exact})" for line in lines]
    overall = f" All patients: {total.rate} ({total.exact})." if total else ""
    return f"Rates per 100 person-years with 95% intervals. {'; '.join(told)}.{overall}"
