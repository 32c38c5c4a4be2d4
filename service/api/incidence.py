"""Cumulative incidence: the share of recipients with a first infection by a day after transplant.

In:     `GET /v1/cumulative-incidence`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md, cumulative incidence.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from service.api import incidence_answers
from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import (
    MOST_VALUES,
    PopulationQuery,
    definition_of,
    dimensions_in,
    head_of,
    only_parameters_of,
    read_query,
)
from service.api.formats import Figure, answer, asked_format
from service.api.incidence_answers import for_key, gray, incidence
from service.api.small_cells import require_coarse_horizon, require_patients
from service.domain.rules import FollowUpRules
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.cumulative_incidence import (
    IncidenceChoice,
    IncidenceTable,
    incidence_table,
)
from service.pipeline.incidence_cohorts import SPLITS

router = APIRouter(prefix="/v1/cumulative-incidence", tags=["rates"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}
LONGEST_HORIZON = 36_525


class IncidenceQuery(PopulationQuery):
    """Every parameter of a cumulative incidence."""

    by: list[str] = Field(
        default=[],
        max_length=MOST_VALUES,
        description=f"One row for each value of these, joined by commas: {', '.join(SPLITS)}. "
        "Regimen and agent are those of the day of entry.",
        examples=[["indication"]],
    )
    horizon: int = Field(
        default=365, ge=0, le=LONGEST_HORIZON, description="Days since the index date."
    )
    competing: list[Literal["death", "relapse", "graft_failure", "retransplant"]] = Field(
        default=["death"],
        max_length=10,
        description="What may come first and excludes a later first case. Death always competes; "
        "relapse and graft failure end nothing unless named, a retransplantation censors unless "
        "named. Repeatable.",
        json_schema_extra={"examples": [["death", "relapse"]]},
    )
    ci: Literal["loglog", "log", "plain"] = Field(
        default="loglog", description="Transformation of the limits."
    )
    variance: Literal["aalen", "gray"] = Field(
        default="aalen", description="As R's survival and etm, or as R's cmprsk."
    )
    include: list[Literal["curve"]] = Field(
        default=[], max_length=1, description="`curve`: every day with an event; JSON only."
    )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names in `by`, each once."""
        return dimensions_in(self.by)

    @property
    def choice(self) -> IncidenceChoice:
        """How the curve is drawn."""
        return IncidenceChoice(
            self.horizon,
            tuple(dict.fromkeys(("death", *self.competing))),
            self.ci,
            self.variance,
        )


@router.get(
    "",
    summary="Cumulative incidence of a first infection, other outcomes competing",
    response_model=incidence_answers.Incidences,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(IncidenceQuery)],
)
def get_cumulative_incidence(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[IncidenceQuery, Query()],
) -> Response:
    """Aalen-Johansen, recipients entering when first under observation (left truncation), with the
    rate of the same cohort beside it and Gray's test between groups.

    Every course is looked at, so this takes longer than a rate.
    """
    if query.include:
        require_patients(principal, "`include=curve`")
    require_coarse_horizon(principal, query.horizon)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        table = incidence_table(connection, definition, query.choice, position=known.past_position)
    asked = asked_format(request, query.format)
    with_curve = "curve" in query.include and asked == "json"
    figure = Figure(
        head=_head(query.choice, table, known, surveillance.rules),
        rows=[incidence(row, with_curve=with_curve) for row in table.rows],
        total=incidence(table.total, with_curve=with_curve) if table.total else None,
        beside={"test": gray(table)},
    )
    return answer(for_key(figure, principal.hidden_below), asked)


def _head(
    choice: IncidenceChoice, table: IncidenceTable, known: KnownState, rules: FollowUpRules
) -> dict[str, Any]:
    """What every rate says of itself, and how the curve was drawn."""
    head = head_of(table.definition, known, rules)
    settings = definition_of(table.definition, rules)
    settings.pop("anytime_reference_rate_per_person_year")
    drawn = {
        "horizon_days": choice.horizon_days,
        "competing": list(choice.competing),
        "rate_ci": settings.pop("ci"),
        "ci": choice.interval,
        "variance": choice.variance,
    }
    return {
        "definition": {**settings, **drawn},
        "as_of": head["as_of"],
        "unit": head["unit"],
        "by": head["by"],
    }
