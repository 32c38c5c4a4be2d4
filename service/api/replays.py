"""Replays: would a monitor have fired, when, and with which of these settings.

In:     `POST /v1/monitors/{id}/replay`.
Out:    JSON, CSV or NDJSON, a row for each variant; nothing is stored.
Source: docs/api-alerts.md, "Replay".
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import instant
from service.api.formats import Figure, Format, answer, asked_format
from service.api.network_access import require_a_place
from service.api.parameters import only_parameters
from service.api.replay_answers import STOOD, ReplayTable, definition_of, replay_row
from service.api.replay_requests import ReplayRequest, counts_of, period_of, variants_of
from service.api.small_cells import guarded, require_coarse
from service.pipeline.as_of import known_at
from service.pipeline.catalogue import find_monitor
from service.pipeline.replays import replayed
from service.pipeline.surveillance import Surveillance
from service.store import catalogue

router = APIRouter(prefix="/v1/monitors", tags=["monitors"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}


@router.post(
    "/{monitor_id}/replay",
    summary="Would it have fired, when, with which of these settings",
    response_model=ReplayTable,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters("format")],
)
def replay_monitor(
    monitor_id: str,
    body: ReplayRequest,
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    format_: Annotated[
        Format | None, Query(alias="format", description="Else by `Accept`.")
    ] = None,
) -> Response:
    """The monitor as it is, and each variant, over the stored data or over given counts: the first
    signal of each. A variant that cannot watch says why in its row. A key bound to facilities names
    one of them, or gives counts."""
    if body.facility is not None:
        principal.require_facility(body.facility)
    elif body.counts is None:
        require_a_place(principal, "/facility")
    below = principal.hidden_below if body.counts is None else 0
    if below:
        require_coarse(principal, body.start, body.end, surveillance.today(), past=False)
    figure = guarded(replay_figure(surveillance, monitor_id, body), below, STOOD)
    return answer(figure, asked_format(request, format_))


def replay_figure(surveillance: Surveillance, monitor_id: str, asked: ReplayRequest) -> Figure:
    """The answer as a table; raises `NotFound`, `BadQuery` or `MeasureMismatch`."""
    with surveillance.database.read() as connection:
        monitor = find_monitor(connection, monitor_id)
    period = period_of(asked, surveillance.today())
    given = counts_of(asked)
    # Exact critical values can take seconds, for which no transaction is kept open.
    variants = variants_of(monitor, asked.variants)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, None)
        versions = catalogue.versions_in_force(connection)
        found = replayed(connection, variants, asked.facility, period, given)
    definition = definition_of(monitor, versions, asked.facility, period, given=given is not None)
    return Figure(
        head={
            "definition": definition,
            "as_of": {"position": known.position, "recorded_at": instant(known.recorded_at)},
            "unit": "cases; delays in days",
        },
        rows=[replay_row(replay) for replay in found],
        total=None,
    )
