"""Walk through the patients, holding the events of a few at a time.

In:     the facilities (None: all), a position, and the patient to begin after.
Out:    each patient's events known at the position, in order of receipt.
Source: docs/api-rates.md, what stands behind: a second way to a figure, past the ledger's sums.
"""

from collections.abc import Iterator, Sequence

from service.domain.events import AnyEvent
from service.store import events as event_store
from service.store import merges
from service.store.engine import Connection
from service.store.events import PatientKey

READ_AT_ONCE = 200
"""Patients whose events are held in memory at one time."""


def patients_known(
    connection: Connection,
    facilities: Sequence[str] | None,
    *,
    position: int,
    after: PatientKey | None = None,
) -> Iterator[tuple[PatientKey, list[AnyEvent]]]:
    """Every patient in order of facility and pseudonym."""
    for keys in _batches(connection, facilities, after):
        known = merges.persons(connection, keys, position)
        received = merges.events_of_persons(connection, known, position)
        for key in keys:
            if known.person_of[key] == key:
                yield key, [row.event for row in received[key] if row.position <= position]


def _batches(
    connection: Connection, facilities: Sequence[str] | None, after: PatientKey | None
) -> Iterator[list[PatientKey]]:
    if facilities is None:
        while keys := event_store.patient_keys(connection, after, READ_AT_ONCE):
            yield keys
            after = keys[-1]
        return
    for facility in sorted(facilities):
        if after and facility < after.facility:
            continue
        here = after if after and after.facility == facility else PatientKey(facility, "")
        while keys := [
            key
            for key in event_store.patient_keys(connection, here, READ_AT_ONCE)
            if key.facility == facility
        ]:
            yield keys
            here = keys[-1]
