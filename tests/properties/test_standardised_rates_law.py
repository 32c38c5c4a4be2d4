"""A population standardised to itself keeps its rate, whatever is held fixed.

In:     random cohorts in a real store; random definitions and strata.
Out:    passes while the network in its own weights has its crude rate and its exact interval, and
        each row is the rate of its facility.
Source: docs/statistics.md, Standardised rate.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.facility_counts import STANDARDISABLE
from service.pipeline.rates import rate_table
from service.pipeline.standardised_rates import standardised_table
from service.stats.rates import DAYS_PER_UNIT, poisson_interval
from tests.properties.histories import cohorts, interleaved, stored
from tests.properties.recorded import recorded
from tests.properties.test_rates_law import definitions, in_batches, law


@law
@given(st.data())
def test_the_network_in_its_own_weights_has_its_own_rate(
    migrated_url: str, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    batches = in_batches(data, stored(data.draw(interleaved(cohort))))
    with recorded(migrated_url) as kept:
        positions = [kept.record(batch) for batch in batches]
        for drawn in data.draw(st.lists(definitions(by=st.just([])), min_size=3, max_size=5)):
            everywhere = {n: of for n, of in drawn.filters.items() if n != "facility"}
            asked = replace(drawn, filters=everywhere, by=("facility",))
            strata = tuple(
                data.draw(
                    st.lists(st.sampled_from(STANDARDISABLE), min_size=1, max_size=3, unique=True)
                )
            )
            position = data.draw(st.sampled_from(positions))
            with kept.database.read() as connection:
                table = standardised_table(connection, asked, "network", strata, position=position)
                rates = rate_table(connection, asked, position=position)
            assert tuple(row.crude for row in table.rows) == rates.rows
            assert sum(table.weights.values()) == pytest.approx(1.0 if table.weights else 0.0)
            total, crude = table.total.standardised, table.total.crude.estimate
            assert not table.total.without_person_time
            assert table.total.left_out_person_days == 0
            if not crude.person_days:
                assert total.rate is None
                continue
            counted = crude.cases - table.total.left_out_cases
            per_case = asked.per * DAYS_PER_UNIT[asked.unit] / crude.person_days
            assert total.rate == pytest.approx(counted * per_case)
            exact = poisson_interval(counted, "exact", asked.level).scaled(per_case)
            assert total.interval.lower == pytest.approx(exact.lower)
            assert total.interval.upper == pytest.approx(exact.upper)
