"""Erase a patient: every trace but the sums, and those are corrected.

In:     a patient, and who asks for it.
Out:    a store that does not know the patient, a ledger that counts nobody for it, alerts
        evaluated again, and an audit trail that cannot say any more who it was.
Source: docs/api.md; GDPR, Article 17.

What the patient contributed is taken back by the one rule of the house: post the difference
between before and nothing.
"""

from service.domain.audit_chain import Actor
from service.domain.contributions import Contributions, contributions
from service.errors import NotFound
from service.pipeline.counted import forget
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.store import audit, erasure, ledger, sources
from service.store import events as event_store
from service.store.audit import AuditEntry
from service.store.events import PatientKey
from service.store.ledger import Posting
from service.store.rebuild_cursor import forget_in_rebuild


def erase(surveillance: Surveillance, patient: PatientKey, actor: Actor) -> int:
    """Erase the patient in one transaction; returns the position the ledger has reached."""
    with surveillance.write() as connection:
        received = event_store.events_of_patients(connection, [patient]).get(patient)
        if not received:
            raise NotFound("No such patient is known.")
        now = surveillance.clock()
        reached = ledger.head_position(connection)
        position = reached + 1
        before = contributions([row.event for row in received], surveillance.rules)
        postings = [Posting(patient, before=before, after=Contributions())]
        ledger.post(connection, postings, position)
        ledger.forget(connection, patient, position)
        event_store.erase_events(connection, patient)
        sources.forget_sources(connection, patient)
        ledger.advance(connection, position, now)
        watch(connection, surveillance, postings, reached, position)
        erasure.forget_in_alerts(connection, patient)
        forget_in_rebuild(connection, patient)
        facts = {"facility": patient.facility}
        entry = AuditEntry(now, actor, "patient_erased", facts, position, (patient,))
        audit.append(connection, [entry])
        audit.forget_salt(connection, patient)
    forget()
    return position
