"""What each facility had, and was expected to have.

In:     a `RateDefinition` and the strata to hold fixed, or a published rate; a state of knowledge.
Out:    `FacilityCount`s, one for each facility with person-time or a case.
Source: indirect standardisation: Breslow & Day 1987, Statistical Methods in Cancer Research II,
        section 2.3; docs/api-rates.md, funnel.

Against the network itself a facility is expected to have, in each stratum, the network's rate
times its own person-time, so that over all facilities as many are expected as there were. Cases in
a stratum without person-time anywhere (a repeat at another site within an open window) have no
rate to be expected by; no facility is expected to have them.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from service.domain.figures import DENOMINATOR, RateDefinition
from service.errors import BadQuery, Detail, MeasureMismatch
from service.monitors.questions import Question
from service.pipeline.cells import added_up, cells_of
from service.pipeline.look import Look
from service.pipeline.observations import population_filters
from service.pipeline.observed import observed_rate
from service.reference.baselines import Baseline
from service.store.engine import Connection
from service.store.sums import Values

STANDARDISABLE = tuple(name for name in DENOMINATOR if name != "facility")
"""Every day has one value of each, so that strata neither overlap nor leave a day out."""


@dataclass(frozen=True, slots=True)
class FacilityCount:
    """What one facility had, and was expected to have."""

    facility: str
    cases: int
    person_days: int
    expected: float


def counts_against_all(
    connection: Connection,
    definition: RateDefinition,
    standardise_by: Values = (),
    *,
    position: int | None = None,
) -> list[FacilityCount]:
    """Expected by the rate of all of the definition's, stratum by stratum.

    Raises `BadQuery` for strata that overlap or have no person-time of their own.
    """
    for name in standardise_by:
        if name not in STANDARDISABLE:
            message = f"Rates can be standardised by {', '.join(STANDARDISABLE)}."
            raise BadQuery(message, details=(Detail("?standardise_by", "bad_query", message),))
    by = ("facility", *standardise_by)
    cases, person_days = cells_of(connection, definition, by, position)
    cases_of, days_of = added_up(cases, slice(1, None)), added_up(person_days, slice(1, None))
    expected: dict[Values, float] = defaultdict(float)
    for values, at_risk in person_days.items():
        if days_of[values[1:]]:
            expected[values[:1]] += cases_of[values[1:]] * at_risk / days_of[values[1:]]
    cases_here, days_here = added_up(cases, slice(1)), added_up(person_days, slice(1))
    return [
        FacilityCount(key[0], cases_here[key], days_here[key], expected[key])
        for key in cases_here.keys() | {key for key, days in days_here.items() if days}
    ]


def counts_against_baseline(
    look: Look, baseline: Baseline, facilities: Collection[str] | None, end_day: int
) -> list[FacilityCount]:
    """Expected by a published rate, as `GET /v1/comparisons` compares it.

    Raises `MeasureMismatch` for a baseline that is no rate.
    """
    if baseline.measure != "rate":
        message = (
            f"{baseline.id} is a {baseline.measure.replace('_', ' ')}: a funnel holds rates. "
            "Ask for a baseline whose measure is rate, or see `GET /v1/comparisons`."
        )
        raise MeasureMismatch(message, details=(Detail("?baseline", "measure_mismatch", message),))
    counts = []
    for facility in _followed(look.connection, baseline, facilities, end_day):
        series = look.series(Question(baseline), (facility,), end_day)
        observed, expected = observed_rate(baseline, series, end_day)
        counts.append(
            FacilityCount(
                facility, observed.cases, observed.person_days or 0, expected.cases or 0.0
            )
        )
    return counts


def _followed(
    connection: Connection, baseline: Baseline, facilities: Collection[str] | None, end_day: int
) -> list[str]:
    """The facilities with a day of follow-up in the baseline's population."""
    population = population_filters(baseline, facilities)
    everybody = RateDefinition(None, end_day, population, episodes="all", person_time="follow_up")
    _, person_days = cells_of(connection, everybody, ("facility",), None)
    return sorted(values[0] for values, days in person_days.items() if days)
