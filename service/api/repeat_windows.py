"""One rate under several repeat windows: how much of it is the case definition's doing.

In:     `GET /v1/rates/repeat-windows`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md, under other repeat windows.
"""

from collections.abc import Sequence
from itertools import product
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import CohortQuery, head_of, only_parameters_of, read_query
from service.api.formats import Figure, answer, asked_format
from service.api.rate_answers import AsOf, Rate, rate
from service.api.small_cells import RATE, guarded
from service.domain.figures import RateDefinition
from service.domain.repeat_windows import RepeatWindow, Rule, varied_rows
from service.domain.rules import FollowUpRules
from service.errors import BadQuery, Detail
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.provisional import Standing, outlook
from service.pipeline.repeat_windows import WindowRate, rates_under

router = APIRouter(prefix="/v1/rates", tags=["rates"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}
USUAL_DAYS = ("14", "30", "60", "90", "365")
RULES: tuple[Rule, ...] = get_args(Rule)
MOST_WINDOWS = 10
MOST_DAYS = 3_650


class WindowsQuery(CohortQuery):
    """Every parameter of a rate under other repeat windows."""

    repeat_days: list[str] = Field(
        default=[",".join(USUAL_DAYS)],
        max_length=100,
        description=f"Lengths in days, joined by commas: at most {MOST_WINDOWS}, each from 1 to "
        f"{MOST_DAYS:,}.",
        examples=[["14,30,60,90,365"]],
    )
    repeat_rule: list[str] = Field(
        default=[",".join(RULES)],
        max_length=100,
        description="`fixed`: from the onset, which is day 1; `rolling`: so many days after the "
        "last record. Joined by commas.",
        examples=[["fixed,rolling"]],
    )

    @property
    def windows(self) -> list[RepeatWindow]:
        """Every length under every rule; raises `BadQuery` for what is neither."""
        days, rules = _listed(self.repeat_days), _listed(self.repeat_rule)
        lengths = {int(one) for one in days if one.isascii() and one.isdigit() and len(one) < 6}
        if len(lengths) != len(days) or not all(1 <= length <= MOST_DAYS for length in lengths):
            raise _fault("repeat_days", f"Whole days from 1 to {MOST_DAYS:,}.")
        if not 0 < len(lengths) <= MOST_WINDOWS:
            raise _fault("repeat_days", f"From 1 to {MOST_WINDOWS} lengths at a time.")
        if not rules or not set(rules) <= set(RULES):
            raise _fault("repeat_rule", f"Known are {' and '.join(RULES)}.")
        return [RepeatWindow(rule, n) for rule, n in product(RULES, lengths) if rule in rules]


class RateUnderWindow(Rate):
    """The rate as it would be under one repeat window."""

    repeat_rule: Rule
    repeat_days: int
    in_force: bool = Field(description="Is this the case definition that all other rates use?")


class RatesUnderWindows(BaseModel):
    """One rate under several repeat windows."""

    definition: dict[str, Any] = Field(
        description="Every setting that shaped the figure; `varied` names the case definitions "
        "whose window was varied."
    )
    as_of: AsOf
    unit: str = Field(examples=["per 100 person_years"])
    additive: bool = Field(description="Never: the rows are the same people.")
    rows: list[RateUnderWindow]
    total: None = None


@router.get(
    "/repeat-windows",
    summary="One rate under other repeat windows",
    response_model=RatesUnderWindows,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(WindowsQuery)],
)
def get_rates_under_windows(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[WindowsQuery, Query()],
) -> Response:
    """How many cases, how much time at risk and what rate there would be under each window.

    The row `in_force` is there whether asked for or not, and equals `GET /v1/rates`. Every patient
    is counted again, so that this takes longer than a rate and refuses more than 20,000 patients.
    """
    windows = query.windows
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, query.as_of)
        definition = read_query(query, principal, known)
        found = rates_under(
            connection, surveillance.rules, definition, windows, position=known.position
        )
        seen = outlook(connection, surveillance, definition, known)
    figure = Figure(
        head=_head(definition, known, surveillance.rules, windows),
        rows=[_row(one, seen.of(one.row)) for one in found],
        total=None,
    )
    shown = guarded(figure, principal.hidden_below, RATE)
    return answer(shown, asked_format(request, query.format))


def _head(
    definition: RateDefinition,
    known: KnownState,
    rules: FollowUpRules,
    windows: Sequence[RepeatWindow],
) -> dict[str, Any]:
    """What every rate says of itself, and which windows were tried on which definitions."""
    head = head_of(definition, known, rules)
    groups = definition.filters.get("organism_group", ())
    varied = varied_rows(rules.case_definitions, definition.infection_types[0], groups)
    settings = {name: value for name, value in head["definition"].items() if name != "by"}
    return {
        "definition": {
            **settings,
            "repeat_days": sorted({window.repeat_days for window in windows}),
            "repeat_rule": sorted({window.repeat_rule for window in windows}),
            "varied": [
                {"infection_type": row.infection_type, "organism_group": row.organism_group}
                for row in varied
            ],
        },
        "as_of": head["as_of"],
        "unit": head["unit"],
        "additive": False,
    }


def _row(found: WindowRate, standing: Standing) -> dict[str, Any]:
    return {
        "repeat_rule": found.window.repeat_rule,
        "repeat_days": found.window.repeat_days,
        "in_force": found.in_force,
        **rate(found.row, standing),
    }


def _listed(sent: Sequence[str]) -> list[str]:
    """The values, each once."""
    names = (name.strip() for part in sent for name in part.split(","))
    return list(dict.fromkeys(name for name in names if name))


def _fault(parameter: str, message: str) -> BadQuery:
    return BadQuery(message, details=(Detail(f"?{parameter}", "bad_query", message),))
