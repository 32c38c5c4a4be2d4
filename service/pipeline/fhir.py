"""Take FHIR resources in: what each says of whom, recorded as what its source says now.

In:     a `Parcel`, the facility, and the key of its pseudonyms.
Out:    for each interaction what became of it.
Source: docs/fhir.md; docs/decisions/0016-sources-restate.md.

A resource is known by its id, else by its first identifier, else by its content; a patient by the
record number, else by the id of the Patient. Where only the id is given, the Patient may have been
sent before: the source that it became tells its pseudonym.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain.audit_chain import Actor
from service.domain.restating import Source, Statement
from service.ingest.faults import Fault
from service.ingest.fhir.elements import Element, Issue, Malformed
from service.ingest.fhir.interactions import Interaction, Parcel
from service.ingest.fhir.kinds import read
from service.ingest.fhir.people import PersonNamed, record_number, subject_of
from service.ingest.fhir.readings import Reading, Surroundings
from service.ingest.fhir.references import Identifier
from service.ingest.pseudonyms import Pseudonyms
from service.pipeline.restating import Outcome, record_sources
from service.pipeline.surveillance import Surveillance
from service.store import sources as source_store
from service.store.events import PatientKey, events_of_patients

PATIENT = "Patient"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an interaction: the id under which the resource is known, and remarks."""

    interaction: Interaction
    name: str = ""
    is_new: bool = False
    is_kept: bool = True
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Understood:
    """An interaction with the source it concerns, what it says, and of whom."""

    interaction: Interaction
    name: str
    source: str
    reading: Reading
    person: PersonNamed | None

    @property
    def is_sound(self) -> bool:
        return all(issue.severity != "error" for issue in self.reading.issues)


def take_in(
    surveillance: Surveillance,
    pseudonyms: Pseudonyms,
    facility: str,
    parcel: Parcel,
    actor: Actor,
) -> tuple[tuple[Taken, ...], int]:
    """Record what the resources say; also the position that the ledger has reached."""
    around = Surroundings(parcel.references, surveillance.latest_date_on_earth())
    named = [_named(pseudonyms, facility, each) for each in parcel.interactions]
    patients = {
        id(each.resource.value): name
        for each, name in named
        if each.resource is not None and each.kind == PATIENT
    }
    understood = [
        _understand(pseudonyms, facility, each, name, around, patients) for each, name in named
    ]
    known = _known(surveillance, pseudonyms, facility, understood)
    names = _Names(pseudonyms, facility, known)
    wanted = [one for one in understood if one.is_sound and not names.is_there_already(one)]
    if parcel.is_atomic and not all(one.is_sound for one in understood):
        wanted = []
        is_refused = True
    else:
        is_refused = False
    told = [Source(one.source, names.statements(one)) for one in wanted]
    recorded = record_sources(surveillance, facility, told, atomic=parcel.is_atomic, actor=actor)
    outcomes = {one.source: outcome for one, outcome in zip(wanted, recorded.outcomes, strict=True)}
    is_refused = is_refused or (
        parcel.is_atomic and any(outcome.faults for outcome in outcomes.values())
    )
    taken = tuple(
        _taken(one, outcomes.get(one.source), known, is_refused=is_refused) for one in understood
    )
    return taken, recorded.position


def _named(
    pseudonyms: Pseudonyms, facility: str, interaction: Interaction
) -> tuple[Interaction, str]:
    """An interaction and the id of its resource; with its faults where it has none."""
    try:
        return interaction, _name(pseudonyms, facility, interaction)
    except Malformed as fault:
        return replace(interaction, faults=(*interaction.faults, fault.issue)), ""


def _understand(
    pseudonyms: Pseudonyms,
    facility: str,
    interaction: Interaction,
    name: str,
    around: Surroundings,
    patients: Mapping[int, str],
) -> _Understood:
    if interaction.faults:
        return _Understood(interaction, "", "", Reading(issues=interaction.faults), None)
    source = pseudonyms.of_source(facility, interaction.kind.lower(), name)
    resource = interaction.resource
    if resource is None:
        return _Understood(interaction, name, source, Reading(), None)
    reading = read(resource, around)
    if not reading.bodies:
        return _Understood(interaction, name, source, reading, None)
    try:
        if interaction.kind == PATIENT:
            about = PersonNamed(record_number(resource), name)
        else:
            about = subject_of(resource, around.references, patients)
    except Malformed as fault:
        return _Understood(interaction, name, source, Reading(issues=(fault.issue,)), None)
    return _Understood(interaction, name, source, reading, about)


def _name(pseudonyms: Pseudonyms, facility: str, interaction: Interaction) -> str:
    """The id under which a resource is known here."""
    if interaction.asked is not None:
        return _made_name(pseudonyms, facility, interaction.kind, interaction.asked)
    if interaction.name or interaction.resource is None:
        return interaction.name
    for element in _identifiers(interaction.resource):
        identifier = Identifier.of(element)
        if identifier is not None:
            return _made_name(pseudonyms, facility, interaction.kind, identifier)
    content = _content(interaction.resource)
    return pseudonyms.of_source(facility, "c", f"{interaction.kind} {content}")


def _content(resource: Element) -> str:
    """The resource as text; what JSON cannot mean (a member twice, a thousand digits) is null."""
    try:
        return json.dumps(
            resource.value, sort_keys=True, separators=(",", ":"), default=lambda _: None
        )
    except RecursionError:
        raise Malformed(resource.path, "Nested too deeply.") from None


def _identifiers(resource: Element) -> Sequence[Element]:
    one = resource.value.get("identifier")
    if isinstance(one, dict):
        return [resource.element("identifier")]
    return list(resource.elements("identifier"))


def _made_name(pseudonyms: Pseudonyms, facility: str, kind: str, identifier: Identifier) -> str:
    return pseudonyms.of_source(facility, "i", f"{kind} {identifier.system}|{identifier.value}")


@dataclass(frozen=True, slots=True)
class _Known:
    """Which sources are known and of whom they speak, and which pseudonyms have events."""

    patient_of: Mapping[str, str]
    with_events: frozenset[str]


def _known(
    surveillance: Surveillance,
    pseudonyms: Pseudonyms,
    facility: str,
    understood: Sequence[_Understood],
) -> _Known:
    sources = {one.source for one in understood if one.source}
    by_id = {one.person.resource_id for one in understood if one.person and one.person.resource_id}
    sources |= {pseudonyms.of_source(facility, PATIENT.lower(), name) for name in by_id}
    called = {
        PatientKey(facility, pseudonyms.of_patient(facility, name, PATIENT)) for name in by_id
    }
    with surveillance.database.read() as connection:
        return _Known(
            source_store.patients_of_sources(connection, facility, sources),
            frozenset(key.patient for key in events_of_patients(connection, called)),
        )


@dataclass(frozen=True, slots=True)
class _Names:
    """The pseudonyms of the people that a parcel speaks of."""

    pseudonyms: Pseudonyms
    facility: str
    known: _Known

    def statements(self, one: _Understood) -> tuple[Statement, ...]:
        """What the source says, of the patient under the pseudonym."""
        if one.person is None:
            return ()
        patient = self.of(one.person)
        return tuple(Statement(patient, body) for body in one.reading.bodies)

    def of(self, named: PersonNamed) -> str:
        """As first known: by the Patient sent before, by its id alone, by the record number."""
        if named.resource_id:
            source = self.pseudonyms.of_source(self.facility, PATIENT.lower(), named.resource_id)
            if source in self.known.patient_of:
                return self.known.patient_of[source]
            by_id = self.pseudonyms.of_patient(self.facility, named.resource_id, PATIENT)
            if named.identifier is None or by_id in self.known.with_events:
                return by_id
        assert named.identifier is not None  # noqa: S101 - a person has one name at least
        system, value = named.identifier
        return self.pseudonyms.of_patient(self.facility, value, system)

    def is_there_already(self, one: _Understood) -> bool:
        """Was the resource to be created only if there was none of that identifier?"""
        return one.interaction.only_if_new and one.source in self.known.patient_of


def _taken(one: _Understood, outcome: Outcome | None, known: _Known, *, is_refused: bool) -> Taken:
    path = one.interaction.resource.path if one.interaction.resource else one.interaction.path
    issues = list(one.reading.issues)
    if outcome is not None:
        issues += [_issue("error", fault, path) for fault in outcome.faults]
        issues += [_issue("warning", fault, path) for fault in outcome.warnings]
    is_faulty = any(issue.severity == "error" for issue in issues)
    return Taken(
        one.interaction,
        one.name,
        is_new=one.source not in known.patient_of,
        is_kept=not (is_faulty or is_refused),
        issues=tuple(dict.fromkeys(issues)),
    )


def _issue(severity: str, fault: Fault, path: str) -> Issue:
    return Issue(severity, "business-rule", fault.message, path)
