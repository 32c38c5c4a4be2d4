"""Counts and person-time for DHIS2.

In:     `GET /v1/exports/dhis2`, and the mapping file that the settings name.
Out:    a data value set, as DHIS2 takes it at `POST /api/dataValueSets`.
Source: docs/dhis2.md; DHIS2, Developer guide, "Data values".
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.api.dependencies import RateReader, SurveillanceDep
from service.api.dhis2_values import data_value_set
from service.api.figures import AsOf, CalendarDate
from service.api.parameters import only_parameters
from service.api.small_cells import require_patients
from service.api.state import running
from service.errors import Conflict

EXAMPLE = {
    "idScheme": "UID",
    "dataValues": [
        {
            "dataElement": "cAsEsNtm001",
            "period": "202405",
            "orgUnit": "DiszpKrYNg8",
            "value": "1",
        },
        {
            "dataElement": "dAySatRisk1",
            "period": "202405",
            "orgUnit": "DiszpKrYNg8",
            "value": "3041",
        },
    ],
}

router = APIRouter(prefix="/v1/exports", tags=["rates"])


@router.get(
    "/dhis2",
    summary="Counts and person-time as a DHIS2 data value set",
    responses={
        200: {"content": {"application/json": {"example": EXAMPLE}}},
        409: {"description": "No mapping file is set"},
    },
    dependencies=[only_parameters("start", "end", "as_of")],
)
def get_dhis2_export(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    start: Annotated[
        CalendarDate | None,
        Query(description="First day; without it the period of the first day at risk."),
    ] = None,
    end: Annotated[
        CalendarDate | None,
        Query(description="Last day; the day before today, or before that of `as_of`, at most."),
    ] = None,
    as_of: Annotated[AsOf | None, Query(description="The state of knowledge to speak for.")] = None,
) -> Response:
    """What the mapping file asks for, of the whole periods from `start` to `end`, for each mapped
    facility that the key reaches. The figures are those of `GET /v1/rates/series?by=facility`.
    409 where no mapping file is set. Needs `rates:read` and, unless small counts are shown to
    everybody, `patients:read`: a facility's month is a small cell."""
    mapping = running(request).dhis2_mapping
    if mapping is None:
        raise Conflict(
            "No mapping to DHIS2 is set: whoever runs the service names the file in "
            "GRAFTWATCH_DHIS2_MAPPING_FILE.",
            code="no_dhis2_mapping",
        )
    require_patients(principal, "The export to DHIS2")
    body = data_value_set(surveillance, mapping, principal, start=start, end=end, as_of=as_of)
    return Response(msgspec.json.encode(body), media_type="application/json")
