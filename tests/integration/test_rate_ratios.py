"""Rate ratios on a real store: either side is the rate of the same people and days."""

from collections.abc import Iterator

import pytest

from service.domain.contrasts import Contrast
from service.domain.figures import DENOMINATOR, RateDefinition
from service.pipeline.rate_ratios import rate_ratio_table
from service.pipeline.rates import rate_table
from tests.integration.test_rates import YEAR, ended, ill, on, transplanted
from tests.properties.recorded import Recorded, recorded


@pytest.fixture
def kept(migrated_url: str) -> Iterator[Recorded]:
    """
    p1   f   tacrolimus; NTM on day 10; bacterial on day 20 and, under sirolimus, on day 90
    p2   f   sirolimus; from day 51 with tacrolimus, bacterial on day 60; gone on day 99
    p3   g   tacrolimus; bacterial on day 200
    """
    with recorded(migrated_url) as kept:
        kept.record([transplanted("p1"), on("p1", 0, "tacrolimus"), ill("p1", 10)])
        kept.record([ill("p1", 20, "bacterial"), on("p1", 50, "sirolimus")])
        kept.record([ill("p1", 90, "bacterial")])
        kept.record([transplanted("p2"), on("p2", 0, "sirolimus"), ended("p2", 99)])
        kept.record([on("p2", 50, "sirolimus", "tacrolimus"), ill("p2", 60, "bacterial")])
        kept.record([transplanted("p3", facility="g"), ill("p3", 200, "bacterial")])
        yield kept


@pytest.mark.parametrize("how", [("first", "at_risk"), ("all", "follow_up"), ("all", "at_risk")])
@pytest.mark.parametrize("dimension", DENOMINATOR)
def test_either_side_is_the_rate_of_its_own_filter(
    kept: Recorded, dimension: str, how: tuple[str, str]
) -> None:
    def asked(**filters: tuple[str, ...]) -> RateDefinition:
        bacterial = {"infection_type": ("bacterial",), **filters}
        return RateDefinition(
            YEAR.start_day,
            YEAR.end_day,
            bacterial,
            episodes=how[0],  # type: ignore[arg-type]
            person_time=how[1],  # type: ignore[arg-type]
        )

    with kept.database.read() as connection:
        by_value = RateDefinition(YEAR.start_day, YEAR.end_day, by=(dimension,))
        values = [row.stratum[dimension] for row in rate_table(connection, by_value).rows]
        compare, reference = values[0], values[-1] if len(values) > 1 else "nobody"
        strata = ("phase",) if dimension != "phase" else ("regimen",)
        contrast = Contrast(dimension, (compare,), (reference,), strata)
        table = rate_ratio_table(connection, asked(), contrast)
        for side, value in [(table.total.compare, compare), (table.total.reference, reference)]:
            rate = rate_table(connection, asked(**{dimension: (value,)})).total
            assert rate is not None
            assert side == rate.estimate
    assert table.adjusted is not None
    assert table.total.overlap.person_days == 0


def test_a_case_under_both_agents_is_on_neither_side(kept: Recorded) -> None:
    contrast = Contrast("agent", ("sirolimus",), ("tacrolimus",))
    every = RateDefinition(
        YEAR.start_day,
        YEAR.end_day,
        {"infection_type": ("bacterial",)},
        episodes="all",
        person_time="follow_up",
    )
    with kept.database.read() as connection:
        total = rate_ratio_table(connection, every, contrast).total
    assert (total.overlap.cases, total.overlap.person_days) == (1, 49)
    assert (total.reference.cases, total.reference.person_days) == (1, 51)
    assert total.compare.cases == 1


def test_as_it_was_known(kept: Recorded) -> None:
    contrast = Contrast("agent", ("sirolimus",), ("tacrolimus",))
    asked = RateDefinition(YEAR.start_day, YEAR.end_day, {"infection_type": ("ntm",)})
    with kept.database.read() as connection:
        before = rate_ratio_table(connection, asked, contrast)
    then = kept.record([ill("p2", 5)])
    with kept.database.read() as connection:
        now = rate_ratio_table(connection, asked, contrast)
        again = rate_ratio_table(connection, asked, contrast, position=then - 1)
    assert now.total.compare.cases == before.total.compare.cases + 1
    assert again.total == before.total
