"""Two rates beside each other: the rate ratio, crude and adjusted for strata.

In:     `GET /v1/rate-ratios`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from service.api import rate_ratio_answers
from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import (
    MOST_VALUES,
    CohortQuery,
    definition_of,
    head_of,
    only_parameters_of,
    read_query,
)
from service.api.filters import resolved
from service.api.formats import Figure, answer, asked_format
from service.api.rate_ratio_answers import adjusted, for_key, overlap, ratio
from service.domain.contrasts import COMPARABLE, Contrast
from service.domain.figures import PERSON_TIME_OF
from service.domain.rules import FollowUpRules
from service.errors import BadQuery, Detail
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.rate_ratios import Method, PValue, RatioTable, rate_ratio_table
from service.stats.rate_ratios import P_VALUE_OF

router = APIRouter(prefix="/v1/rate-ratios", tags=["rates"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}
ONE_TYPE = (
    "Each infection type has its own time at risk. Ask for one of them, or for episodes=all with "
    "person_time=follow_up."
)
HOW_TO_NAME = "Write `dimension:value`, such as `agent:sirolimus`."


class RatioQuery(CohortQuery):
    """Every parameter of a rate ratio."""

    compare: list[str] = Field(
        min_length=1,
        max_length=MOST_VALUES,
        description="`dimension:value`, in any known spelling; several values of one dimension "
        f"are one group. Dimensions: {', '.join(COMPARABLE)}. Repeatable.",
        examples=[["agent:sirolimus"]],
    )
    reference: list[str] = Field(
        min_length=1,
        max_length=MOST_VALUES,
        description="The same for the group it is compared with. Repeatable.",
        examples=[["agent:tacrolimus"]],
    )
    strata: list[str] = Field(
        default=[],
        max_length=MOST_VALUES,
        description="Hold these fixed (Mantel-Haenszel), joined by commas.",
        examples=[["phase"]],
    )
    method: Method = Field(
        default="exact",
        description="Interval of the ratio; the adjusted one is always `greenland_robins`.",
    )
    p: PValue | None = Field(
        default=None,
        description="Definition of the two-sided p; without it the one that agrees with the "
        "interval: `central` for exact, `midp` for mid-P.",
    )

    @property
    def contrast(self) -> Contrast:
        """Who is compared with whom, in canonical terms; raises `BadQuery` with every fault."""
        dimension, compare = _side("compare", self.compare)
        other, reference = _side("reference", self.reference)
        if other != dimension:
            message = f"`compare` speaks of {dimension}: `reference` must do the same."
            raise BadQuery(message, details=(Detail("?reference", "bad_query", message),))
        strata = [name.strip() for part in self.strata for name in part.split(",")]
        return Contrast(dimension, compare, reference, tuple(dict.fromkeys(filter(None, strata))))

    def of_both_sides(self, contrast: Contrast) -> Self:
        """The query for everybody on either side, so that a key's reach is checked for both."""
        dimension = contrast.dimension
        if getattr(self, dimension):
            message = f"`compare` and `reference` say which {dimension}: leave the filter out."
            raise BadQuery(message, details=(Detail(f"?{dimension}", "bad_query", message),))
        person_time = self.person_time or PERSON_TIME_OF[self.episodes]
        if len(self.filters.get("infection_type", ())) > 1 and person_time == "at_risk":
            raise BadQuery(ONE_TYPE, details=(Detail("?infection_type", "bad_query", ONE_TYPE),))
        return self.model_copy(update={dimension: [*contrast.compare, *contrast.reference]})


@router.get(
    "",
    summary="The ratio of two groups' rates, crude and adjusted",
    response_model=rate_ratio_answers.RateRatios,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(RatioQuery)],
)
def get_rate_ratios(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[RatioQuery, Query()],
) -> Response:
    """One group's rate over another's, by the definition of `GET /v1/rates`.

    `total` is the crude ratio; with `strata` there is a row for each of them, and `adjusted`. Days
    under agents of both sides are on neither: `overlap` counts them.
    """
    contrast = query.contrast
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query.of_both_sides(contrast), principal, known)
        table = rate_ratio_table(
            connection,
            definition,
            contrast,
            method=query.method,
            p_value=query.p,
            position=known.past_position,
        )
    figure = Figure(
        head=_head(query, contrast, table, known, surveillance.rules),
        rows=[ratio(row) for row in table.rows],
        total=ratio(table.total),
        beside={"adjusted": adjusted(table.adjusted) if table.adjusted else None},
    )
    return answer(for_key(figure, principal.hidden_below), asked_format(request, query.format))


def _side(parameter: str, sent: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The dimension a side speaks of and its values; a value may hold colons, a name does not."""
    named = [tuple(part.strip() for part in text.partition(":")[::2]) for text in sent]
    dimensions = {name for name, _ in named}
    if len(dimensions) != 1 or not all(value for _, value in named):
        message = f"{HOW_TO_NAME} Several values must be of one dimension."
        raise BadQuery(message, details=(Detail(f"?{parameter}", "bad_query", message),))
    (dimension,) = dimensions
    if dimension not in COMPARABLE:
        known = ", ".join(COMPARABLE)
        message = f"{HOW_TO_NAME} Groups that can be compared: {known}."
        raise BadQuery(message, details=(Detail(f"?{parameter}", "bad_query", message),))
    try:
        found = resolved({dimension: [value for _, value in named]})
    except BadQuery as fault:
        details = tuple(detail._replace(pointer=f"?{parameter}") for detail in fault.details)
        raise BadQuery(fault.message, details=details) from None
    return dimension, found[dimension]


def _head(
    query: RatioQuery,
    contrast: Contrast,
    table: RatioTable,
    known: KnownState,
    rules: FollowUpRules,
) -> dict[str, Any]:
    """What every rate says of itself, and who is compared with whom, how."""
    head = head_of(table.definition, known, rules)
    settings = definition_of(table.definition, rules)
    for name in ("by", "anytime_reference_rate_per_person_year", contrast.dimension):
        settings.pop(name, None)
    return {
        "definition": {
            **settings,
            "compare": {contrast.dimension: list(contrast.compare)},
            "reference": {contrast.dimension: list(contrast.reference)},
            "strata": list(contrast.strata),
            "method": query.method,
            "p": query.p or P_VALUE_OF[query.method],
        },
        "as_of": head["as_of"],
        "unit": head["unit"],
        "overlap": overlap(table.total.overlap),
    }
