"""Alerts: read, followed, and acted upon.

In:     `GET /v1/alerts`, `/v1/alerts/{id}`, `/v1/alerts/stream`; `POST /v1/alerts/{id}/{action}`.
Out:    documents, or Server-Sent Events.
Source: docs/api-alerts.md; docs/api-alerts.md.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from service.api.access import Principal, Scope
from service.api.alert_answers import AlertDocument, AlertList, AlertStatus, Severity
from service.api.alert_desk import AlertDeskDep, Outcome
from service.api.alert_stream import alert_events, stand
from service.api.dependencies import AlertManager, PrincipalDep, SettingsDep, SurveillanceDep
from service.api.paging import key_in, link_to, next_page
from service.errors import BadQuery, Detail, Forbidden
from service.monitors.definitions import Kind
from service.pipeline.alerting import find_alert, list_alerts
from service.pipeline.discoveries import judge
from service.store.alerts import Place

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

LONGEST_NOTE = 2000
LONGEST_SEQUENCE = 18
REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"description": "The alert is not in a state for it; `code` and `detail` say why"}
}


def reader(principal: PrincipalDep) -> Principal:
    """Whoever reads rates reads alerts; whoever manages alerts must see them."""
    if not (principal.may(Scope.RATES_READ) or principal.may(Scope.ALERTS_MANAGE)):
        raise Forbidden("This key lacks the scope `rates:read`.", code="scope_missing")
    return principal


AlertReader = Annotated[Principal, Depends(reader)]


class Note(BaseModel):
    """A person's words, kept in the alert's history. Write nothing that names a patient."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(None, max_length=LONGEST_NOTE)


class Comment(BaseModel):
    """A remark; the alert stays as it is."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)


class Closing(Note):
    """What the alert turned out to be."""

    outcome: Outcome


@router.get("", summary="Alerts, the newest first")
def get_alerts(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    principal: AlertReader,
    desk: AlertDeskDep,
    status: Annotated[list[AlertStatus], Query(description="Repeatable.")] = [],  # noqa: B006
    facility: Annotated[
        list[str], Query(max_length=100, description="With a case at one of them. Repeatable.")
    ] = [],  # noqa: B006
    severity: Annotated[list[Severity], Query(description="Repeatable.")] = [],  # noqa: B006
    monitor: Annotated[list[str], Query(max_length=100, description="Repeatable.")] = [],  # noqa: B006
    kind: Annotated[list[Kind], Query(description="Repeatable.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> AlertList:
    """Alerts with their cases, evidence, history and advice.

    A key bound to facilities sees an alert only if everything in it is of those facilities.
    """
    principal.visible(facility)
    filters: dict[str, Sequence[str]] = {
        "status": status,
        "severity": severity,
        "monitor_id": monitor,
        "kind": kind,
    }
    with surveillance.database.read() as connection:
        page = list_alerts(
            connection,
            filters,
            about=facility,
            reach=principal.facilities,
            place=key_in(cursor, Place),
            limit=limit,
        )
        judgement = judge(connection, surveillance)
    following = next_page(request, page.place)
    response.headers.update(link_to(following))
    return AlertList(items=desk.show_all(page.alerts, judgement), next=following)


def place_in_stream(
    surveillance: SurveillanceDep,
    last_event_id: Annotated[
        str | None,
        Header(description="The `id` of the last event heard; without it from now on."),
    ] = None,
) -> int:
    """Where a listener goes on; refused before the stream begins where it is no such number."""
    text = (last_event_id or "").strip()
    if not text:
        return stand(surveillance, None)
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_SEQUENCE):
        message = "Send the `id` of the last event as it was given, or leave the header out."
        detail = Detail("header Last-Event-ID", "bad_cursor", message)
        raise BadQuery("Last-Event-ID is not of this service.", details=(detail,))
    return stand(surveillance, int(text))


@router.get(
    "/stream",
    summary="Alerts as they happen, as Server-Sent Events",
    response_class=EventSourceResponse,
)
async def follow_alerts(
    surveillance: SurveillanceDep,
    settings: SettingsDep,
    principal: AlertReader,
    after: Annotated[int, Depends(place_in_stream)],
) -> AsyncIterator[ServerSentEvent]:
    """`alert.opened`, `alert.updated` and `alert.closed`, each with its `id`.

    Reconnect with `Last-Event-ID` and nothing is missed: what happened since is sent first. `data`
    is the alert as it stands, without cases, and `reason` the name of the history entry. Comments
    keep the connection open.
    """
    events = alert_events(surveillance, principal.facilities, after, settings.sse_poll_seconds)
    async for event in events:
        yield event


@router.get("/{alert_id}", summary="One alert")
def get_alert(
    alert_id: str, surveillance: SurveillanceDep, principal: AlertReader, desk: AlertDeskDep
) -> AlertDocument:
    """Evidence as known when it fired and as known now, cases, history, and what sources advise."""
    with surveillance.database.read() as connection:
        found = find_alert(connection, alert_id, principal.facilities)
        judgement = judge(connection, surveillance)
    return desk.show(found, judgement)


@router.post("/{alert_id}/acknowledge", summary="Say that it has been seen", responses=REFUSED)
def acknowledge_alert(
    alert_id: str, desk: AlertDeskDep, _manager: AlertManager, body: Note | None = None
) -> AlertDocument:
    """Open becomes acknowledged; new cases still join it."""
    return desk.act(alert_id, "acknowledge", note=body.note if body else None)


@router.post(
    "/{alert_id}/close", summary="Close it with what it turned out to be", responses=REFUSED
)
def close_alert(
    alert_id: str, desk: AlertDeskDep, _manager: AlertManager, body: Closing
) -> AlertDocument:
    """Its cases alone open no other alert; an excess is counted anew from tomorrow on."""
    return desk.act(alert_id, "close", note=body.note, outcome=body.outcome)


@router.post("/{alert_id}/reopen", summary="Open a closed alert again", responses=REFUSED)
def reopen_alert(
    alert_id: str, desk: AlertDeskDep, _manager: AlertManager, body: Note | None = None
) -> AlertDocument:
    """It stands open as before; nothing is evaluated until the next report."""
    return desk.act(alert_id, "reopen", note=body.note if body else None)


@router.post("/{alert_id}/comment", summary="Add a remark to its history", responses=REFUSED)
def comment_on_alert(
    alert_id: str, desk: AlertDeskDep, _manager: AlertManager, body: Comment
) -> AlertDocument:
    """The alert stays as it is."""
    return desk.act(alert_id, "comment", note=body.note)
