"""The published figures: what each says of whom, where it was read, and what to beware of.

In:     the baselines in force.
Out:    a page that cites every one of them.
Source: docs/dashboard.md; docs/vocabulary.md.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.dashboard import words
from service.dashboard.published import cited
from service.dashboard.rendering import page
from service.dashboard.routes import PageRoute
from service.dashboard.viewers import Viewer, surveillance_of, viewer_of
from service.reference.baselines import Baseline, Numerator, Population
from service.store import catalogue

MEASURE_WORDS = {
    "rate": "Rates",
    "cumulative_incidence": "Cumulative incidences",
    "proportion": "Proportions of recipients",
    "share": "Shares of cases",
    "cluster": "Reported clusters",
}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One published figure in words."""

    id: str
    title: str
    printed: str
    population: str
    numerator: str
    counts: str
    source: str
    doi: str | None
    caveat: str | None
    version: int
    marks: tuple[str, ...]


@router.get("/baselines")
def show_baselines(request: Request, viewer: Annotated[Viewer, Depends(viewer_of)]) -> Response:
    """All published figures, by measure."""
    with surveillance_of(request).database.read() as connection:
        current = catalogue.current_baselines(connection)
        watched = {one.baseline_id for one in catalogue.current_monitors(connection) if one.enabled}
    lines = [
        (baseline.measure, figure_line(baseline, is_watched=baseline.id in watched))
        for baseline in current.values()
    ]
    sections = [
        (heading, measure, [line for of, line in lines if of == measure])
        for measure, heading in MEASURE_WORDS.items()
    ]
    return page(
        "baselines.html", viewer, sections=[one for one in sections if one[2]], figures=len(lines)
    )


def figure_line(baseline: Baseline, *, is_watched: bool) -> FigureLine:
    """One figure as the page tells it."""
    marks = {
        "watched": is_watched,
        "not comparable": not baseline.comparable,
        "not verified in the source": not baseline.verified,
    }
    return FigureLine(
        id=baseline.id,
        title=baseline.title,
        printed=baseline.printed,
        population=_population(baseline.population),
        numerator=_numerator(baseline.numerator),
        counts=_counts(baseline),
        source=cited(baseline.source),
        doi=baseline.source.doi,
        caveat=baseline.caveat,
        version=baseline.version,
        marks=tuple(mark for mark, holds in marks.items() if holds),
    )


def _population(population: Population) -> str:
    parts = [
        *(words.term(one) for one in population.transplant_type),
        *population.indication[:1],
        *(f"age {one}" for one in population.age_group),
    ]
    return ", ".join(parts) or "all recipients"


def _numerator(numerator: Numerator) -> str:
    values = [
        words.term(value)
        for name in ("organism_group", "organism", "infection_type", "site_class", "site", "phase")
        for value in getattr(numerator, name)
    ]
    return ", ".join(values) or "all infections"


def _counts(baseline: Baseline) -> str:
    """On how many cases and how much person-time the figure rests, as far as published."""
    if baseline.cases is None:
        return words.NONE
    cases = words.counted(baseline.cases, "case")
    if baseline.denominator is None:
        return cases
    unit = (baseline.denominator_unit or "").replace("_", " ")
    return f"{cases} in {words.number(baseline.denominator)} {unit}".strip()
