"""The facilities: all of them in a funnel, and each with its rates, follow-up and alerts.

In:     the API's funnel, rates and follow-up quality.
Out:    pages; figures that need patients only for a viewer who may see them.
Source: docs/dashboard.md; docs/methods.md 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from service.api.follow_up import get_follow_up, get_overdue, get_reporting_lag, get_visits
from service.api.follow_up_queries import LagQuery, OverduePageQuery, QualityQuery
from service.api.funnel import FunnelQuery, get_funnel
from service.api.rates import RatesQuery, get_rates
from service.dashboard import words
from service.dashboard.alerts import AlertLine, line_of
from service.dashboard.answers import read_as, tidied, told
from service.dashboard.explorer import ExplorerLine
from service.dashboard.explorer import line_of as rate_line_of
from service.dashboard.rendering import page
from service.dashboard.routes import PageRoute
from service.dashboard.scatters import Funnel, Limits, Place
from service.dashboard.viewers import (
    Viewer,
    settings_of,
    sightings_of,
    surveillance_of,
    viewer_of,
)
from service.domain.contributions import ANY
from service.errors import NotFound
from service.monitors.visibility import is_visible
from service.reference import INFECTION_TYPES
from service.store import alerts as alert_store
from service.store.census import followed_facilities

MOST_OVERDUE = 50
BEYOND = frozenset({"above 95%", "above 99.8%"})
"""More than chance would often explain."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ViewerDep = Annotated[Viewer, Depends(viewer_of)]


@dataclass(frozen=True, slots=True)
class FacilityLine:
    """One facility beside the others; None where a figure is not for this viewer."""

    name: str
    cases: str
    person_years: str
    rate: str
    expected: str
    ratio: str
    position: str
    is_beyond: bool
    completeness: str
    overdue: str


@router.get("/facilities")
def show_facilities(request: Request, viewer: ViewerDep, infection_type: str = "ntm") -> Response:
    """All facilities that the viewer reaches."""
    chosen = infection_type if infection_type in (*INFECTION_TYPES, ANY) else "ntm"
    followed_up = {row["stratum"]["facility"]: row for row in _quality(request, viewer)["rows"]}
    if viewer.facilities is None:
        answer = _funnel(request, viewer, chosen)
        funnel, rows = funnel_of(answer, words.term(chosen)), answer["rows"]
    else:
        asked = [("by", "facility"), ("infection_type", chosen)]
        funnel, rows = None, _rates(request, viewer, asked)["rows"]
    return page(
        "facilities.html",
        viewer,
        lines=[facility_line(row, followed_up) for row in rows],
        funnel=funnel,
        chosen=chosen,
        types=(*INFECTION_TYPES, ANY),
    )


@router.get("/facilities/{facility}")
def show_facility(request: Request, facility: str, viewer: ViewerDep) -> Response:
    """One facility."""
    viewer.principal.require_facility(facility)
    surveillance, settings, principal = (
        surveillance_of(request),
        settings_of(request),
        viewer.principal,
    )
    with surveillance.database.read() as connection:
        if facility not in followed_facilities(connection):
            raise NotFound("No patient was ever followed at a facility of this name.")
        kept = alert_store.alerts_of(connection)
    here = QualityQuery(facility=[facility], format="json")
    overdue = (
        told(
            get_overdue(
                request,
                surveillance,
                settings,
                sightings_of(request),
                principal,
                principal,
                OverduePageQuery(facility=[facility], limit=MOST_OVERDUE),
            )
        )
        if viewer.may_see_patients
        else None
    )
    lag = get_reporting_lag(
        request, surveillance, principal, LagQuery(facility=[facility], format="json")
    )
    asked = [("facility", facility), ("by", "infection_type"), ("episodes", "all")]
    return page(
        "facility.html",
        viewer,
        facility=facility,
        rates=_lines(_rates(request, viewer, asked)),
        quality=told(get_follow_up(request, surveillance, settings, principal, here))["total"],
        visits=told(get_visits(request, surveillance, settings, principal, here))["window_totals"],
        overdue=overdue,
        lags=told(lag)["rows"],
        alerts=_alerts_here(kept, viewer, facility),
    )


def facility_line(
    row: Mapping[str, Any], followed_up: Mapping[str, Mapping[str, Any]]
) -> FacilityLine:
    """A row of the funnel, or of rates, with the quality of follow-up."""
    name = row["stratum"]["facility"]
    quality = followed_up.get(name, {})
    completeness = quality.get("completeness")
    ratio = row.get("ratio")
    position = row.get("position")
    return FacilityLine(
        name=name,
        cases=words.HIDDEN if row.get("suppressed") else words.count(row["cases"]),
        person_years=words.number(row["person_years"]),
        rate=f"{words.number(row['rate'])} ({words.limits(row['ci'])})",
        expected=words.number(row.get("expected")),
        ratio=f"{words.number(ratio)} ({words.limits(row['ratio_ci'])})" if ratio else words.NONE,
        position=position or words.NONE,
        is_beyond=position in BEYOND,
        completeness=words.NONE if completeness is None else f"{completeness * 100:.0f}%",
        overdue=words.count(quality.get("overdue")),
    )


def funnel_of(answer: Mapping[str, Any], infection: str) -> Funnel | None:
    """The funnel of all facilities; None where nothing is expected anywhere."""
    drawn = [row for row in answer["rows"] if row["expected"] and row["cases"] is not None]
    if not drawn:
        return None
    places = tuple(
        Place(
            row["stratum"]["facility"],
            f"{row['cases']} cases, {words.number(row['expected'])} expected",
            row["expected"],
            row["cases"] / row["expected"],
            row["position"] in BEYOND,
        )
        for row in drawn
    )
    described = "; ".join(f"{place.name}: {place.told}" for place in places)
    return Funnel(
        id="funnel",
        title=f"{infection}: observed over expected by facility",
        description=f"Expected at the rate of all facilities together. {described}.",
        places=places,
        limits=tuple(
            Limits(point["expected"], _ends(point["limits_95"]), _ends(point["limits_998"]))
            for point in answer.get("limit_curve") or ()
        ),
    )


def _ends(limits: Mapping[str, float] | None) -> tuple[float, float] | None:
    return (limits["lower"], limits["upper"]) if limits else None


def _funnel(request: Request, viewer: Viewer, infection_type: str) -> dict[str, Any]:
    query = FunnelQuery(infection_type=[infection_type], include=["limits"], format="json")
    return told(get_funnel(request, surveillance_of(request), viewer.principal, query))


def _rates(request: Request, viewer: Viewer, asked: list[tuple[str, str]]) -> dict[str, Any]:
    query = read_as(RatesQuery, tidied([*asked, ("format", "json")]))
    return told(get_rates(request, surveillance_of(request), viewer.principal, query))


def _lines(answer: Mapping[str, Any]) -> list[ExplorerLine]:
    total = [answer["total"]] if answer["total"] else []
    return [rate_line_of(row, answer["by"]) for row in [*answer["rows"], *total]]


def _quality(request: Request, viewer: Viewer) -> dict[str, Any]:
    query = QualityQuery(by=["facility"], format="json")
    settings, principal = settings_of(request), viewer.principal
    return told(get_follow_up(request, surveillance_of(request), settings, principal, query))


def _alerts_here(
    kept: list[alert_store.KeptAlert], viewer: Viewer, facility: str
) -> list[AlertLine]:
    return [
        line_of(one)
        for one in kept
        if one.state.is_open
        and facility in one.state.facilities
        and is_visible(one.state, viewer.facilities)
    ]
