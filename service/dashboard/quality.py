"""Data quality: how complete follow-up is, how late reports come, what nobody could read.

In:     the API's follow-up quality, reporting lags and waiting terms.
Out:    a page for whoever must chase what is missing.
Source: docs/dashboard.md; docs/methods.md 9.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from service.api.follow_up import get_follow_up, get_reporting_lag, get_visits
from service.api.follow_up_queries import LagQuery, QualityQuery
from service.api.term_documents import TermList
from service.api.terms import get_terms
from service.dashboard.answers import told
from service.dashboard.rendering import page
from service.dashboard.routes import PageRoute
from service.dashboard.viewers import Viewer, settings_of, surveillance_of, viewer_of

MOST_TERMS = 50

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/data-quality")
def show_data_quality(request: Request, viewer: Annotated[Viewer, Depends(viewer_of)]) -> Response:
    """What is missing, late, or still on its way."""
    surveillance, settings, principal = (
        surveillance_of(request),
        settings_of(request),
        viewer.principal,
    )
    by_facility = QualityQuery(by=["facility"], format="json")
    everybody = QualityQuery(format="json")
    quality = told(get_follow_up(request, surveillance, settings, principal, by_facility))
    visits = told(get_visits(request, surveillance, settings, principal, everybody))
    lags = told(get_reporting_lag(request, surveillance, principal, LagQuery(format="json")))
    shown: dict[str, Any] = {
        "quality": quality,
        "visits": visits["window_totals"],
        "lags": lags["window_totals"],
        "lags_by_facility": lags["rows"],
        "within_days": lags["definition"]["occurred_within_days"],
        "terms": _waiting_terms(request, viewer) if viewer.may_manage else None,
    }
    return page("quality.html", viewer, **shown)


def _waiting_terms(request: Request, viewer: Viewer) -> TermList:
    """The terms that nobody could read yet, the most frequent ones."""
    surveillance = surveillance_of(request)
    return get_terms(
        request, Response(), surveillance, viewer.principal, state=["waiting"], limit=MOST_TERMS
    )
