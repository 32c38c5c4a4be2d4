"""Each published figure beside the observed one.

In:     `GET /v1/comparisons`.
Out:    observed, expected, ratio or why there is none, e-value; 422 where measures would be mixed.
Source: docs/api-alerts.md; docs/methods.md 7; docs/api-alerts.md.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from service.api.comparison_answers import ComparisonsAnswer, for_key, tell_comparison
from service.api.dependencies import RateReader, SurveillanceDep
from service.api.figures import instant
from service.api.parameters import only_parameters
from service.pipeline.as_of import known_at
from service.pipeline.comparisons import chosen_baselines, compare
from service.pipeline.look import look_at

router = APIRouter(prefix="/v1/comparisons", tags=["baselines"])


@router.get(
    "",
    summary="Each published figure beside what is observed here",
    dependencies=[only_parameters("baseline", "measure", "facility", "proportion_ci", "sir")],
)
def get_comparisons(
    surveillance: SurveillanceDep,
    principal: RateReader,
    baseline: Annotated[
        list[str], Query(max_length=100, description="Baseline ids; without any, all. Repeatable.")
    ] = [],  # noqa: B006 - FastAPI copies it
    measure: Annotated[
        Literal["rate", "cumulative_incidence", "proportion", "share", "cluster"] | None,
        Query(
            description="Only figures of this measure; a named baseline of another measure is "
            "refused with what it can be compared with."
        ),
    ] = None,
    facility: Annotated[
        list[str], Query(max_length=100, description="Facilities; without any, all. Repeatable.")
    ] = [],  # noqa: B006
    proportion_ci: Annotated[
        Literal["exact", "wilson", "jeffreys"],
        Query(
            description="Interval of an observed proportion or share: Clopper-Pearson, Wilson, or "
            "Jeffreys with 0 and 1 as limits for none and all."
        ),
    ] = "exact",
    sir: Annotated[
        Literal["midp", "nhsn_2011"],
        Query(
            description="Rule of observed over expected: `midp`, NHSN's of today (two-sided "
            "mid-P), or `nhsn_2011`, that of its 2011 reports (exact below 15 cases, else Byar "
            "with z = 1.96; one-sided p)."
        ),
    ] = "midp",
) -> ComparisonsAnswer:
    """Up to today, by each figure's own definition: population, numerator, denominator, horizon.

    A rate is compared over matching person-time, a proportion over recipients, a cumulative
    incidence at its horizon, a share among cases; a cluster has no figure, only its rule and its
    open alerts. Measures are never mixed.
    """
    facilities = principal.visible(facility)
    with look_at(surveillance) as look:
        connection = look.connection
        chosen = chosen_baselines(connection, baseline, measure)
        known = known_at(connection, surveillance, None)
        found = compare(
            look,
            chosen,
            facilities,
            known.latest_day.toordinal(),
            proportion_ci=proportion_ci,
            sir=sir,
        )
    return ComparisonsAnswer(
        as_of={
            "position": known.position,
            "recorded_at": instant(known.recorded_at),
            "today": known.latest_day.isoformat(),
        },
        facilities=None if facilities is None else list(facilities),
        items=[for_key(tell_comparison(one), principal.hidden_below) for one in found],
    )
