"""The funnel on a real store: expected is the sum over strata, and a published rate is compared
as everywhere else.
"""

from collections.abc import Iterator

import msgspec
import pytest

from service.domain.events import AnyEvent
from service.domain.figures import RateDefinition
from service.errors import BadQuery, MeasureMismatch
from service.pipeline.comparisons import compare
from service.pipeline.facility_counts import (
    STANDARDISABLE,
    counts_against_all,
    counts_against_baseline,
)
from service.pipeline.funnel import FunnelTable, funnel_table
from service.pipeline.look import Look, look_at
from service.pipeline.rates import rate_table
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline, shipped_baselines
from service.stats.empirical_bayes import NOTHING_EXPECTED, ONE_FACILITY
from service.store.engine import Connection
from tests.integration.test_rates import YEAR, ended, ill, transplanted
from tests.properties.recorded import Recorded, recorded

RATES = [baseline for baseline in shipped_baselines() if baseline.measure == "rate"]


@pytest.fixture
def kept(migrated_url: str) -> Iterator[Recorded]:
    """
    f   p1 NTM on day 10 (11 days at risk), p2 gone on day 99 (100 days)
    g   p3 tuberculosis on day 5, NTM on day 40 (41 days), p4 on day 60 (61 days)
    h   p5 gone on day 0 (1 day)
    """
    with recorded(migrated_url) as kept:
        kept.record([transplanted("p1"), ill("p1", 10), transplanted("p2"), ended("p2", 99)])
        for patient, day in [("p3", 40), ("p4", 60)]:
            kept.record([transplanted(patient, facility="g"), ill_at("g", patient, day)])
        kept.record([ill_at("g", "p3", 5, "tuberculosis")])
        kept.record([transplanted("p5", facility="h")])
        kept.record([ended_at("h", "p5", 0)])
        yield kept


def ill_at(facility: str, patient: str, day: int, infection_type: str = "ntm") -> AnyEvent:
    return msgspec.structs.replace(ill(patient, day, infection_type), facility=facility)


def ended_at(facility: str, patient: str, day: int) -> AnyEvent:
    return msgspec.structs.replace(ended(patient, day), facility=facility)


def asked(**more: object) -> RateDefinition:
    return RateDefinition(
        YEAR.start_day,
        YEAR.end_day,
        {"infection_type": ("ntm",)},
        **more,  # type: ignore[arg-type]
    )


def network_funnel(
    connection: Connection,
    definition: RateDefinition,
    strata: tuple[str, ...] = (),
    position: int | None = None,
) -> FunnelTable:
    counts = counts_against_all(connection, definition, strata, position=position)
    return funnel_table(definition, counts)


def baseline_funnel(
    look: Look,
    definition: RateDefinition,
    baseline: Baseline,
    facilities: tuple[str, ...] | None,
) -> FunnelTable:
    counts = counts_against_baseline(look, baseline, facilities, definition.end_day)
    return funnel_table(definition, counts)


def test_expected_is_the_networks_rate_times_own_person_time(kept: Recorded) -> None:
    with kept.database.read() as connection:
        crude = network_funnel(connection, asked())
        by_phase = network_funnel(connection, asked(), ("phase",))
    days = {"f": 111, "g": 102, "h": 1}
    assert {p.facility: p.estimate.person_days for p in crude.points} == days
    assert {p.facility: p.expected for p in crude.points} == pytest.approx(
        {name: 3 * own / 214 for name, own in days.items()}
    )
    # Days 0-30: 11 + 31, 31 + 31, 1; one case. Days 31-100: 69, 10 + 30, 0; two cases.
    early, late = 1 / 105, 2 / 109
    assert {p.facility: p.expected for p in by_phase.points} == pytest.approx(
        {"f": 42 * early + 69 * late, "g": 62 * early + 40 * late, "h": early}
    )
    f = by_phase.points[0]
    assert f.expected_rate == pytest.approx(f.expected / 111 * 365.25 * 100)
    for table in (crude, by_phase):
        assert (table.total.cases, table.total.expected) == (3, pytest.approx(3.0))


def test_its_cases_and_days_are_those_of_the_rate(kept: Recorded) -> None:
    for how in ({}, {"episodes": "all", "person_time": "at_risk"}):
        by_facility = RateDefinition(
            YEAR.start_day,
            YEAR.end_day,
            {"infection_type": ("ntm",)},
            by=("facility",),
            **how,  # type: ignore[arg-type]
        )
        with kept.database.read() as connection:
            rates = {
                r.stratum["facility"]: r.estimate for r in rate_table(connection, by_facility).rows
            }
            for strata in ((), STANDARDISABLE):
                table = network_funnel(connection, asked(**how), strata)
                assert {p.facility: p.estimate for p in table.points} == rates
                assert table.total.expected == pytest.approx(table.total.cases)


def test_as_it_was_known(kept: Recorded) -> None:
    with kept.database.read() as connection:
        then = network_funnel(connection, asked(), position=4)
        assert [point.facility for point in then.points] == ["f"]
        assert then.points[0].expected == pytest.approx(1.0)
        assert then.points[0].shrunken.reason == ONE_FACILITY
        nobody = network_funnel(connection, asked(), position=0)
        assert (nobody.points, nobody.total.expected, nobody.total_rate.rate) == ((), 0.0, None)
        assert nobody.prior.reason == NOTHING_EXPECTED
        assert nobody.limit_curve == []


@pytest.mark.parametrize("baseline", RATES, ids=lambda baseline: baseline.id)
def test_a_published_rate_is_compared_as_in_comparisons(kept: Recorded, baseline: Baseline) -> None:
    definition = RateDefinition(None, YEAR.end_day)
    with look_at(Surveillance(kept.database)) as look:
        table = baseline_funnel(look, definition, baseline, None)
        for point in table.points:
            (told,) = compare(look, [baseline], (point.facility,), YEAR.end_day)
            assert told.observed is not None
            assert told.expected is not None
            assert point.estimate.cases == told.observed.cases
            assert point.estimate.person_days == told.observed.person_days
            assert point.expected == told.expected.cases
            assert point.found.ratio == (told.ratio.ratio if told.ratio else None)
        own = baseline_funnel(look, definition, baseline, ("g",))
    assert [p.facility for p in own.points] == [
        p.facility for p in table.points if p.facility == "g"
    ]


def test_nobody_ill_and_nobody_there(kept: Recorded) -> None:
    nobody_ill = RateDefinition(YEAR.start_day, YEAR.end_day, {"infection_type": ("fungal",)})
    with kept.database.read() as connection:
        table = network_funnel(connection, nobody_ill)
    assert {p.expected for p in table.points} == {0.0}
    assert {(p.position, p.found.ratio, p.limits, p.p_value) for p in table.points} == {
        (None, None, (), None)
    }
    assert {p.shrunken.ratio for p in table.points} == {None}
    assert (table.total_rate.cases, table.overdispersion.phi) == (0, None)


def test_what_overlaps_is_no_stratum_and_a_share_no_rate(kept: Recorded) -> None:
    share = next(b for b in shipped_baselines() if b.measure == "share")
    with kept.database.read() as connection:
        for name in ("agent", "facility", "organism", "colour"):
            with pytest.raises(BadQuery, match="standardised by"):
                network_funnel(connection, asked(), (name,))
    with (
        look_at(Surveillance(kept.database)) as look,
        pytest.raises(MeasureMismatch, match="funnel holds rates"),
    ):
        baseline_funnel(look, YEAR, share, None)
