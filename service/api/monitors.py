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
    MonitorDocument,
    MonitorList,
    tell_monitor,
)
from service.api.monitor_path_answers import MonitorPathDocument, for_key, tell_path
from service.api.monitor_requests import MonitorChange, NewMonitor, changed, new_monitor
from service.api.network_access import require_a_place, require_network
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.api.performance_answers import PerformanceDocument, tell_performance
from service.errors import Conflict
from service.pipeline.catalogue import (
    baseline_for,
    find_monitor,
    keep_monitor,
    require_watchable,
)
from service.pipeline.look import look_at
from service.pipeline.monitor_paths import monitor_path
from service.pipeline.performance import monitor_performance
from service.pipeline.surveillance import Surveillance
from service.store import audit, catalogue
from service.store.audit import AuditEntry

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
    """A monitor by any method that can watch the baseline, by the usual one where none is named;
    switched on, it is evaluated over all present data at once."""
    require_network(principal)
    with surveillance.write() as connection:
        if catalogue.find_monitor(connection, body.id):
            raise Conflict("There is a monitor of that id already: change it with PATCH.")
        asked = body.method if "method" in body.model_fields_set else None
        baseline, method = baseline_for(connection, body.baseline, asked)
        monitor = new_monitor(body, baseline, method)
        require_watchable(connection, monitor)
        keep_monitor(connection, surveillance, monitor)
        entry = _entry(surveillance, principal, "monitor_added", monitor.id, body)
        audit.append(connection, [entry])
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
    with surveillance.write() as connection:
        before = find_monitor(connection, monitor_id)
        after = changed(before, body)
        if after.method != before.method and after.baseline_id:
            baseline_for(connection, after.baseline_id, after.method)
        if after.enabled and after.baseline_id:
            require_watchable(connection, after)
        if after != before:
            keep_monitor(connection, surveillance, after)
            entry = _entry(surveillance, principal, "monitor_changed", monitor_id, body)
            audit.append(connection, [entry])
        return tell_monitor(after, catalogue.versions_in_force(connection))


@router.get("/{monitor_id}/path", summary="How the evidence went, day by day")
def get_path(
    monitor_id: str,
    surveillance: SurveillanceDep,
    principal: RateReader,
    facility: Annotated[str | None, Query(description="Without it, the network.")] = None,
) -> MonitorPathDocument:
    """Cases beside expected cases, the method's statistic and the gaps between cases, recomputed
    from the ledger, up to today."""
    if facility is not None:
        principal.require_facility(facility)
    else:
        require_a_place(principal, "?facility")
    with look_at(surveillance) as look:
        monitor = find_monitor(look.connection, monitor_id)
        path = monitor_path(look, monitor, facility, surveillance.today().toordinal())
    return for_key(tell_path(path), principal.hidden_below)


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


def _entry(
    surveillance: Surveillance,
    principal: Principal,
    what: str,
    monitor_id: str,
    body: NewMonitor | MonitorChange,
) -> AuditEntry:
    """Who set what of a monitor."""
    facts = {"monitor": monitor_id, "set": body.model_dump(mode="json", exclude_unset=True)}
    return AuditEntry(surveillance.clock(), principal.actor, what, facts)
