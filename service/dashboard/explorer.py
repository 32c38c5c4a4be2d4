"""The rates explorer: any question that `/v1/rates` and `/v1/rates/series` answer, as a page.

In:     the API's own parameters in the page's address, which is all the state there is.
Out:    a form that holds them, a chart, the same figures in a table, as CSV, and as a command.
Source: docs/dashboard.md; docs/api-rates.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from service.api.rates import RatesQuery, SeriesQuery, get_rates, get_series
from service.dashboard import words
from service.dashboard.answers import Pairs, as_curl, read_as, tidied, told
from service.dashboard.charts import IntervalPlot, PlotRow
from service.dashboard.curves import Curve, CurvePoint
from service.dashboard.questions import QUESTIONS, Group, fill_in
from service.dashboard.rendering import HEADERS, page
from service.dashboard.routes import PageRoute
from service.dashboard.viewers import Viewer, settings_of, surveillance_of, viewer_of
from service.errors import BadQuery, Detail, Forbidden
from service.store.census import followed_facilities

MOST_PLOTTED = 14
MOST_CURVES = 6
MOST_LINES = 1000

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ViewerDep = Annotated[Viewer, Depends(viewer_of)]


@dataclass(frozen=True, slots=True)
class ExplorerLine:
    """One row of the table; `waits` says what share of its reports is still to come."""

    window: str | None
    stratum: tuple[str, ...]
    cases: str
    person_years: str
    rate: str
    exact: str
    anytime: str
    waits: str | None


@dataclass(frozen=True, slots=True)
class Explored:
    """The answer to a question, or the faults of one that means nothing."""

    faults: tuple[Detail, ...] = ()
    message: str | None = None
    columns: tuple[str, ...] = ()
    lines: tuple[ExplorerLine, ...] = ()
    totals: tuple[ExplorerLine, ...] = ()
    left_out: int = 0
    plot: IntervalPlot | None = None
    curves: tuple[Curve, ...] = ()
    head: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_series(self) -> bool:
        """Is it a figure for each of many windows?"""
        return "interval" in self.head


@router.get("/rates")
def show_rates(request: Request, viewer: ViewerDep) -> Response:
    """The form with what is asked, and the answer."""
    sent = request.query_params.multi_items()
    asked = tidied(sent)
    if asked != sent:
        return RedirectResponse(f"/rates?{urlencode(asked)}", 303, headers=HEADERS)
    explored = explore(request, viewer, asked)
    surveillance, base_url = surveillance_of(request), str(request.base_url).rstrip("/")
    with surveillance.database.read() as connection:
        facilities = viewer.facilities or followed_facilities(connection)
    path = "/v1/rates/series" if is_series(asked) else "/v1/rates"
    return page(
        "explorer.html",
        viewer,
        status=422 if explored.faults else 200,
        groups=groups_of(asked, facilities),
        explored=explored,
        csv=f"/rates.csv?{urlencode(asked)}",
        curl=as_curl(base_url, path, asked, needs_key=settings_of(request).auth == "on"),
    )


@router.get("/rates.csv")
def send_csv(request: Request, viewer: ViewerDep) -> Response:
    """The API's CSV, for whoever is signed in."""
    asked = tidied(request.query_params.multi_items())
    answer = ask(request, viewer, [*asked, ("format", "csv")])
    answer.headers["content-disposition"] = 'attachment; filename="graftwatch-rates.csv"'
    return answer


def is_series(asked: Pairs) -> bool:
    """Is a figure for each of many windows asked for?"""
    return any(name in ("interval", "cumulative") for name, _ in asked)


def ask(request: Request, viewer: Viewer, asked: Pairs) -> Response:
    """What the API answers; raises `BadQuery` for a question that means nothing."""
    surveillance, principal = surveillance_of(request), viewer.principal
    if is_series(asked):
        return get_series(request, surveillance, principal, read_as(SeriesQuery, asked))
    return get_rates(request, surveillance, principal, read_as(RatesQuery, asked))


def explore(request: Request, viewer: Viewer, asked: Pairs) -> Explored:
    """The answer as the page shows it."""
    try:
        answer = told(ask(request, viewer, [*asked, ("format", "json")]))
    except (BadQuery, Forbidden) as fault:
        details = fault.details or (Detail("", fault.code, fault.message),)
        return Explored(details, fault.message)
    rows, totals = answer["rows"], answer.get("window_totals") or []
    if answer["total"]:
        totals = [*totals, answer["total"]]
    return Explored(
        columns=tuple(words.dimension(name) for name in answer["by"]),
        lines=tuple(line_of(row, answer["by"]) for row in rows[:MOST_LINES]),
        totals=tuple(line_of(row, answer["by"]) for row in totals),
        left_out=max(0, len(rows) - MOST_LINES),
        plot=None if is_series(asked) else plot_of(answer),
        curves=curves_of(answer) if is_series(asked) else (),
        head=answer,
    )


def groups_of(asked: Pairs, facilities: Sequence[str]) -> tuple[Group, ...]:
    """The form's fields, filled in."""
    values: dict[str, list[str]] = {}
    for name, value in asked:
        values.setdefault(name, []).extend(value.split(",") if name == "by" else [value])
    return tuple(fill_in(group, values, {"facility": facilities}) for group in QUESTIONS)


def label_of(row: Mapping[str, Any]) -> str:
    """A stratum in words."""
    parts = [words.term(value) for value in row.get("stratum", {}).values()]
    return ", ".join(parts) or "All patients"


def line_of(row: Mapping[str, Any], by: Sequence[str]) -> ExplorerLine:
    """One row of the answer as a row of the table."""
    stratum = row.get("stratum", {})
    share = row.get("share_still_to_come")
    waits = f"{share * 100:.0f}% still to come" if share is not None else "reports still to come"
    return ExplorerLine(
        window=row["window"]["name"] if "window" in row else None,
        stratum=tuple(words.term(stratum[name]) if name in stratum else "" for name in by),
        cases=words.HIDDEN if row.get("suppressed") else words.count(row["cases"]),
        person_years=words.number(row["person_years"]),
        rate=words.number(row["rate"]),
        exact=words.limits(row["ci"]),
        anytime=words.limits(row["anytime_ci"]),
        waits=waits if row.get("provisional") else None,
    )


def plot_of(answer: Mapping[str, Any]) -> IntervalPlot | None:
    """The rows with most person-time, each with both intervals."""
    by_size = sorted(answer["rows"], key=lambda row: -(row["person_days"] or 0))
    rows = [row for row in by_size if row["rate"] is not None][:MOST_PLOTTED]
    if not rows:
        return None
    total = (answer["total"] or {}).get("rate")
    told_rows = "; ".join(f"{label_of(row)}: {shown_of(row)}" for row in rows)
    return IntervalPlot(
        id="explored",
        title="Rates by stratum",
        description=f"{answer['unit'].replace('_', '-')}. {told_rows}.",
        unit=f"{answer['unit'].replace('_', '-')}, logarithmic scale",
        rows=tuple(
            PlotRow(
                label=label_of(row),
                shown=shown_of(row),
                told=shown_of(row),
                value=row["rate"],
                limits=(row["ci"]["lower"], row["ci"]["upper"]),
                outer=(row["anytime_ci"]["lower"], row["anytime_ci"]["upper"]),
            )
            for row in rows
        ),
        reference=(total, f"all of it {words.number(total)}") if total else None,
    )


def shown_of(row: Mapping[str, Any]) -> str:
    """A rate with its interval for one look."""
    return f"{words.number(row['rate'])} ({words.limits(row['ci'])})"


def curves_of(answer: Mapping[str, Any]) -> tuple[Curve, ...]:
    """A curve for each stratum, those with most cases first; else one of all."""
    rows = sorted(answer["rows"] or answer["window_totals"], key=label_of)
    series = [list(found) for _, found in groupby(rows, key=label_of)]
    series.sort(key=lambda found: -sum(row["cases"] or 0 for row in found))
    unit = answer["unit"].replace("_", "-")
    return tuple(
        Curve(
            id=f"series-{place}",
            title=label_of(found[0]),
            description="; ".join(f"{row['window']['name']}: {shown_of(row)}" for row in found),
            unit=unit,
            points=tuple(_point(row) for row in found),
            ends=(found[0]["window"]["name"], found[-1]["window"]["name"]),
        )
        for place, found in enumerate(series[:MOST_CURVES])
    )


def _point(row: Mapping[str, Any]) -> CurvePoint:
    start = date.fromisoformat(row["window"]["start"]).toordinal()
    end = date.fromisoformat(row["window"]["end"]).toordinal()
    ci = row["ci"]
    return CurvePoint((start + end) / 2, row["rate"], ci["lower"], ci["upper"])
