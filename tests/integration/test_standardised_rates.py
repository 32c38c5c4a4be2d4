"""Standardised rates on a real store: whose days are the standard, and what is left out."""

from service.domain.figures import RateDefinition
from service.pipeline.standardised_rates import standardised_table
from service.reference.standard_populations import standard_populations
from tests.integration.test_funnel import asked, kept
from tests.properties.recorded import Recorded

__all__ = ["kept"]


def test_the_network_is_all_facilities_whoever_is_asked_for(kept: Recorded) -> None:
    by_facility = asked(by=("facility",))
    filters = {**by_facility.filters, "facility": ("g",)}
    of_g = RateDefinition(by_facility.start_day, by_facility.end_day, filters, ("facility",))
    with kept.database.read() as connection:
        everywhere = standardised_table(connection, by_facility, "network", ("phase",))
        there = standardised_table(connection, of_g, "network", ("phase",))
    # f 11 + 100, g 41 + 61 and h 1 day at risk; after day 30: f 69, g 10 + 30.
    assert there.weights == everywhere.weights == {("0-30",): 105 / 214, ("31-100",): 109 / 214}
    assert [
        row.standardised for row in everywhere.rows if row.crude.stratum["facility"] == "g"
    ] == [there.rows[0].standardised]
    h = everywhere.rows[2]
    assert (h.standardised.rate, h.without_person_time) == (None, (("31-100",),))


def test_unknown_age_has_no_place_in_a_published_standard(kept: Recorded) -> None:
    with kept.database.read() as connection:
        table = standardised_table(connection, asked(), "who_2000_2025", ("age_group",))
    left_out = (table.total.left_out_cases, table.total.left_out_person_days)
    counts = table.total.crude.estimate
    assert set(table.total.without_person_time) == {
        (name,) for name in standard_populations()["who_2000_2025"].shares
    }
    assert left_out == (counts.cases, counts.person_days)
