"""Explain a rate: walk the patients behind a cell, recomputing each from the stored events.

In:     a `RateDefinition` of one cell, a position, and where the last page ended.
Out:    `Explanation`, one page; the sums over all pages equal the cell of `service.pipeline.rates`.
Source: docs/api-rates.md. A second way to the same figure: the ledger's sums are not looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from service.domain.explanation import ExplainedPatient, explained
from service.domain.figures import Group, RateDefinition
from service.domain.rules import FollowUpRules
from service.domain.timeline import timeline
from service.errors import BadQuery
from service.store import events as event_store
from service.store.engine import Connection
from service.store.events import PatientKey

READ_AT_ONCE = 200
"""Patients whose events are held in memory at one time."""
MOST_READ = 5_000
"""Patients looked at for one page: a rare cell's page may come short rather than late."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One page of patients, in order; `next_after` is where the next one begins, if there is one.

    `patients_read` counts those looked at, also those with nothing to show.
    """

    patients: dict[PatientKey, ExplainedPatient] = field(default_factory=dict)
    patients_read: int = 0
    next_after: PatientKey | None = None

    @property
    def person_days(self) -> int:
        """Days at risk on this page."""
        return sum(patient.person_days for patient in self.patients.values())

    @property
    def cases(self) -> int:
        """Cases on this page."""
        return sum(patient.cases for patient in self.patients.values())


def explain(
    connection: Connection,
    rules: FollowUpRules,
    definition: RateDefinition,
    *,
    position: int,
    after: PatientKey | None,
    limit: int,
) -> Explanation:
    """The next `limit` patients with a day or a case in the cell, as known at a position."""
    group = definition.total
    if definition.by or group is None:
        raise BadQuery("One cell is explained at a time: put its stratum into the filters.")
    found: dict[PatientKey, ExplainedPatient] = {}
    read = 0
    for key, patient in _walk(connection, rules, definition, group, position, after):
        read += 1
        if patient.courses or patient.cases:
            found[key] = patient
        if len(found) == limit or read == MOST_READ:
            return Explanation(found, read, next_after=key)
    return Explanation(found, read)


def _walk(
    connection: Connection,
    rules: FollowUpRules,
    definition: RateDefinition,
    group: Group,
    position: int,
    after: PatientKey | None,
) -> Iterator[tuple[PatientKey, ExplainedPatient]]:
    """Every patient from `after` on, each worked out anew from the events known at the position."""
    for keys in batches(connection, definition.filters.get("facility"), after):
        received = event_store.events_of_patients(connection, keys)
        for key in keys:
            known = [row.event for row in received.get(key, ()) if row.position <= position]
            yield key, explained(timeline(known, rules), definition, group)


def batches(
    connection: Connection, facilities: Sequence[str] | None, after: PatientKey | None
) -> Iterator[list[PatientKey]]:
    """All patients of the facilities (None: of all) in order of facility and pseudonym."""
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
