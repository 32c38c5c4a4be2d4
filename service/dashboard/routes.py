"""How a page tells what went wrong: as a page.

In:     the errors of `service.errors` that a page's route raises.
Out:    the way to the sign-in, or a page that says what is the matter.
Source: `service.api.problems` tells the same to programs; this floor stands beside that one.
"""

import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse

from service.dashboard.rendering import HEADERS, page
from service.dashboard.viewers import NotSignedIn
from service.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GraftwatchError,
    NotFound,
    Overloaded,
    Unavailable,
)
from service.store.unavailable import UNAVAILABLE, Reason, reason_of

log = structlog.stdlib.get_logger(__name__)

OWN_PAGE = re.compile(
    r"/(alerts(/[A-Za-z0-9_-]{1,64})?|rates|facilities(/[A-Za-z0-9._-]{1,64})?|baselines"
    r"|data-quality)?"
)
"""Where a sign-in may lead to: nowhere but here, and to no address that names a patient."""

TOLD: tuple[tuple[type[GraftwatchError], HTTPStatus, str], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND, "There is no such page"),
    (Forbidden, HTTPStatus.FORBIDDEN, "This key does not reach so far"),
    (BadRequest, HTTPStatus.BAD_REQUEST, "That cannot be done"),
    (Conflict, HTTPStatus.CONFLICT, "That cannot be done now"),
)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Handler:
        """The route's handler, with its errors told."""
        handle = super().get_route_handler()

        async def tell(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedIn:
                return to_sign_in(request)
            except (Overloaded, Unavailable) as fault:
                return _unavailable(Reason(fault.code, fault.message))
            except GraftwatchError as fault:
                return _told(fault)
            except UNAVAILABLE as fault:
                reason = reason_of(fault)
                log.exception("database unavailable", reason=reason.code)
                return _unavailable(reason)

        return tell


def to_sign_in(request: Request) -> Response:
    """The way to the sign-in and back."""
    here = request.url.path
    back = f"?{urlencode({'to': here})}" if here != "/" and OWN_PAGE.fullmatch(here) else ""
    return RedirectResponse(f"/sign-in{back}", HTTPStatus.SEE_OTHER, headers=HEADERS)


def way_back(wanted: str) -> str:
    """The page to go on with after signing in; the first one where it is none of ours.

    >>> way_back("/alerts/a1"), way_back("//elsewhere.example"), way_back("/alerts/a1?x=/")
    ('/alerts/a1', '/', '/')
    """
    return wanted if OWN_PAGE.fullmatch(wanted) else "/"


def _unavailable(reason: Reason) -> Response:
    answer = page(
        "message.html",
        None,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        title="Graftwatch cannot answer just now",
        message=f"{reason.message} What was stored is not lost: try again in a moment.",
    )
    answer.headers["retry-after"] = "5"
    return answer


def _told(fault: GraftwatchError) -> Response:
    for kind, status, title in TOLD:
        if isinstance(fault, kind):
            return page("message.html", None, status=status, title=title, message=fault.message)
    raise fault
