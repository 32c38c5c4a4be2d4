"""Alerts as DetectedIssues.

In:     filters, as for `GET /v1/alerts`.
Out:    `GET /fhir/DetectedIssue`: a searchset Bundle, the newest first, with a link to the next.
Source: FHIR R4, DetectedIssue, Bundle (searchset, paging); docs/api-alerts.md; docs/fhir.md.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.api.access import Scope
from service.api.alert_answers import AlertDocument, AlertStatus, tell_alert
from service.api.alerts import AlertReader
from service.api.dependencies import SightingsDep, SurveillanceDep
from service.api.fhir_answers import FHIR_JSON, document
from service.api.paging import key_in, next_page
from service.api.parameters import only_parameters
from service.pipeline.alerting import list_alerts
from service.pipeline.discoveries import judge
from service.store.alerts import Place

STATUS = {"open": "preliminary", "acknowledged": "preliminary", "closed": "final"}
SEVERITY = {"critical": "high", "warning": "moderate"}

router = APIRouter(prefix="/fhir", tags=["fhir"])


@router.get(
    "/DetectedIssue",
    summary="Alerts, the newest first",
    responses={200: {"content": {FHIR_JSON: {"schema": {"title": "Bundle"}}}}},
    dependencies=[only_parameters("status", "facility", "_count", "cursor", "_format")],
)
def get_detected_issues(
    request: Request,
    surveillance: SurveillanceDep,
    sightings: SightingsDep,
    principal: AlertReader,
    status: Annotated[list[AlertStatus], Query(description="Of the alert. Repeatable.")] = [],  # noqa: B006
    facility: Annotated[list[str], Query(max_length=100, description="Repeatable.")] = [],  # noqa: B006
    count: Annotated[int, Query(alias="_count", ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> Response:
    """`preliminary` while open or acknowledged, `final` once closed. Patients are named only to a
    key with `patients:read`. Needs `rates:read` or `alerts:manage`."""
    principal.visible(facility)
    with surveillance.database.read() as connection:
        page = list_alerts(
            connection,
            {"status": status},
            about=facility,
            reach=principal.facilities,
            place=key_in(cursor, Place),
            limit=count,
        )
        judgement = judge(connection, surveillance)
    with_patients = principal.may(Scope.PATIENTS_READ)
    seen = {key for alert in page.alerts for key in alert.patients}
    if with_patients and seen:
        sightings.note(principal.actor, "detected_issues_shown", seen)
    told = [tell_alert(alert, judgement, with_patients=with_patients) for alert in page.alerts]
    following = next_page(request, page.place)
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": str(request.url.path)}],
        "entry": [
            {
                "fullUrl": f"urn:graftwatch:alert:{alert.id}",
                "resource": detected_issue(alert),
                "search": {"mode": "match"},
            }
            for alert in told
        ],
    }
    if following:
        bundle["link"].append({"relation": "next", "url": following})
    if not bundle["entry"]:
        del bundle["entry"]
    return document(bundle)


def detected_issue(alert: AlertDocument) -> dict[str, Any]:
    """An alert as a DetectedIssue; `reference` leads to all that is known of it."""
    onsets = {"start": alert.first_onset, "end": alert.last_onset}
    period = {name: day.isoformat() for name, day in onsets.items() if day}
    patients = [
        {
            "type": "Patient",
            "identifier": {"system": f"urn:graftwatch:{case.facility}", "value": case.patient},
        }
        for case in alert.cases
        if case.patient is not None
    ]
    return {
        "resourceType": "DetectedIssue",
        "id": alert.id,
        "identifier": [{"system": "urn:graftwatch:alert", "value": alert.id}],
        "status": STATUS[alert.status],
        "code": {
            "coding": [{"system": "urn:graftwatch:alert-kind", "code": alert.kind}],
            "text": alert.title,
        },
        "severity": SEVERITY[alert.severity],
        **({"identifiedPeriod": period} if period else {}),
        **({"implicated": patients} if patients else {}),
        "evidence": [
            {"code": [{"coding": [{"system": "urn:graftwatch:monitor", "code": alert.monitor}]}]}
        ],
        "detail": _detail(alert),
        "reference": f"/v1/alerts/{alert.id}",
    }


def _detail(alert: AlertDocument) -> str:
    cases = "1 case" if len(alert.cases) == 1 else f"{len(alert.cases)} cases"
    support = "" if alert.supported else " No longer supported by the data."
    return f"{alert.title}. {cases} at {', '.join(alert.facilities)}.{support}"
