"""Rates, rates over time, and what stands behind a rate.

In:     `GET /v1/rates`, `/v1/rates/series`, `/v1/rates/explain`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md; docs/api-rates.md.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from itertools import islice
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from service.api import rate_answers
from service.api.dependencies import PatientReader, RateReader, SightingsDep, SurveillanceDep
from service.api.figures import FigureQuery, day, head_of, only_parameters_of, read_query
from service.api.formats import Figure, answer, asked_format
from service.api.rate_answers import explained_patient, rate, rate_in_window
from service.api.small_cells import NEEDS_PATIENTS, RATE, guarded
from service.domain.figures import RateDefinition
from service.domain.windows import Interval, Window, calendar_windows
from service.errors import BadQuery, Detail, Forbidden
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.explain import explain
from service.pipeline.provisional import outlook
from service.pipeline.rates import MOST_ROWS, rate_table, rate_tables
from service.pipeline.surveillance import Surveillance
from service.store import sums
from service.store.events import PatientKey

router = APIRouter(prefix="/v1/rates", tags=["rates"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}
MOST_PATIENTS = 1_000
FINE_SERIES = (
    "Without the scope `patients:read`, a series is by month, quarter or year and not cumulative: "
    "finer ones show single cases."
)


class RatesQuery(FigureQuery):
    """Every parameter of a rate."""

    include: list[Literal["recipients"]] = Field(
        default=[],
        description="`recipients`: also the exact number of courses at risk, counted one by one.",
    )


class SeriesQuery(FigureQuery):
    """Every parameter of a series."""

    interval: Interval = Field(default="month", description="Weeks are those of ISO 8601.")
    cumulative: bool = Field(default=False, description="Let every window begin at the start.")


class ExplainQuery(FigureQuery):
    """Every parameter of an explanation."""

    limit: int = Field(default=100, ge=1, le=MOST_PATIENTS, description="Patients a page.")
    cursor: str | None = Field(default=None, description="Where the last page ended.")


@router.get(
    "",
    summary="Incidence rates by stratum, as they stand or stood",
    response_model=rate_answers.Rates,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(RatesQuery)],
)
def get_rates(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[RatesQuery, Query()],
) -> Response:
    """Cases over person-time with both intervals, for each stratum asked for and over all."""
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        table = rate_table(
            connection,
            definition,
            position=known.past_position,
            with_recipients="recipients" in query.include,
        )
        seen = outlook(connection, surveillance, definition, known)
    figure = Figure(
        head=_head(definition, known, surveillance),
        rows=[rate(row, seen.of(row)) for row in table.rows],
        total=rate(table.total, seen.of(table.total)) if table.total else None,
    )
    shown = guarded(figure, principal.hidden_below, RATE)
    return answer(shown, asked_format(request, query.format))


@router.get(
    "/series",
    summary="Rates over time",
    response_model=rate_answers.RateSeries,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(SeriesQuery)],
)
def get_series(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[SeriesQuery, Query()],
) -> Response:
    """The same figure for each day, ISO week, month, quarter or year, from the first day at risk.

    Every stratum has a row in every window; at most 5,000 rows are answered.
    """
    if principal.hidden_below and (query.cumulative or query.interval in ("day", "week")):
        raise Forbidden(FINE_SERIES, code=NEEDS_PATIENTS)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        if definition.start_day is None:
            first = sums.first_day(connection, definition.filters, position=known.past_position)
            if first is not None:
                definition = replace(definition, start_day=min(first, definition.end_day))
        windows = _windows(definition, query.interval, cumulative=query.cumulative)
        over_all = rate_table(connection, definition, position=known.past_position)
        tables = rate_tables(
            connection,
            definition,
            [window.days for window in windows],
            position=known.past_position,
        )
        seen = outlook(connection, surveillance, definition, known)
    figure = Figure(
        head={
            **_head(definition, known, surveillance),
            "interval": query.interval,
            "cumulative": query.cumulative,
        },
        rows=[
            rate_in_window(row, window, seen.of(row, window.days))
            for window, table in zip(windows, tables, strict=True)
            for row in table.rows
        ],
        window_totals=[
            rate_in_window(table.total, window, seen.of(table.total, window.days))
            for window, table in zip(windows, tables, strict=True)
            if table.total
        ],
        total=rate(over_all.total, seen.of(over_all.total)) if over_all.total else None,
    )
    shown = guarded(figure, principal.hidden_below, RATE, group=lambda row: row["window"]["name"])
    return answer(shown, asked_format(request, query.format))


@router.get(
    "/explain",
    summary="The patients behind one rate",
    response_model=rate_answers.Explanation,
    dependencies=[only_parameters_of(ExplainQuery)],
)
def get_explanation(
    request: Request,
    surveillance: SurveillanceDep,
    sightings: SightingsDep,
    principal: RateReader,
    _reader: PatientReader,
    query: Annotated[ExplainQuery, Query()],
) -> Response:
    """Courses, days at risk, days taken out, cases, and the episodes that are none and why.

    Worked out again from the stored events; over all pages `sums` add up to the cell of
    `GET /v1/rates` with the same filters. Needs the scopes `rates:read` and `patients:read`.
    """
    after = _place(query.cursor)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        page = explain(
            connection,
            surveillance.rules,
            definition,
            position=known.position,
            after=after,
            limit=query.limit,
        )
    if page.patients:
        asked = {name: list(values) for name, values in definition.filters.items()}
        sightings.note(principal.actor, "rate_explained", page.patients, filters=asked)
    following = _next_page(request, definition, known, page.next_after)
    head = head_of(definition, known, surveillance.rules)
    body = {
        "definition": head["definition"],
        "as_of": head["as_of"],
        "sums": {
            "person_days": page.person_days,
            "cases": page.cases,
            "patients": len(page.patients),
            "courses": sum(len(patient.courses) for patient in page.patients.values()),
        },
        "items": [explained_patient(key, patient) for key, patient in page.patients.items()],
        "next": following,
    }
    headers = {"link": f'<{following}>; rel="next"'} if following else {}
    return Response(msgspec.json.encode(body), media_type="application/json", headers=headers)


def _head(
    definition: RateDefinition, known: KnownState, surveillance: Surveillance
) -> dict[str, Any]:
    """The head of a rate, with the share of reports that may be missing."""
    head = head_of(definition, known, surveillance.rules)
    return {
        **head,
        "definition": {**head["definition"], "provisional_above": surveillance.provisional_share},
    }


def _windows(definition: RateDefinition, interval: Interval, *, cumulative: bool) -> list[Window]:
    if definition.start_day is None:
        return []
    cut = calendar_windows(
        interval, definition.start_day, definition.end_day, cumulative=cumulative
    )
    windows = list(islice(cut, MOST_ROWS + 1))
    if len(windows) > MOST_ROWS:
        advice = "Ask for a longer interval, or a shorter time from start to end."
        raise BadQuery(
            f"This would be more than {MOST_ROWS:,} windows.",
            code="too_many_rows",
            details=(Detail("?interval", "too_many_rows", advice),),
        )
    return windows


def _next_page(
    request: Request, definition: RateDefinition, known: KnownState, after: PatientKey | None
) -> str | None:
    """The next page speaks for the same state of knowledge, and ends on the same day."""
    if after is None:
        return None
    fixed = {
        "as_of": str(known.position),
        "end": day(definition.end_day),
        "cursor": urlsafe_b64encode(msgspec.json.encode(after)).decode(),
    }
    sent = [(name, value) for name, value in parse_qsl(request.url.query) if name not in fixed]
    return f"{request.url.path}?{urlencode([*sent, *fixed.items()])}"


def _place(cursor: str | None) -> PatientKey | None:
    if cursor is None:
        return None
    try:
        return PatientKey(*msgspec.json.decode(urlsafe_b64decode(cursor), type=tuple[str, str]))
    except (ValueError, msgspec.DecodeError):
        message = "Not a cursor of this service: follow `next` as it was given."
        raise BadQuery(message, details=(Detail("?cursor", "bad_cursor", message),)) from None
