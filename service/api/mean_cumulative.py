"""The mean cumulative function: how many infections a recipient has had by a day, on average.

In:     `GET /v1/mean-cumulative-function`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md, mean cumulative function.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

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
from service.api.incidence import LONGEST_HORIZON, OTHER_FORMATS
from service.api.rate_answers import SUPPRESSED, AsOf, OneLook
from service.api.rate_ratio_answers import SideRate, interval, side_rate
from service.api.small_cells import (
    Cells,
    a_rate,
    guarded,
    limits,
    require_coarse_horizon,
    require_patients,
)
from service.pipeline.as_of import known_at
from service.pipeline.incidence_cohorts import SPLITS
from service.pipeline.mean_cumulative import MeanChoice, MeanFigure, mean_table
from service.stats.mean_cumulative import Estimator

EPISODES = Cells(
    counts=("recipients", "episodes", "deaths"),
    derived=("mean", "std_error", *limits("ci"), "rate.cases", *a_rate("rate.")),
    size="rate.person_days",
    always=("at_risk",),
)

router = APIRouter(prefix="/v1/mean-cumulative-function", tags=["rates"])


class MeanQuery(PopulationQuery):
    """Every parameter of a mean cumulative function."""

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
    estimator: Estimator = Field(
        default="ghosh_lin",
        description="`ghosh_lin`: the dead have no more infections; `nelson_aalen`: the dead "
        "leave, as if they might have had more.",
    )
    ci: Literal["log", "plain"] = Field(default="log", description="Transformation of the limits.")
    include: list[Literal["curve"]] = Field(
        default=[], max_length=1, description="`curve`: every day with an episode; JSON only."
    )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names in `by`, each once."""
        return dimensions_in(self.by)

    @property
    def counting(self) -> dict[str, Any]:
        """Every episode, over all follow-up."""
        return {"episodes": "all", "person_time": "follow_up"}


class MeanPoint(BaseModel):
    """The function at the end of one day with an episode or a death."""

    day: int
    at_risk: int
    episodes: int
    deaths: int
    mean: float


class Mean(BaseModel):
    """One group at the horizon; null where nobody of it was followed so far."""

    stratum: dict[str, str]
    recipients: int | None = Field(
        description="Courses at risk for at least a day up to the horizon; null where `suppressed`."
    )
    episodes: int | None = Field(description="Counted episodes up to the end of the horizon day.")
    deaths: int | None
    mean: float | None = Field(description="Episodes a recipient.", examples=[0.27])
    std_error: float | None = Field(description="Robust: however a recipient's episodes depend.")
    ci: OneLook
    at_risk: int | None = Field(description="On the horizon day.")
    rate: SideRate = Field(description="Episodes over person-time of the same days.")
    curve: list[MeanPoint] | None = None
    suppressed: bool | None = SUPPRESSED


class Means(BaseModel):
    """The mean cumulative function of each group and of all."""

    definition: dict[str, Any] = Field(description="Every setting that shaped the figure.")
    as_of: AsOf
    unit: str = Field(description="Of the rates beside.")
    by: list[str]
    rows: list[Mean]
    total: Mean | None


@router.get(
    "",
    summary="Mean number of infections of a recipient, recurrent ones included",
    response_model=Means,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(MeanQuery)],
)
def get_mean_cumulative_function(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[MeanQuery, Query()],
) -> Response:
    """All counted episodes up to the horizon, with a variance that holds for recurrent ones.

    Every course is looked at, so this takes longer than a rate.
    """
    if query.include:
        require_patients(principal, "`include=curve`")
    require_coarse_horizon(principal, query.horizon)
    choice = MeanChoice(query.horizon, query.estimator, query.ci)
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        table = mean_table(connection, definition, choice, position=known.past_position)
    asked = asked_format(request, query.format)
    with_curve = "curve" in query.include and asked == "json"
    head = head_of(definition, known, surveillance.rules)
    settings = definition_of(definition, surveillance.rules)
    settings.pop("anytime_reference_rate_per_person_year")
    drawn = {
        "horizon_days": choice.horizon_days,
        "estimator": choice.estimator,
        "rate_ci": settings.pop("ci"),
        "ci": choice.interval,
        "variance": "robust",
    }
    figure = Figure(
        head={
            "definition": {**settings, **drawn},
            "as_of": head["as_of"],
            "unit": head["unit"],
            "by": head["by"],
        },
        rows=[_row(row, with_curve=with_curve) for row in table.rows],
        total=_row(table.total, with_curve=with_curve),
    )
    return answer(guarded(figure, principal.hidden_below, EPISODES), asked)


def _row(figure: MeanFigure, *, with_curve: bool) -> dict[str, Any]:
    found, function = figure.found, figure.function
    shown: dict[str, Any] = {
        "stratum": figure.stratum,
        "recipients": figure.recipients,
        "episodes": found.events,
        "deaths": figure.deaths,
        "mean": found.estimate,
        "std_error": found.std_error,
        "ci": interval(found.interval),
        "at_risk": found.at_risk,
        "rate": side_rate(figure.rate),
    }
    if not with_curve:
        return shown
    columns = (
        function.times,
        function.at_risk,
        function.events,
        function.deaths,
        function.estimate,
    )
    points = zip(*(column.tolist() for column in columns), strict=True)
    curve = [
        dict(zip(MeanPoint.model_fields, point, strict=True))
        for point in points
        if point[0] <= found.horizon_days
    ]
    return {**shown, "curve": curve}
