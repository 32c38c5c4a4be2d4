"""What the FHIR routes can do, as a CapabilityStatement.

In:     nothing.
Out:    `GET /fhir/metadata`, open to everybody: it speaks of no facility and no patient.
Source: FHIR R4, CapabilityStatement; docs/fhir.md.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from service import __version__
from service.api.fhir_answers import FHIR_JSON, document
from service.ingest.fhir.kinds import ACCEPTED, USED_WITH_OTHERS

PUBLISHED_ON = "2026-11-23"
"""When the statement last changed."""
SYSTEMS = "http://terminology.hl7.org/CodeSystem/"
SMART = {"system": f"{SYSTEMS}restful-security-service", "code": "SMART-on-FHIR"}

router = APIRouter(prefix="/fhir", tags=["fhir"])


@router.get(
    "/metadata",
    summary="What is read and answered",
    responses={200: {"content": {FHIR_JSON: {"schema": {"title": "CapabilityStatement"}}}}},
)
async def get_metadata() -> Response:
    """A CapabilityStatement. Needs no key."""
    return document(capability_statement())


def capability_statement() -> dict[str, Any]:
    """The statement."""
    return {
        "resourceType": "CapabilityStatement",
        "name": "Graftwatch",
        "title": "Graftwatch: infections after transplantation",
        "status": "active",
        "date": PUBLISHED_ON,
        "kind": "instance",
        "software": {"name": "Graftwatch", "version": __version__},
        "implementation": {"description": "Graftwatch"},
        "fhirVersion": "4.0.1",
        "format": ["json", FHIR_JSON],
        "rest": [
            {
                "mode": "server",
                "documentation": "Resources are read for what they say of a patient's course and "
                "are not kept; see docs/fhir.md.",
                "security": {
                    "cors": False,
                    "service": [{"coding": [SMART]}],
                    "description": "Authorization: Bearer KEY, or a token of SMART Backend "
                    "Services where .well-known/smart-configuration is there; with the scope "
                    "events:write to send and rates:read to read.",
                },
                "resource": [
                    *map(_read_in, ACCEPTED),
                    _searched("MeasureReport", "Incidence rates, with strata."),
                    _searched("DetectedIssue", "Alerts."),
                ],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
        "messaging": [{"documentation": "Bundles of type message: POST [base]/$process-message."}],
    }


def _read_in(kind: str) -> dict[str, Any]:
    told = "Used where another resource of the same Bundle refers to it."
    return {
        "type": kind,
        "interaction": [{"code": code} for code in ("create", "update", "delete")],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "searchParam": [{"name": "identifier", "type": "token"}],
        **({"documentation": told} if kind in USED_WITH_OTHERS else {}),
    }


def _searched(kind: str, told: str) -> dict[str, Any]:
    return {"type": kind, "documentation": told, "interaction": [{"code": "search-type"}]}
