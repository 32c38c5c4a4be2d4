"""The quality of follow-up: completeness, visits, who is overdue, and how late reports come.

In:     `GET /v1/follow-up`, `/v1/follow-up/visits`, `/overdue` and `/reporting-lag`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md; docs/methods.md 9.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.api import follow_up_answers as answers
from service.api.access import Principal
from service.api.dependencies import (
    PatientReader,
    RateReader,
    SettingsDep,
    SightingsDep,
    SurveillanceDep,
)
from service.api.figures import (
    instant,
    only_parameters_of,
)
from service.api.follow_up_queries import LagQuery, OverduePageQuery, QualityQuery
from service.api.formats import Figure, answer, asked_format
from service.api.paging import key_in, link_to, next_page
from service.api.small_cells import guarded, require_coarse
from service.pipeline.as_of import known_at
from service.pipeline.follow_up_quality import (
    overdue_page,
    quality_table,
)
from service.pipeline.reporting_lags import WINDOW_DAYS, reporting_lags
from service.settings import Settings
from service.store.events import PatientKey

router = APIRouter(prefix="/v1/follow-up", tags=["follow-up"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}


@router.get(
    "",
    summary="How complete follow-up is, and how many patients are overdue",
    response_model=answers.FollowUpQuality,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(QualityQuery)],
)
def get_follow_up(
    request: Request,
    surveillance: SurveillanceDep,
    settings: SettingsDep,
    principal: RateReader,
    query: Annotated[QualityQuery, Query()],
) -> Response:
    """Clark's index: person-days observed to the last contact, over those up to `end`, death or
    the day before the next transplant. The grace period counts as not observed.
    """
    return _figure(request, surveillance, settings, principal, query, answers.quality)


@router.get(
    "/visits",
    summary="Which visits of the schedule took place",
    response_model=answers.Visits,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(QualityQuery)],
)
def get_visits(
    request: Request,
    surveillance: SurveillanceDep,
    settings: SettingsDep,
    principal: RateReader,
    query: Annotated[QualityQuery, Query()],
) -> Response:
    """For each visit whose tolerance has passed: courses seen in time, seen later, overdue (under
    observation and not seen since), and not seen before observation ended.
    """
    return _figure(request, surveillance, settings, principal, query, answers.visits)


@router.get(
    "/overdue",
    summary="The patients who should have been seen",
    response_model=answers.Overdue,
    dependencies=[only_parameters_of(OverduePageQuery)],
)
def get_overdue(
    request: Request,
    surveillance: SurveillanceDep,
    settings: SettingsDep,
    sightings: SightingsDep,
    principal: RateReader,
    _reader: PatientReader,
    query: Annotated[OverduePageQuery, Query()],
) -> Response:
    """Patients under observation with a visit due, its tolerance passed, and no contact since its
    window opened. Needs the scopes `rates:read` and `patients:read`.
    """
    after = key_in(query.cursor, PatientKey)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        asked = query.definition(principal, known, settings)
        found, next_after = overdue_page(
            connection,
            surveillance.rules,
            asked,
            known.position,
            after=after,
            limit=query.limit,
        )
    if found:
        sightings.note(principal.actor, "overdue_shown", [key for key, _ in found])
    following = next_page(request, next_after)
    body = {
        **answers.head(asked, known, surveillance.rules),
        "items": [answers.overdue(key, one, asked.end_day) for key, one in found],
        "next": following,
    }
    return Response(
        msgspec.json.encode(body), media_type="application/json", headers=dict(link_to(following))
    )


@router.get(
    "/reporting-lag",
    summary="How long reports take, by facility and type of event",
    response_model=answers.ReportingLag,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(LagQuery)],
)
def get_reporting_lag(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[LagQuery, Query()],
) -> Response:
    """Days from the event to its recording, of the last year's events as known before today,
    estimated in reverse time so that reports still on their way do not bias it.
    """
    visible = principal.visible(query.facility)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        require_coarse(principal, None, None, known.latest_day, past=query.as_of is not None)
        lags = reporting_lags(connection, surveillance, known.latest_day)
    keys = sorted(key for key in lags.counts if visible is None or key[0] in visible)
    types = sorted({event_type for _, event_type in keys})
    figure = Figure(
        head={
            "definition": {
                **({"facility": list(visible)} if visible is not None else {}),
                "occurred_within_days": WINDOW_DAYS,
                "recorded_before": known.latest_day.isoformat(),
            },
            "as_of": {"position": known.position, "recorded_at": instant(known.recorded_at)},
            "unit": "days",
        },
        rows=[
            answers.lag(
                {"facility": facility, "type": event_type},
                lags.counts[facility, event_type],
                lags.distribution(event_type, [facility]),
            )
            for facility, event_type in keys
        ],
        window_totals=[
            answers.lag(
                {"type": event_type},
                answers.added(lags.counts[key] for key in keys if key[1] == event_type),
                lags.distribution(event_type, visible),
            )
            for event_type in types
        ],
        total=None,
    )
    shown = guarded(
        figure,
        principal.hidden_below,
        answers.REPORTS,
        group=lambda row: row["stratum"]["type"],
    )
    return answer(shown, asked_format(request, query.format))


def _figure(
    request: Request,
    surveillance: SurveillanceDep,
    settings: Settings,
    principal: Principal,
    query: QualityQuery,
    tell: answers.Tell,
) -> Response:
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        asked = query.definition(principal, known, settings)
        table = quality_table(connection, surveillance.rules, asked, known.position)
    figure = Figure(
        head=answers.head(asked, known, surveillance.rules),
        rows=[shown for row in table.rows for shown in tell(row)],
        total=answers.quality(table.total)[0] if tell is answers.quality else None,
        window_totals=None if tell is answers.quality else tell(table.total),
    )
    below = principal.hidden_below
    if tell is answers.quality:
        shown = guarded(figure, below, answers.COURSES)
    else:
        shown = guarded(figure, below, answers.VISITS, group=lambda row: row["visit"])
    return answer(shown, asked_format(request, query.format))
