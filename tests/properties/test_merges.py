"""Patients merged are one patient with all events; parted again they were never merged.

In:     random charts under three pseudonyms of a facility, merges and partings between arrivals.
Out:    passes while every figure is that of the persons as they are, and a rebuild finds nothing.
Source: docs/decisions/0014-who-a-patient-is.md.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from service.domain.audit_chain import Actor
from service.domain.events import AnyEvent, encode
from service.domain.figures import RateDefinition
from service.errors import Conflict
from service.ingest.faults import Draft
from service.pipeline.identities import merge, part
from service.pipeline.rates import rate_table
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.store.events import PatientKey
from tests.properties.histories import FIRST_DAY, histories, interleaved, stored
from tests.properties.recorded import empty, recorded
from tests.properties.test_rates_law import law

PATIENTS = tuple(PatientKey("F1", name) for name in ("P1", "P2", "P3"))
ME = Actor("test")
LAST_DAY = FIRST_DAY.toordinal() + 3000
FIGURES = [
    RateDefinition(None, LAST_DAY, by=("transplant_type", "regimen", "infection_type")),
    RateDefinition(
        None, LAST_DAY, by=("phase", "age_group"), episodes="all", person_time="follow_up"
    ),
]


def send(surveillance: Surveillance, events: Iterable[AnyEvent]) -> None:
    drafts = [Draft(place, event, encode(event).decode()) for place, event in enumerate(events)]
    record(surveillance, drafts)


def figures(surveillance: Surveillance, position: int | None = None) -> list[object]:
    """Rates by several dimensions, with the recipients behind them."""
    with surveillance.database.read() as connection:
        return [
            rate_table(connection, asked, position=position, with_recipients=True)
            for asked in FIGURES
        ]


def renamed(events: Sequence[AnyEvent], persons: Mapping[PatientKey, PatientKey]):
    """The same events, each under the pseudonym of its person."""
    return [
        msgspec.structs.replace(event, patient=persons[PatientKey("F1", event.patient)].patient)
        for event in events
    ]


@law
@given(data=st.data())
def test_persons_are_counted_as_they_are(migrated_url: str, data: st.DataObject) -> None:
    cohort = {key: data.draw(histories(*key, max_others=4)) for key in PATIENTS}
    arrived = stored(data.draw(interleaved(cohort)))
    into: dict[PatientKey, PatientKey] = {}
    with recorded(migrated_url) as kept:
        surveillance = kept.surveillance
        left = list(arrived)
        past: list[tuple[int, list[object]]] = []
        while left:
            size = data.draw(st.integers(1, 8))
            send(surveillance, left[:size])
            left = left[size:]
            patient = data.draw(st.sampled_from(PATIENTS))
            if patient in into:
                position = part(surveillance, patient, ME)
                del into[patient]
            else:
                other = data.draw(st.sampled_from([key for key in PATIENTS if key != patient]))
                try:
                    position = merge(
                        surveillance, patient, other, Actor("test"), may_be_unknown=True
                    )
                except Conflict:
                    assert person(other, into) == patient
                    continue
                into[patient] = other
            past.append((position, figures(surveillance)))
        assert rebuild(surveillance).is_clean
        found = figures(surveillance)
        for position, then in past:
            assert figures(surveillance, position) == then
        empty(kept.database)
        send(surveillance, renamed(arrived, {key: person(key, into) for key in PATIENTS}))
        assert figures(surveillance) == found


def person(patient: PatientKey, into: Mapping[PatientKey, PatientKey]) -> PatientKey:
    while patient in into:
        patient = into[patient]
    return patient
