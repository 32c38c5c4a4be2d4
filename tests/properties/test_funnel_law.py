"""Over all facilities as many cases are expected as there were, whatever is held fixed.

In:     random cohorts in a real store; random definitions and strata.
Out:    passes while nothing is expected twice or lost, and each row is the rate of its facility.
Source: docs/api-rates.md, funnel.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.facility_counts import STANDARDISABLE, counts_against_all
from service.pipeline.rates import rate_table
from tests.properties.histories import cohorts, interleaved, stored
from tests.properties.recorded import recorded
from tests.properties.test_rates_law import definitions, in_batches, law


@law
@given(st.data())
def test_expected_cases_add_up_to_those_observed(migrated_url: str, data: st.DataObject) -> None:
    cohort = data.draw(cohorts())
    batches = in_batches(data, stored(data.draw(interleaved(cohort))))
    with recorded(migrated_url) as kept:
        positions = [kept.record(batch) for batch in batches]
        for asked in data.draw(st.lists(definitions(by=st.just([])), min_size=3, max_size=5)):
            strata = tuple(
                data.draw(st.lists(st.sampled_from(STANDARDISABLE), max_size=3, unique=True))
            )
            position = data.draw(st.sampled_from(positions))
            with kept.database.read() as connection:
                counts = counts_against_all(connection, asked, strata, position=position)
                by_facility = rate_table(
                    connection, replace(asked, by=("facility",)), position=position
                )
                by_strata = rate_table(connection, replace(asked, by=strata), position=position)
            # A case without any person-time in its stratum is expected of nobody.
            rows = by_strata.rows if strata else (by_strata.total,)
            can_be_expected = sum(
                row.estimate.cases for row in rows if row and row.estimate.person_days
            )
            assert sum(count.expected for count in counts) == pytest.approx(can_be_expected)
            assert {c.facility: (c.cases, c.person_days) for c in counts} == {
                row.stratum["facility"]: (row.estimate.cases, row.estimate.person_days)
                for row in by_facility.rows
            }
            if not strata:
                days = sum(count.person_days for count in counts)
                for count in counts:
                    assert count.expected * days == pytest.approx(
                        can_be_expected * count.person_days
                    )
