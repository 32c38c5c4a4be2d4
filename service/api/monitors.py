"""Monitors: what is watched, with what promise, and how the evidence went.

In:     `GET|POST /v1/monitors`, `GET|PATCH /v1/monitors/{id}`, `GET /v1/monitors/{id}/path`,
        `GET /v1/monitors/{id}/performance`.
Out:    documents; a monitor switched on has been evaluated when the answer comes.
Source: docs/api-alerts.md; docs/methods.md 8; docs/api-alerts.md.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.access import Principal
from service.api.dependencies import AlertManager, RateReader, SurveillanceDep
from service.api.monitor_answers import (
    MonitorChange,
    MonitorDocument,
    MonitorList,
    MonitorPathDocument,
    NewMonitor,
    changed,
    defined,
    tell_monitor,
    tell_path,
)
from service.api.network_access import require_network
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.api.performance_answers import PerformanceDocument, tell_performance
from service.errors import BadQuery, Conflict, Detail
from service.monitors.definitions import MonitorDefinition
from service.monitors.shipped import excess_monitor
from service.pipeline.catalogue import find_monitor, keep_monitor, watchable_baseline
from service.pipeline.monitor_paths import monitor_path
from service.pipeline.performance import monitor_performance
from service.reference.baselines import Baseline
from service.store import catalogue

router = APIRouter(prefix="/v1/monitors", tags=["monitors"])


@router.get("", summary="What is watched", dependencies=[only_parameters("limit", "cursor")])
def get_monitors(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    _principal: RateReader,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> MonitorList:
    """Every monitor, on or off, with what its method promises about false alarms."""
    after = key_in(cursor, str) or ""
    with surveillance.database.read() as connection:
        found = sorted(catalogue.current_monitors(connection), key=lambda monitor: monitor.id)
        versions = catalogue.versions_in_force(connection)
    further = [monitor for monitor in found if monitor.id > after]
    page = further[:limit]
    following = next_page(request, page[-1].id if len(further) > limit else None)
    response.headers.update(link_to(following))
    return MonitorList(items=[tell_monitor(m, versions) for m in page], next=following)


@router.post(
    "",
    summary="Watch a baseline in a further way",
    status_code=201,
    responses={409: {"description": "There is a monitor of that id already"}},
)
def add_monitor(
    body: NewMonitor, response: Response, surveillance: SurveillanceDep, principal: AlertManager
) -> MonitorDocument:
    """A monitor of excess; switched on, it is evaluated over all present data at once."""
    require_network(principal)
    with surveillance.database.write() as connection:
        if catalogue.find_monitor(connection, body.id):
            raise Conflict("There is a monitor of that id already: change it with PATCH.")
        monitor = _new(body, watchable_baseline(connection, body.baseline))
        keep_monitor(connection, surveillance, monitor)
        versions = catalogue.versions_in_force(connection)
    response.headers["location"] = f"/v1/monitors/{monitor.id}"
    return tell_monitor(monitor, versions)


@router.get("/{monitor_id}", summary="One monitor")
def get_monitor(
    monitor_id: str, surveillance: SurveillanceDep, _principal: RateReader
) -> MonitorDocument:
    """A monitor as it stands, with the version of its baseline in force."""
    with surveillance.database.read() as connection:
        return tell_monitor(
            find_monitor(connection, monitor_id), catalogue.versions_in_force(connection)
        )


@router.patch(
    "/{monitor_id}",
    summary="Switch a monitor on or off, or change how it watches",
    responses={409: {"description": "Its baseline cannot be watched"}},
)
def change_monitor(
    monitor_id: str, body: MonitorChange, surveillance: SurveillanceDep, principal: AlertManager
) -> MonitorDocument:
    """What is left out stays. A monitor that is on, and now watches otherwise, is evaluated over
    all present data in the same transaction; its alerts stay, switched off they are left alone."""
    require_network(principal)
    with surveillance.database.write() as connection:
        before = find_monitor(connection, monitor_id)
        after = changed(before, body)
        if after.enabled and after.baseline_id:
            _require_watchable(watchable_baseline(connection, after.baseline_id))
        if after != before:
            keep_monitor(connection, surveillance, after)
        return tell_monitor(after, catalogue.versions_in_force(connection))


@router.get("/{monitor_id}/path", summary="How the evidence went, day by day")
def get_path(
    monitor_id: str,
    surveillance: SurveillanceDep,
    principal: RateReader,
    facility: Annotated[str | None, Query(description="Without it, the network.")] = None,
) -> MonitorPathDocument:
    """Cases beside expected cases and the e-value, recomputed from the ledger, up to today."""
    if facility is not None:
        principal.require_facility(facility)
    else:
        _require_a_place(principal)
    with surveillance.database.read() as connection:
        monitor = find_monitor(connection, monitor_id)
        path = monitor_path(connection, monitor, facility, surveillance.today().toordinal())
    return tell_path(path)


@router.get("/{monitor_id}/performance", summary="What its alerts turned out to be")
def get_performance(
    monitor_id: str, surveillance: SurveillanceDep, principal: RateReader
) -> PerformanceDocument:
    """Closed alerts by outcome, the positive predictive value with its exact interval, and the days
    from first onset to signal. A key bound to facilities is told of the alerts it sees."""
    with surveillance.database.read() as connection:
        monitor = find_monitor(connection, monitor_id)
        found = monitor_performance(connection, surveillance, monitor, principal.facilities)
    return tell_performance(monitor_id, found, surveillance.today())


def _new(body: NewMonitor, baseline: Baseline | None) -> MonitorDefinition:
    if baseline is None:
        message = "No baseline of that id, or none that an excess could be tested against."
        detail = Detail("/baseline", "cannot_be_monitored", message)
        raise BadQuery("The baseline cannot be watched.", details=(detail,))
    usual = excess_monitor(baseline)
    return defined(
        id=body.id,
        title=body.title or usual.title,
        kind="excess",
        method="e_process",
        baseline_id=baseline.id,
        advice=usual.advice,
        **body.model_dump(include={"scope", "null", "alpha", "enabled"}),
        exclude_usual_contaminants=body.exclude_usual_contaminants,
    )


def _require_watchable(baseline: Baseline | None) -> None:
    if baseline is None:
        raise Conflict("Its baseline has no expectation that an excess could be tested against.")


def _require_a_place(principal: Principal) -> None:
    if principal.facilities is not None:
        message = "This key is bound to facilities: name one of them in `facility`."
        detail = Detail("?facility", "facility_needed", message)
        raise BadQuery("The network is not this key's to see.", details=(detail,))
