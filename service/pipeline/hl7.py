"""Take HL7 v2 messages in, one after the other, and say what became of each.

In:     messages, the facility, and the key of its pseudonyms.
Out:    a `Fate` for each; nothing of a message is kept that is answered AE or AR.
Source: docs/hl7.md; docs/decisions/0016-sources-restate.md.
"""

from collections import defaultdict

from service.domain.audit_chain import Actor
from service.domain.restating import Body, Source, Statement
from service.errors import Conflict
from service.ingest.faults import Fault
from service.ingest.hl7.acknowledgement import ACCEPTED, IN_ERROR, REJECTED, Fate
from service.ingest.hl7.faults import Flaw, Refused
from service.ingest.hl7.messages import Asked, Merged, read_message
from service.ingest.hl7.syntax import Message
from service.ingest.pseudonyms import Pseudonyms
from service.pipeline.identities import merge
from service.pipeline.restating import record_sources
from service.pipeline.surveillance import Surveillance
from service.store.events import PatientKey


def take_message(
    surveillance: Surveillance,
    pseudonyms: Pseudonyms,
    facility: str,
    message: Message,
    actor: Actor,
) -> Fate:
    """Record what the message says; committed when this returns."""
    try:
        asked = read_message(message, surveillance.latest_date_on_earth())
        faults, warnings = _record(surveillance, pseudonyms, facility, asked, actor)
        for merged in asked.merged:
            _merge(surveillance, pseudonyms, facility, merged, actor)
    except Refused as refused:
        return Fate(REJECTED if refused.is_rejected else IN_ERROR, (refused.flaw,))
    return Fate(IN_ERROR if faults else ACCEPTED, (*faults, *warnings, *asked.remarks))


def _record(
    surveillance: Surveillance, pseudonyms: Pseudonyms, facility: str, asked: Asked, actor: Actor
) -> tuple[list[Flaw], list[Flaw]]:
    """Record what is said; what is wrong with it, in which case nothing is, and what is odd."""
    if not asked.said:
        return [], []
    patient = pseudonyms.of_patient(facility, asked.number)
    bodies: dict[str, list[Body]] = defaultdict(list)
    places: dict[str, str] = {}
    for said in asked.said:
        name = pseudonyms.of_source(facility, f"hl7-{said.kind}", said.name)
        places.setdefault(name, said.where)
        told = bodies[name]
        told += [body for body in said.bodies if body not in told]
    sources = [
        Source(name, tuple(Statement(patient, body) for body in told))
        for name, told in bodies.items()
    ]
    recorded = record_sources(surveillance, facility, sources, atomic=True, actor=actor)
    outcomes = list(zip(places.values(), recorded.outcomes, strict=True))
    return (
        [_flaw(where, fault, "E") for where, outcome in outcomes for fault in outcome.faults],
        [_flaw(where, fault, "W") for where, outcome in outcomes for fault in outcome.warnings],
    )


def _flaw(where: str, fault: Fault, severity: str) -> Flaw:
    return Flaw(where, "103", fault.message, severity)


def _merge(
    surveillance: Surveillance,
    pseudonyms: Pseudonyms,
    facility: str,
    merged: Merged,
    actor: Actor,
) -> None:
    patient = PatientKey(facility, pseudonyms.of_patient(facility, merged.number))
    into = PatientKey(facility, pseudonyms.of_patient(facility, merged.into))
    if patient == into:
        raise Refused("MRG^1^1", "103", "PID-3 and MRG-1 name the same patient.")
    try:
        merge(surveillance, patient, into, actor, may_be_unknown=True)
    except Conflict as conflict:
        raise Refused("MRG^1^1", "204", str(conflict)) from None
