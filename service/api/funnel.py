"""The funnel: which facilities lie farther from what is expected than chance would have them.

In:     `GET /v1/funnel`.
Out:    JSON, CSV or NDJSON; problem documents for what means nothing.
Source: docs/api-rates.md, funnel.
"""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from service.api import funnel_answers
from service.api.access import Principal
from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import (
    CohortQuery,
    day,
    definition_of,
    head_of,
    only_parameters_of,
    read_query,
)
from service.api.formats import Figure, answer, asked_format
from service.api.funnel_answers import beside, curve_point, facility_point, for_key, total
from service.api.network_access import require_network_rate
from service.api.small_cells import require_patients
from service.domain.figures import DIMENSIONS, RateDefinition
from service.errors import BadQuery, Detail
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.comparisons import chosen_baselines
from service.pipeline.facility_counts import (
    STANDARDISABLE,
    counts_against_all,
    counts_against_baseline,
)
from service.pipeline.funnel import LEVELS, FunnelTable, funnel_table
from service.pipeline.look import Look, look_at
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline
from service.stats.funnel import LIMITS_METHOD

router = APIRouter(prefix="/v1/funnel", tags=["rates"])

OTHER_FORMATS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}
BASELINE_SAYS = frozenset(
    {*DIMENSIONS, "episodes", "person_time", "start", "as_of", "standardise_by"} - {"facility"}
)
"""What a published rate says itself, or cannot be asked of it."""
LEAVE_OUT = (
    "With `baseline` the published figure says whom and what it counts, and is compared up to "
    "`end` as known now, as in `GET /v1/comparisons`: leave this out."
)


class FunnelQuery(CohortQuery):
    """Every parameter of a funnel."""

    baseline: str | None = Field(
        default=None,
        description="A published rate to expect cases by; without it the rate of all facilities "
        "asked for.",
        examples=["tb-sot-spain"],
    )
    standardise_by: list[str] = Field(
        default=[],
        max_length=100,
        description="Expect cases stratum by stratum, joined by commas: "
        f"{', '.join(STANDARDISABLE)}.",
        examples=[["phase,transplant_type"]],
    )
    include: list[Literal["limits"]] = Field(
        default=[], description="`limits`: also the control limits as a curve, for drawing."
    )

    @property
    def strata(self) -> tuple[str, ...]:
        """The names in `standardise_by`, each once."""
        names = (name.strip() for part in self.standardise_by for name in part.split(","))
        return tuple(dict.fromkeys(name for name in names if name))


@router.get(
    "",
    summary="Observed and expected of each facility, with control limits",
    response_model=funnel_answers.Funnel,
    responses={200: {"content": OTHER_FORMATS}},
    dependencies=[only_parameters_of(FunnelQuery)],
)
def get_funnel(
    request: Request,
    surveillance: SurveillanceDep,
    principal: RateReader,
    query: Annotated[FunnelQuery, Query()],
) -> Response:
    """Each facility's cases over those expected, its place among exact Poisson control limits, and
    its rate drawn towards that of all by empirical Bayes.

    A key bound to facilities needs a `baseline` and sees its own facilities only; prior and
    overdispersion are then of these alone.
    """
    if query.strata:
        require_patients(principal, "`standardise_by`")
    with look_at(surveillance) as look:
        ask = _against_baseline if query.baseline else _against_network
        head, table = ask(look, surveillance, principal, query)
    curve = [curve_point(*point) for point in table.limit_curve]
    figure = Figure(
        head=head,
        rows=[facility_point(point) for point in table.points],
        total=total(table),
        beside=beside(table),
        lists={"limit_curve": curve} if "limits" in query.include else {},
    )
    return answer(for_key(figure, principal.hidden_below), asked_format(request, query.format))


def _against_network(
    look: Look, surveillance: Surveillance, principal: Principal, query: FunnelQuery
) -> tuple[dict[str, Any], FunnelTable]:
    require_network_rate(principal)
    known = known_at(look.connection, surveillance, query.as_of)
    definition = read_query(query, principal, known)
    counts = counts_against_all(
        look.connection, definition, query.strata, position=known.past_position
    )
    settings = definition_of(definition, surveillance.rules)
    for name in ("by", "anytime_reference_rate_per_person_year"):
        settings.pop(name)
    standard = {**settings, "baseline": None, "standardise_by": list(query.strata)}
    head = _head(standard, definition, known, surveillance)
    return head, funnel_table(definition, counts)


def _against_baseline(
    look: Look, surveillance: Surveillance, principal: Principal, query: FunnelQuery
) -> tuple[dict[str, Any], FunnelTable]:
    superfluous = sorted(query.model_fields_set & BASELINE_SAYS)
    if superfluous:
        details = tuple(Detail(f"?{name}", "bad_query", LEAVE_OUT) for name in superfluous)
        raise BadQuery("The baseline says this itself.", details=details)
    known = known_at(look.connection, surveillance, None)
    (baseline,) = chosen_baselines(look.connection, [query.baseline or ""], None)
    definition = read_query(query, principal, known)
    facilities = definition.filters.get("facility")
    counts = counts_against_baseline(look, baseline, facilities, definition.end_day)
    head = _head(_settings_of(baseline, definition), definition, known, surveillance)
    return head, funnel_table(definition, counts)


def _settings_of(baseline: Baseline, definition: RateDefinition) -> dict[str, Any]:
    """What shaped the figure where a published rate did."""
    facilities = definition.filters.get("facility")
    return {
        **({"facility": list(facilities)} if facilities else {}),
        "end": day(definition.end_day),
        "per": definition.per,
        "unit": definition.unit,
        "ci": definition.ci,
        "level": definition.level,
        "baseline": {
            "id": baseline.id,
            "version": baseline.version,
            "rate_per_person_year": baseline.value,
            "printed": baseline.printed,
            "population": msgspec.to_builtins(baseline.population),
            "numerator": msgspec.to_builtins(baseline.numerator),
            "denominator_phase": list(baseline.denominator_phase),
            "episodes": baseline.episodes,
            "verified": baseline.verified,
            "caveat": baseline.caveat,
        },
        "standardise_by": [],
    }


def _head(
    settings: dict[str, Any],
    definition: RateDefinition,
    known: KnownState,
    surveillance: Surveillance,
) -> dict[str, Any]:
    head = head_of(definition, known, surveillance.rules)
    limits = {"control_limits": LIMITS_METHOD, "control_limit_levels": list(LEVELS)}
    return {
        "definition": {**settings, **limits},
        "as_of": head["as_of"],
        "unit": head["unit"],
    }
