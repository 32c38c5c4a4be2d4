"""Explain a rate: walk the patients behind a cell, recomputing each from the stored events.

In:     a `RateDefinition` of one cell, a position, and where the last page ended.
Out:    `Explanation`, one page; the sums over all pages equal the cell of `service.pipeline.rates`.
Source: docs/api-rates.md. A second way to the same figure: the ledger's sums are not looked at.
"""

from dataclasses import dataclass, field

from service.domain.explanation import ExplainedPatient, explained
from service.domain.figures import RateDefinition
from service.domain.rules import FollowUpRules
from service.domain.timeline import timeline
from service.errors import BadQuery
from service.pipeline.walk import patients_known
from service.store.engine import Connection
from service.store.events import PatientKey

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
    facilities = definition.filters.get("facility")
    for key, events in patients_known(connection, facilities, position=position, after=after):
        read += 1
        patient = explained(timeline(events, rules), definition, group)
        if patient.courses or patient.cases:
            found[key] = patient
        if len(found) == limit or read == MOST_READ:
            return Explanation(found, read, next_after=key)
    return Explanation(found, read)
