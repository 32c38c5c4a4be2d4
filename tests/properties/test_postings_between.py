"""What is read back of others' postings is what they posted, between any two positions.

In:     random cohorts, recorded batch after batch.
Out:    passes while the postings read = the difference of replays up to either position.
Source: docs/methods.md 6; docs/decisions/0012-series-kept-by-the-writer.md.
"""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.contributions import Contributions, contributions
from service.domain.events import AnyEvent
from service.store.events import PatientKey
from service.store.postings import postings_between
from tests.properties.histories import cohorts, interleaved, stored
from tests.properties.recorded import recorded
from tests.properties.test_rates_law import law


@law
@given(cohort=cohorts(), data=st.data())
def test_what_others_posted_is_the_difference_of_two_replays(
    migrated_url: str, cohort: dict[PatientKey, list[AnyEvent]], data: st.DataObject
) -> None:
    arrivals = stored(data.draw(interleaved(cohort)))
    size = data.draw(st.integers(1, 6))
    batches = [arrivals[first : first + size] for first in range(0, len(arrivals), size)]
    with recorded(migrated_url, batches) as book, book.database.read() as connection:
        positions = [0, *range(size, len(arrivals), size), len(arrivals)]
        ends = data.draw(st.tuples(st.sampled_from(positions), st.sampled_from(positions)))
        after, until = sorted(ends)
        told = {one.patient: one for one in postings_between(connection, after, until)}

        patients = {PatientKey(event.facility, event.patient) for event in arrivals}
        for patient in patients:
            was, then = (
                contributions(
                    [e for e in arrivals[:end] if (e.facility, e.patient) == patient], book.rules
                )
                if any((e.facility, e.patient) == patient for e in arrivals[:end])
                else Contributions()
                for end in (after, until)
            )
            if patient not in told:
                assert was == then
                continue
            assert (told[patient].before, told[patient].after) == (was, then)
