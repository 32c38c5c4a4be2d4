"""Under any repeat window the rate is what counting day by day under it says.

In:     random cohorts in a real store; any window and rule; the auditor's `day_by_day`.
Out:    passes while counting again = counting by hand, and the window in force = the ledger.
Source: docs/methods.md 4; docs/api-rates.md.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.figures import RateDefinition
from service.domain.repeat_windows import RepeatWindow
from service.pipeline.rates import rate_table
from service.pipeline.repeat_windows import rates_under
from tests.properties.day_by_day import CASE_DEFINITIONS
from tests.properties.histories import cohorts, interleaved, stored
from tests.properties.recorded import recorded
from tests.properties.test_rates_law import (
    Figure,
    by_hand,
    definitions,
    figures_by_hand,
    in_batches,
    law,
)

TYPES = ("bacterial", "ntm", "viral", "unknown")
windows = st.builds(
    RepeatWindow, st.sampled_from(("fixed", "rolling")), st.sampled_from((1, 2, 14, 30, 60, 365))
)


@st.composite
def of_one_type(draw: st.DrawFn) -> RateDefinition:
    asked = draw(definitions(by=st.just([])))
    filters = {
        name: values
        for name, values in asked.filters.items()
        if name not in ("infection_type", "organism_group")
    }
    infection_type = draw(st.sampled_from(TYPES))
    return replace(asked, filters={**filters, "infection_type": (infection_type,)})


@law
@given(st.data())
def test_every_window_is_what_counting_day_by_day_under_it_says(
    migrated_url: str, data: st.DataObject
) -> None:
    cohort = data.draw(cohorts())
    with recorded(migrated_url, [stored(data.draw(interleaved(cohort)))]) as kept:
        asked = data.draw(of_one_type())
        (infection_type,) = asked.infection_types
        tried = data.draw(st.lists(windows, min_size=1, max_size=3, unique=True))
        with kept.database.read() as connection:
            found = rates_under(connection, kept.rules, asked, tried, position=10**9)
    assert {one.window for one in found} >= set(tried)
    for one in found:
        usual = CASE_DEFINITIONS[infection_type]
        varied = usual._replace(
            repeat_days=one.window.repeat_days, repeat_rule=one.window.repeat_rule
        )
        hand = by_hand(cohort, {**CASE_DEFINITIONS, infection_type: varied})
        over_all = figures_by_hand(hand, asked, infection_type, ())
        counted = over_all.get((), Figure(0, 0, 0))
        estimate = one.row.estimate
        assert (estimate.cases, estimate.person_days) == (counted.cases, counted.person_days)
        assert one.in_force == (varied == usual)


@law
@given(st.data())
def test_the_window_in_force_is_the_ledgers_rate(migrated_url: str, data: st.DataObject) -> None:
    cohort = data.draw(cohorts())
    batches = in_batches(data, stored(data.draw(interleaved(cohort))))
    with recorded(migrated_url) as kept:
        positions = [kept.record(batch) for batch in batches]
        for asked in data.draw(st.lists(of_one_type(), min_size=2, max_size=4)):
            position = data.draw(st.sampled_from(positions))
            with kept.database.read() as connection:
                table = rate_table(connection, asked, position=position)
                found = rates_under(connection, kept.rules, asked, [], position=position)
            (in_force,) = found
            assert in_force.in_force
            assert in_force.row == table.total
