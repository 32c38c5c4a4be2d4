"""Rates as they would be in a standard population: direct standardisation.

In:     `GET /v1/rates/standardised`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md, Standardised rates.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from service.api import standardised_rate_answers
from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import (
    MOST_VALUES,
    FigureQuery,
    head_of,
    only_parameters_of,
    read_query,
)
from service.api.formats import Figure, answer, asked_format
from service.api.network_access import PUBLISHED_STANDARD, require_network_rate
from service.api.standardised_rate_answers import for_key, standard_used, standardised_rate
from service.pipeline.as_of import known_at
from service.pipeline.facility_counts import STANDARDISABLE
from service.pipeline.provisional import outlook
from service.pipeline.standardised_rates import AGES_ONLY, Standard, standardised_table

router = APIRouter(prefix="/v1/rates", tags=["rates"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}


class StandardisedQuery(FigureQuery):
    """Every parameter of a standardised rate."""

    standard: Standard = Field(
        description="`network`: the person-time of all facilities by the strata; or a published "
        "population, which knows ages only.",
        examples=["network"],
    )
    strata: list[str] = Field(
        default=list(AGES_ONLY),
        max_length=MOST_VALUES,
        description=f"Weigh these as the standard does, joined by commas: "
        f"{', '.join(STANDARDISABLE)}.",
        examples=[["age_group,phase"]],
    )

    @property
    def held_fixed(self) -> tuple[str, ...]:
        """The names in `strata`, each once."""
        names = (name.strip() for part in self.strata for name in part.split(","))
        return tuple(dict.fromkeys(name for name in names if name))


@router.get(
    "/standardised",
    summary="Rates standardised directly to a named population",
    response_model=standardised_rate_answers.StandardisedRates,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(StandardisedQuery)],
)
def get_standardised_rates(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[StandardisedQuery, Query()],
) -> Response:
    """Each row's rate were its strata as those of the standard, beside the rate as it is.

    Where the standard has a stratum in which a row has no person-time, the row has no standardised
    rate, and the stratum is named. A key bound to facilities needs a published standard.
    """
    if query.standard == "network":
        require_network_rate(principal, PUBLISHED_STANDARD)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        table = standardised_table(
            connection,
            definition,
            query.standard,
            query.held_fixed,
            position=known.past_position,
        )
        seen = outlook(connection, surveillance, definition, known)
    head = head_of(definition, known, surveillance.rules)
    shaped_by = {"standard": query.standard, "strata": list(table.strata)}
    figure = Figure(
        head={
            **head,
            "definition": {**head["definition"], **shaped_by},
            "standard": standard_used(query.standard, table),
        },
        rows=[standardised_rate(table, row, seen.of(row.crude)) for row in table.rows],
        total=standardised_rate(table, table.total, seen.of(table.total.crude)),
    )
    shown = for_key(figure, table, principal.hidden_below)
    return answer(shown, asked_format(request, query.format))
