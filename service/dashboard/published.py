"""Published figures beside the observed ones.

In:     `Comparison`s.
Out:    a `PublishedSection`: a plot of observed over expected, and a line for each figure.
Source: docs/methods.md 5 (SIR), 7 and 8. A comparison with nothing observed and nobody watching is
        left to the API.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.dashboard import words
from service.dashboard.charts import IntervalPlot, PlotRow
from service.domain.small_cells import is_small
from service.pipeline.comparisons import Comparison
from service.pipeline.observed import Observed
from service.reference.baselines import Baseline, Source
from service.stats.rates import DAYS_PER_YEAR

MOST_PLOTTED = 12
MEASURES: Mapping[str, str] = {
    "rate": "rate",
    "proportion": "proportion of recipients",
    "cumulative_incidence": "cumulative incidence",
}


class PublishedLine(NamedTuple):
    """One published figure beside the observed one."""

    id: str
    title: str
    measure: str
    counts: str
    observed: str
    published: str
    expected: str
    ratio: str
    evidence: str
    signals: bool
    watched: bool
    verdict: str
    source: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishedSection:
    """The lines that matter first, and the others."""

    plot: IntervalPlot | None
    first: tuple[PublishedLine, ...]
    others: tuple[PublishedLine, ...]
    without_data: int
    hidden: int = 0


def published_section(comparisons: Iterable[Comparison], hidden_below: int = 0) -> PublishedSection:
    """The figures with data: watched ones first, then by how much speaks for an excess.

    A figure with a small count is left out, and counted in `hidden`.
    """
    of_measure = [one for one in comparisons if one.baseline.measure in MEASURES]
    with_figure = [one for one in of_measure if not _has_small_count(one, hidden_below)]
    shown = sorted((one for one in with_figure if _has_data(one)), key=_order)
    first, others = shown[:MOST_PLOTTED], shown[MOST_PLOTTED:]
    plotted = [one for one in first if one.ratio]
    return PublishedSection(
        plot=_plot(plotted) if plotted else None,
        first=tuple(line_of(one) for one in first),
        others=tuple(line_of(one) for one in others),
        without_data=len(with_figure) - len(shown),
        hidden=len(of_measure) - len(with_figure),
    )


def is_watched(found: Comparison) -> bool:
    """Is a monitor on?"""
    return bool(found.monitor and found.monitor.enabled)


def _has_small_count(found: Comparison, below: int) -> bool:
    observed = found.observed
    if observed is None:
        return False
    counts = (observed.cases, observed.recipients, observed.at_risk, observed.among_cases)
    return any(is_small(count, below) for count in counts)


def _has_data(found: Comparison) -> bool:
    if found.observed is None or found.observed.value is None:
        return False
    return found.observed.cases > 0 or is_watched(found)


def _order(found: Comparison) -> tuple[bool, float, float, str]:
    e_value = found.evidence.e_value / found.evidence.threshold if found.evidence else 0.0
    ratio = found.ratio.ratio if found.ratio and found.ratio.ratio else 0.0
    return (not is_watched(found), -e_value, -ratio, found.baseline.id)


def line_of(found: Comparison) -> PublishedLine:
    """A comparison in words and rounded figures."""
    baseline, observed, evidence = found.baseline, found.observed, found.evidence
    expected = found.expected.cases if found.expected else None
    signals = bool(evidence and evidence.e_value >= evidence.threshold)
    return PublishedLine(
        id=baseline.id,
        title=baseline.title,
        measure=MEASURES[baseline.measure] + _horizon(baseline),
        counts=_counts(observed) if observed else words.NONE,
        observed=_observed(observed) if observed else words.NONE,
        published=baseline.printed,
        expected=words.number(expected),
        ratio=_ratio(found),
        evidence=f"{words.evidence(evidence.e_value)} of {evidence.threshold:g}"
        if evidence
        else words.NONE,
        signals=signals,
        watched=is_watched(found),
        verdict=_verdict(found, signals=signals),
        source=cited(baseline.source),
        notes=_notes(found),
    )


def _horizon(baseline: Baseline) -> str:
    return f" at {baseline.horizon_days} days" if baseline.horizon_days else ""


def _counts(observed: Observed) -> str:
    cases = words.counted(observed.cases, "case")
    if observed.recipients is not None:
        return f"{cases}, {words.counted(observed.recipients, 'recipient')}"
    person_years = words.number((observed.person_days or 0) / DAYS_PER_YEAR)
    return f"{cases}, {person_years} person-years"


def _observed(observed: Observed) -> str:
    if observed.value is None:
        return words.NONE
    unit = " per 100 person-years" if observed.unit == "per person-year" else "%"
    mark = "" if unit.startswith(" ") else "%"
    limits = words.span(observed.interval, 100, mark)
    return f"{words.number(observed.value * 100)}{unit} ({limits})"


def _ratio(found: Comparison) -> str:
    if found.ratio is None or found.ratio.ratio is None:
        return found.reason or words.NONE
    return f"{words.number(found.ratio.ratio)} ({words.span(found.ratio.interval)})"


def _verdict(found: Comparison, *, signals: bool) -> str:
    if found.evidence is None:
        return "Shown only: an excess over such a figure cannot be watched"
    said = "Evidence of an excess" if signals else "No evidence of an excess"
    return f"{said}; {'watched' if is_watched(found) else 'shown only, not watched'}"


def _notes(found: Comparison) -> tuple[str, ...]:
    baseline, evidence = found.baseline, found.evidence
    notes = [baseline.caveat, found.expected.assumption if found.expected else None]
    if evidence:
        notes.append(f"The e-value is against the {evidence.null.described_as}.")
    if not baseline.verified:
        notes.append("The figure was not read in the source itself.")
    if not is_watched(found) and baseline.monitored_reason:
        notes.append(f"Not watched: {baseline.monitored_reason}.")
    return tuple(note for note in notes if note)


def cited(source: Source) -> str:
    """A source in one line.

    >>> cited(Source(title="A study", authors="Doe J", journal="J", year=2024, cite="1(1)"))
    'Doe J. A study. J 2024;1(1).'
    """
    place = f"{source.journal or ''} {source.year or ''}".strip()
    place = f"{place};{source.cite}" if place and source.cite else place or source.cite or ""
    doi = f"doi {source.doi}" if source.doi else ""
    told = [text.rstrip(".") for text in (source.authors, source.title, place, doi) if text]
    return ". ".join(told) + "."


def _plot(plotted: list[Comparison]) -> IntervalPlot:
    rows = []
    for found in plotted:
        ratio = found.ratio
        if ratio is None or ratio.ratio is None:
            continue
        rows.append(
            PlotRow(
                label=found.baseline.title,
                shown=words.number(ratio.ratio),
                told=_ratio(found),
                value=ratio.ratio,
                limits=(ratio.interval.lower, ratio.interval.upper),
                is_marked=is_watched(found),
            )
        )
    told = "; ".join(f"{row.label}: {row.told}" for row in rows)
    return IntervalPlot(
        id="published",
        title="Observed over expected, with 95% intervals",
        description=f"1 is as published, above 1 is more. {told}.",
        unit="observed / expected, logarithmic scale",
        rows=tuple(rows),
        reference=(1.0, "as published"),
    )
