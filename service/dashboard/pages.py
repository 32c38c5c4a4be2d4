"""The pages: overview, one alert, and the files they need.

In:     a request of somebody signed in.
Out:    HTML; works without JavaScript.
Source: docs/api.md: `/` is the dashboard.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.dashboard import (
    acting,
    explorer,
    facilities,
    figures,
    live,
    patients,
    quality,
    signing_in,
)
from service.dashboard.acting import OUTCOMES
from service.dashboard.alerts import AlertPage, page_of
from service.dashboard.memory import Memory
from service.dashboard.overview import all_alerts, open_alerts, overview
from service.dashboard.paths import path_section
from service.dashboard.published import PublishedSection
from service.dashboard.rendering import asset, page
from service.dashboard.routes import PageRoute
from service.dashboard.viewers import (
    Viewer,
    settings_of,
    sightings_of,
    surveillance_of,
    viewer_of,
)
from service.pipeline.alerting import find_alert
from service.pipeline.discoveries import judge
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline
from service.store import catalogue
from service.store.alerts import KeptAlert
from service.store.events import PatientKey

A_YEAR = "public, max-age=31536000, immutable"

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ViewerDep = Annotated[Viewer, Depends(viewer_of)]


@router.get("/")
def show_overview(request: Request, viewer: ViewerDep) -> Response:
    """The first page."""
    shown = overview(surveillance_of(request), viewer, _memory_of(request))
    return page("overview.html", viewer, overview=shown, base_url=_base_url(request))


@router.get("/open-alerts")
def show_open_alerts(request: Request, viewer: ViewerDep) -> Response:
    """The first page's list of alerts alone, which `live.js` puts in place of an older one."""
    return page("open_alerts.html", viewer, alerts=open_alerts(surveillance_of(request), viewer))


@router.get("/alerts")
def show_alerts(request: Request, viewer: ViewerDep) -> Response:
    """Every alert there was, the newest first."""
    return page("alerts.html", viewer, alerts=all_alerts(surveillance_of(request), viewer))


@router.get("/alerts/{alert_id}")
def show_alert(request: Request, alert_id: str, viewer: ViewerDep) -> Response:
    """The page of one alert."""
    found = find_page(surveillance_of(request), viewer, alert_id)
    seen = {PatientKey(case.facility, case.patient) for case in found.cases if case.patient}
    if seen:
        sightings_of(request).note(viewer.actor, "alert_shown", seen, alert=alert_id, page=True)
    needs_key = settings_of(request).auth == "on"
    return page(
        "alert.html",
        viewer,
        alert=found,
        outcomes=OUTCOMES,
        base_url=_base_url(request),
        needs_key=needs_key,
    )


@router.get("/assets/{name}")
def send_asset(name: str, v: str = "") -> Response:
    """A file that pages need; kept by browsers for as long as its content is the same."""
    found = asset(name)
    kept = {"cache-control": A_YEAR} if v == found.digest else {}
    return Response(found.content, media_type=found.media_type, headers=kept)


def find_page(surveillance: Surveillance, viewer: Viewer, alert_id: str) -> AlertPage:
    """What the page of an alert shows; raises `NotFound`, also for one that is not the viewer's."""
    with surveillance.database.read() as connection:
        whole = find_alert(connection, alert_id, viewer.facilities)
        monitors = {one.id: one for one in catalogue.current_monitors(connection)}
        named = whole.kept.state.latest_evidence.get("baseline")
        versions = catalogue.baseline_versions(connection, named["id"]) if named else []
        judgement = judge(connection, surveillance)
    alert = whole.kept.state
    monitor = monitors.get(alert.monitor_id)
    path = path_section(surveillance, viewer, monitor, alert.scope_key)
    return page_of(viewer, whole, monitor, _version_of(whole.kept, versions), judgement, path)


def _version_of(kept: KeptAlert, versions: list[Baseline]) -> Baseline | None:
    named = kept.state.latest_evidence.get("baseline", {})
    return next((one for one in versions if one.version == named.get("version")), None)


def _memory_of(request: Request) -> Memory[PublishedSection]:
    """The application's memory, begun with the first page."""
    state = request.app.state
    if not hasattr(state, "dashboard_memory"):
        state.dashboard_memory = Memory[PublishedSection]()
    found: Memory[PublishedSection] = state.dashboard_memory
    return found


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


router.include_router(acting.router)
router.include_router(explorer.router)
router.include_router(facilities.router)
router.include_router(patients.router)
router.include_router(figures.router)
router.include_router(quality.router)
router.include_router(signing_in.router)
router.include_router(live.router)
