"""Decide what a term means that nobody could read, and count again whom it concerns.

In:     a term, what it means, and whether for one facility or for the network.
Out:    a ledger that counts the events with the term by it, and the position it has reached.
Source: docs/decisions/0013-terms-that-wait.md; docs/terms.md.

Patients are counted again page after page, each in a transaction of its own, while others write.
A page is a bucket of patients, and the decision holds for a bucket from its position on: at every
position the ledger holds exactly what the events come to by what was decided up to it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import ceil

from service.domain.audit_chain import Actor
from service.domain.contributions import Contributions
from service.domain.findings import Place, Species
from service.domain.terms import Kind, Meaning, Term, shown, term_id
from service.errors import BadQuery, Detail, NotFound
from service.ingest.fields import WAITS
from service.pipeline.counted import counted
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.reference.vocabulary import (
    Agent,
    Organism,
    Refusal,
    Site,
    TransplantType,
    resolve_agent,
    resolve_organism,
    resolve_site,
    resolve_transplant_type,
)
from service.store import audit, ledger, merges, term_decisions, unread_terms
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.events import PatientKey
from service.store.ledger import Posting
from service.store.term_decisions import WAIT, Decision, bucket_of

PATIENTS_AT_ONCE = 500
"""Patients counted again in one transaction, while which nobody else writes."""

Found = Agent | Organism | Site | TransplantType | Refusal
RESOLVERS: Mapping[str, Callable[[str], Found]] = {
    "organism": resolve_organism,
    "agent": resolve_agent,
    "site": resolve_site,
    "transplant_type": resolve_transplant_type,
}


@dataclass(frozen=True, slots=True)
class Named:
    """A term as an operator names it: its id, and how it may be listed."""

    kind: Kind
    term_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What was done: the position reached, and how many patients were counted again."""

    position: int
    patients: int


def meaning_of_name(kind: Kind, name: str) -> Meaning:
    """What a term means that is to be read as another; raises `BadQuery` for an unknown one."""
    found = RESOLVERS[kind](name)
    if isinstance(found, Refusal):
        raise BadQuery(found.message, details=(Detail("/to", found.code, found.message),))
    return Meaning("map", _target(found))


def term_named(kind: Kind, text: str) -> Named:
    """A term by its words, seen or not; raises `BadQuery` where it would never wait."""
    found = RESOLVERS[kind](text)
    if not isinstance(found, Refusal):
        message = f"The vocabulary knows this term: it is {found.name}."
        raise BadQuery(message, details=(Detail("/term", "term_known", message),))
    if found.code != WAITS:
        message = f"This term is refused, and does not wait. {found.message}"
        raise BadQuery(message, details=(Detail("/term", found.code, message),))
    return Named(kind, term_id(Term(kind, text)), shown(text))


def term_seen(connection: Connection, one: str, facilities: Collection[str] | None) -> Named:
    """A term by its id; raises `NotFound` where none came from the facilities (None: any) nor was
    decided for them."""
    for row in unread_terms.sightings(connection, facilities=facilities, term_ids=[one]):
        return Named(row.kind, row.term_id, row.label)  # type: ignore[arg-type]
    for made in term_decisions.decisions_of(connection, [one]):
        if facilities is None or made.facility in facilities:
            return Named(made.kind, made.term_id, made.label)  # type: ignore[arg-type]
    raise NotFound("No term of that id came from anywhere that this key reaches.")


def decide_term(
    surveillance: Surveillance,
    term: Named,
    meaning: Meaning | None,
    facility: str | None,
    actor: Actor,
    patients_at_once: int = PATIENTS_AT_ONCE,
) -> Decided:
    """Let the term mean this from now on, or (None) wait again; what is so already stays so.

    Every decision under way, this one at the end, is carried through to its last patient.
    """
    patients = 0
    with surveillance.write() as connection:
        present = _present(connection, term.term_id, facility)
        position = ledger.head_position(connection)
        if present != meaning:
            reach = unread_terms.patients_with(connection, term.term_id, facility)
            decision = Decision(
                0,
                facility,
                term.term_id,
                term.kind,
                term.label,
                WAIT if meaning is None else meaning.verdict,
                _as_list(meaning),
                actor.name,
                surveillance.clock(),
                max(1, ceil(len(reach) / patients_at_once)),
                [],
            )
            decision = term_decisions.add_decision(connection, decision)
            before = term_decisions.under_way(connection)
            if before is None or before.sequence == decision.sequence:
                position, patients = _next_page(connection, surveillance, decision)
            facts = {
                "facility": facility,
                "kind": term.kind,
                "term": term.term_id,
                "verdict": decision.verdict,
                "to": None if decision.target is None else decision.target[0],
            }
            entry = AuditEntry(surveillance.clock(), actor, "term_decided", facts, position)
            audit.append(connection, [entry])
    further = carry_on(surveillance)
    return Decided(max(position, further.position), patients + further.patients)


def carry_on(surveillance: Surveillance) -> Decided:
    """Carry every decision under way through to its last patient."""
    position = patients = 0
    while True:
        with surveillance.database.read() as connection:
            if term_decisions.under_way(connection) is None:
                return Decided(position, patients)
        with surveillance.write() as connection:
            decision = term_decisions.under_way(connection)
            if decision is not None:
                position, counted_again = _next_page(connection, surveillance, decision)
                patients += counted_again


def _present(connection: Connection, term: str, facility: str | None) -> Meaning | None:
    """The last decision for exactly this facility or, of None, the network."""
    decisions = term_decisions.decisions_of(connection, [term])
    made = [decision for decision in decisions if decision.facility == facility]
    return made[-1].meaning if made else None


def _next_page(
    connection: Connection, surveillance: Surveillance, decision: Decision
) -> tuple[int, int]:
    """Let the decision hold for the next bucket of patients, and post what that changes."""
    bucket, reached = len(decision.positions), ledger.head_position(connection)
    position = reached + 1
    concerned = [
        patient
        for patient in unread_terms.patients_with(connection, decision.term_id, decision.facility)
        if bucket_of(patient, decision.buckets) == bucket
    ]
    before = _held(connection, surveillance, concerned)
    term_decisions.reach(connection, decision, position)
    after = _held(connection, surveillance, concerned)
    postings = [Posting(one, before=before[one], after=after[one]) for one in sorted(after)]
    ledger.post(connection, postings, position)
    ledger.advance(connection, position, surveillance.clock())
    watch(connection, surveillance, postings, reached, position)
    return position, len(concerned)


def _held(
    connection: Connection, surveillance: Surveillance, patients: list[PatientKey]
) -> dict[PatientKey, Contributions]:
    """What each person behind the patients contributes, by what is decided now."""
    known = merges.persons(connection, patients)
    return {
        person: counted(tuple(row.event for row in rows), surveillance.rules).contributions
        for person, rows in merges.events_of_persons(connection, known).items()
    }


def _target(found: Agent | Organism | Site | TransplantType) -> Species | Place | str:
    if isinstance(found, Organism):
        return Species(found.name, found.group, found.infection_type, found.pending)
    if isinstance(found, Site):
        return Place(found.name, found.site_class, found.specimen)
    return found.name


def _as_list(meaning: Meaning | None) -> list[object] | None:
    if meaning is None or meaning.target is None:
        return None
    return [meaning.target] if isinstance(meaning.target, str) else list(meaning.target)
