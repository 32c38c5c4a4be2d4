"""Acknowledge, comment on, close and reopen alerts from their page.

In:     a form of this service, sent by somebody whose key may manage alerts.
Out:    the alert's page again, with what was done in its history.
Source: docs/api-alerts.md; OWASP, Cross-Site Request Forgery Prevention.
"""

from http import HTTPStatus
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from service.api.alert_desk import AlertDesk, Outcome
from service.api.alerts import LONGEST_NOTE
from service.dashboard.forms import read_form, require_own_page
from service.dashboard.rendering import HEADERS
from service.dashboard.routes import PageRoute
from service.dashboard.viewers import Viewer, sightings_of, surveillance_of, viewer_of
from service.errors import BadRequest, Forbidden
from service.monitors.actions import ActionName

OUTCOMES: tuple[str, ...] = get_args(Outcome)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/alerts/{alert_id}/{action}", dependencies=[Depends(require_own_page)])
async def act_on_alert(
    request: Request,
    alert_id: str,
    action: ActionName,
    viewer: Annotated[Viewer, Depends(viewer_of)],
    form: Annotated[dict[str, str], Depends(read_form)],
) -> Response:
    """Do what the form says; the page that comes back is the alert's."""
    if not viewer.may_manage_alerts:
        raise Forbidden("To act on alerts, sign in with a key that has `alerts:manage`.")
    note, outcome = form.get("note", "").strip() or None, form.get("outcome")
    require_sense(action, note, outcome)
    desk = AlertDesk(surveillance_of(request), sightings_of(request), viewer.principal)
    await run_in_threadpool(
        desk.act,
        alert_id,
        action,
        note=note,
        outcome=outcome if action == "close" else None,  # type: ignore[arg-type]
    )
    return RedirectResponse(
        f"/alerts/{alert_id}#history-heading",
        HTTPStatus.SEE_OTHER,
        headers={**HEADERS, "cache-control": "no-store"},
    )


def require_sense(action: ActionName, note: str | None, outcome: str | None) -> None:
    """Refuse what a browser's own checks would not have let pass."""
    if action == "comment" and note is None:
        raise BadRequest("A comment needs words.")
    if note is not None and len(note) > LONGEST_NOTE:
        raise BadRequest(f"A note has at most {LONGEST_NOTE:,} characters.")
    if action == "close" and outcome not in OUTCOMES:
        raise BadRequest("Say what the alert turned out to be.")
