"""Sign in with an API key, and out again.

In:     a key, typed into a form of this service.
Out:    a cookie that holds a session token and never the key.
Source: docs/decisions/0008-dashboard-sessions.md; OWASP, Cross-Site Request Forgery Prevention.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from service.dashboard import sessions
from service.dashboard.forms import read_form, require_own_page
from service.dashboard.rendering import HEADERS, page
from service.dashboard.routes import PageRoute, way_back
from service.dashboard.viewers import (
    NotSignedIn,
    find_key,
    needs_secure_cookie,
    settings_of,
    sightings_of,
    surveillance_of,
    viewer_with,
)
from service.errors import Forbidden

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sign-in")
def show_sign_in(request: Request, to: str = "/") -> Response:
    """The form; where no key is needed, the first page."""
    if settings_of(request).auth == "off":
        return _go("/")
    return _form(request, way_back(to))


@router.post("/sign-in", dependencies=[Depends(require_own_page)])
async def sign_in(
    request: Request, form: Annotated[dict[str, str], Depends(read_form)]
) -> Response:
    """Give a session to whoever shows a valid key that can read rates."""
    to = way_back(form.get("to", "/"))
    settings, surveillance = settings_of(request), surveillance_of(request)
    if settings.auth == "off":
        return _go("/")
    try:
        key, now = await run_in_threadpool(find_key, surveillance, form.get("key", "").strip())
        viewer = viewer_with(key, settings)
    except (NotSignedIn, Forbidden) as fault:
        return _form(request, to, problem=fault.message)
    sightings_of(request).note(viewer.actor, "signed_in")
    token, ends_at = sessions.issue(key, now)
    answer = _go(to)
    secure = needs_secure_cookie(settings)
    answer.set_cookie(
        sessions.cookie_name(secure=secure),
        token,
        max_age=max(0, int((ends_at - now).total_seconds())),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/sign-out", dependencies=[Depends(require_own_page)])
def sign_out(request: Request) -> Response:
    """Forget the session in this browser."""
    answer = _go("/sign-in")
    secure = needs_secure_cookie(settings_of(request))
    answer.delete_cookie(
        sessions.cookie_name(secure=secure),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return answer


def _form(request: Request, to: str, problem: str | None = None) -> Response:
    """The form; over plain http, where a browser would not keep the cookie, it says so."""
    is_lost = needs_secure_cookie(settings_of(request)) and request.url.scheme == "http"
    status = HTTPStatus.FORBIDDEN if problem else HTTPStatus.OK
    answer = page("sign_in.html", None, status=status, to=to, problem=problem, needs_https=is_lost)
    answer.headers["cache-control"] = "no-store"
    return answer


def _go(to: str) -> RedirectResponse:
    """On to a page, by GET; what is told on the way is kept nowhere."""
    return RedirectResponse(
        to, HTTPStatus.SEE_OTHER, headers={**HEADERS, "cache-control": "no-store"}
    )
