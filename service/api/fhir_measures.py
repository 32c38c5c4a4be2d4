"""Incidence rates as a MeasureReport with strata.

In:     the same questions as `GET /v1/rates`.
Out:    `GET /fhir/MeasureReport`: a searchset Bundle with one summary.
Source: FHIR R4, MeasureReport; docs/api-rates.md; docs/fhir.md.

Cases are the numerator, person-days the denominator, the score is the rate in the unit asked for.
The interval, the definition and the ledger's position are extensions: R4 has no place for them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from service.api.dependencies import RateReader, SurveillanceDep
from service.api.fhir_answers import FHIR_JSON, document
from service.api.figures import FigureQuery, day, head_of, read_query
from service.api.parameters import only_parameters
from service.domain.small_cells import mask_of
from service.pipeline.as_of import known_at
from service.pipeline.rates import RateRow, RateTable, rate_table
from service.store import sums

POPULATIONS = "http://terminology.hl7.org/CodeSystem/measure-population"
MEASURE = "urn:graftwatch:measure:incidence-rate"
INTERVAL = "urn:graftwatch:confidence-interval"
DEFINITION = "urn:graftwatch:definition"
POSITION = "urn:graftwatch:ledger-position"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ASKED = tuple(name for name in FigureQuery.model_fields if name != "format")

router = APIRouter(prefix="/fhir", tags=["fhir"])


@router.get(
    "/MeasureReport",
    summary="Incidence rates with strata",
    responses={200: {"content": {FHIR_JSON: {"schema": {"title": "Bundle"}}}}},
    dependencies=[only_parameters(*ASKED, "_format")],
)
def get_measure_report(
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[FigureQuery, Query()],
) -> Response:
    """The parameters are those of `GET /v1/rates`; `by` gives the strata. Needs `rates:read`."""
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        position = known.past_position
        if definition.start_day is None:
            first = sums.first_day(connection, definition.filters, position=position)
            definition = replace(
                definition, start_day=min(first or definition.end_day, definition.end_day)
            )
        table = rate_table(connection, definition, position=position)
    head = head_of(definition, known, surveillance.rules)
    report = measure_report(table, head, principal.hidden_below)
    entry = {
        "fullUrl": f"urn:graftwatch:report:{known.position}",
        "resource": report,
        "search": {"mode": "match"},
    }
    return document({"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry]})


def measure_report(table: RateTable, head: Mapping[str, Any], below: int = 0) -> dict[str, Any]:
    """A summary of the rates: over all, and for each stratum; counts below `below` are masked."""
    definition = table.definition
    mask = mask_of(
        [row.estimate.cases for row in table.rows],
        [row.estimate.person_days for row in table.rows],
        table.total.estimate.cases if table.total else None,
        below,
    )
    group: dict[str, Any] = {
        "code": {"text": ", ".join(head["definition"]["infection_type"])},
        **(_figures(table.total, head["unit"], mask.total) if table.total else {}),
    }
    if definition.by and table.rows:
        group["stratifier"] = [
            {
                "code": [{"text": name} for name in definition.by],
                "stratum": [
                    {**_stratum(row), **_figures(row, head["unit"], hidden)}
                    for row, hidden in zip(table.rows, mask.rows, strict=True)
                ],
            }
        ]
    recorded_at = head["as_of"]["recorded_at"]
    return {
        "resourceType": "MeasureReport",
        "extension": [
            {"url": DEFINITION, "valueString": msgspec.json.encode(head["definition"]).decode()},
            {"url": POSITION, "valueString": str(head["as_of"]["position"])},
        ],
        "status": "complete",
        "type": "summary",
        "measure": MEASURE,
        **({"date": recorded_at} if recorded_at else {}),
        "period": {
            "start": day(definition.start_day or definition.end_day),
            "end": day(definition.end_day),
        },
        "group": [group],
    }


def _stratum(row: RateRow) -> dict[str, Any]:
    return {
        "component": [
            {"code": {"text": name}, "value": {"text": value}}
            for name, value in row.stratum.items()
        ]
    }


def _figures(row: RateRow, unit: str, hidden: bool) -> dict[str, Any]:
    """Cases, person-days and the rate; a rate of no time at all is left out."""
    estimate = row.estimate
    days = _population("denominator", "person-days", estimate.person_days)
    if hidden:
        masked = {"_count": {"extension": [{"url": ABSENT, "valueCode": "masked"}]}}
        return {"population": [_population("numerator", "cases") | masked, days]}
    shown: dict[str, Any] = {
        "population": [_population("numerator", "cases", estimate.cases), days]
    }
    if estimate.rate is not None:
        shown["measureScore"] = {"value": estimate.rate, "unit": unit}
    bounds = {"low": estimate.interval.lower, "high": estimate.interval.upper}
    told = {
        name: {"value": value, "unit": unit} for name, value in bounds.items() if value is not None
    }
    if told:
        shown["extension"] = [{"url": INTERVAL, "valueRange": told}]
    return shown


def _population(code: str, text: str, count: int | None = None) -> dict[str, Any]:
    coding = {"system": POPULATIONS, "code": code}
    told = {} if count is None else {"count": count}
    return {"code": {"coding": [coding], "text": text}, **told}
