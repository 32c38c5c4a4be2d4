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
from service.store import audit, erasure, ledger, merges, sources, unread_terms
from service.store import events as event_store
from service.store import moves as move_store
from service.store.audit import AuditEntry
from service.store.events import PatientKey
from service.store.import_rows import forget_in_imports
from service.store.ledger import Posting
from service.store.rebuild_cursor import forget_in_rebuild


def erase(surveillance: Surveillance, patient: PatientKey, actor: Actor) -> int:
    """Erase the patient, under every pseudonym, in one transaction; returns the position that the
    ledger has reached."""
    with surveillance.write() as connection:
        known = merges.persons(connection, [patient])
        ((person, received),) = merges.events_of_persons(connection, known).items()
        if not received:
            raise NotFound("No such patient is known.")
        now = surveillance.clock()
        reached = ledger.head_position(connection)
        position = reached + 1
        before = contributions([row.event for row in received], surveillance.rules)
        postings = [Posting(person, before=before, after=Contributions())]
        ledger.post(connection, postings, position)
        for name in merges.once_one_with(connection, known.of[person]):
            ledger.forget(connection, name, position, only_past=True)
        for name in known.of[person]:
            ledger.forget(connection, name, position)
            event_store.erase_events(connection, name)
            sources.forget_sources(connection, name)
            unread_terms.forget_terms(connection, name)
            move_store.forget_moves(connection, name)
        merges.forget_merges(connection, known.of[person])
        ledger.advance(connection, position, now)
        watch(connection, surveillance, postings, reached, position)
        for name in known.of[person]:
            erasure.forget_in_alerts(connection, name)
            forget_in_imports(connection, name)
            forget_in_rebuild(connection, name)
        facts = {"facility": patient.facility}
        entry = AuditEntry(now, actor, "patient_erased", facts, position, known.of[person])
        audit.append(connection, [entry])
        for name in known.of[person]:
            audit.forget_salt(connection, name)
    forget()
    return position
