"""Take FHIR resources in: what each says of whom, recorded as what its source says now.

In:     a `Parcel`, the facility, and the key of its pseudonyms.
Out:    for each interaction what became of it.
Source: docs/fhir.md; docs/decisions/0016-sources-restate.md.

A Patient is a source under its id, and another under its record number: whichever of them later
documents name, the source tells the pseudonym.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain.audit_chain import Actor
from service.domain.restating import Body, Source, Statement
from service.ingest.faults import Fault
from service.ingest.fhir.elements import Issue, Malformed
from service.ingest.fhir.interactions import Interaction, Parcel
from service.ingest.fhir.kinds import read
from service.ingest.fhir.naming import PATIENT, Names
from service.ingest.fhir.people import PersonNamed, record_number, subject_of
from service.ingest.fhir.readings import Reading, Surroundings
from service.ingest.fields import EARLIEST
from service.ingest.pseudonyms import Pseudonyms
from service.pipeline.restating import Outcome, record_sources
from service.pipeline.surveillance import Surveillance
from service.store import sources as source_store
from service.store.events import PatientKey, events_of_patients

HERE: Body = {"type": "demographics", "occurred_on": EARLIEST.isoformat()}
"""What a Patient says under its other name: nothing but that there is such a patient."""


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
    person: PersonNamed | None = None

    @property
    def is_sound(self) -> bool:
        return all(issue.severity != "error" for issue in self.reading.issues)

    @property
    def patient(self) -> PersonNamed | None:
        """The person, where the resource is a Patient."""
        return self.person if self.interaction.kind == PATIENT else None


@dataclass(frozen=True, slots=True)
class _People:
    """Who is known already: of whom sources have spoken, and which pseudonyms have events."""

    names: Names
    patient_of: Mapping[str, str]
    with_events: frozenset[str]

    def pseudonym(self, named: PersonNamed) -> str:
        """By the Patient sent before; else as the documents before it were; else anew."""
        for source in self.names.sources_of(named):
            if source in self.patient_of:
                return self.patient_of[source]
        called = self.names.candidates(named)
        return next((name for name in called if name in self.with_events), called[-1])

    def source(self, one: _Understood) -> Source:
        """What an interaction says, of the patient under the pseudonym."""
        if one.person is None:
            return Source(one.source)
        patient = self.pseudonym(one.person)
        return Source(one.source, tuple(Statement(patient, body) for body in one.reading.bodies))

    def other_name(self, one: _Understood) -> Source | None:
        """A Patient under the record number too, where it has an id of its own."""
        if one.patient is None:
            return None
        *_, name = self.names.sources_of(one.patient)
        told = Source(name, (Statement(self.pseudonym(one.patient), HERE),))
        return None if name == one.source else told

    def is_there_already(self, one: _Understood) -> bool:
        """Was the resource to be created only if there was none of that identifier?"""
        return one.interaction.only_if_new and one.source in self.patient_of

    def remarks(self, one: _Understood) -> tuple[Issue, ...]:
        """That a Patient joins two who were two until now."""
        if one.patient is None:
            return ()
        if len(self.with_events.intersection(self.names.candidates(one.patient))) < 2:
            return ()
        why = "Its id and its number were taken for two patients before. Merge them."
        return (Issue("warning", "duplicate", why, one.interaction.path),)


def take_in(
    surveillance: Surveillance,
    pseudonyms: Pseudonyms,
    facility: str,
    parcel: Parcel,
    actor: Actor,
) -> tuple[tuple[Taken, ...], int]:
    """Record what the resources say; also the position that the ledger has reached."""
    around = Surroundings(parcel.references, surveillance.latest_date_on_earth())
    names = Names(pseudonyms, facility)
    understood = _understand(names, parcel, around)
    people = _people(surveillance, names, understood)
    wanted = [one for one in understood if one.is_sound and not people.is_there_already(one)]
    is_refused = parcel.is_atomic and not all(one.is_sound for one in understood)
    if is_refused:
        wanted = []
    told = [people.source(one) for one in wanted]
    others = [other for one in wanted if (other := people.other_name(one)) is not None]
    recorded = record_sources(
        surveillance, facility, [*told, *others], atomic=parcel.is_atomic, actor=actor
    )
    outcomes = {
        source.name: outcome for source, outcome in zip(told, recorded.outcomes, strict=False)
    }
    faulty = any(outcome.faults for outcome in outcomes.values())
    is_refused = is_refused or (parcel.is_atomic and faulty)
    taken = tuple(
        _taken(one, people, outcomes.get(one.source, Outcome()), is_refused=is_refused)
        for one in understood
    )
    return taken, recorded.position


def _understand(names: Names, parcel: Parcel, around: Surroundings) -> list[_Understood]:
    named = [_named(names, each) for each in parcel.interactions]
    patients = {
        id(each.resource.value): name
        for each, name in named
        if each.resource is not None and each.kind == PATIENT
    }
    return [_read(names, each, name, around, patients) for each, name in named]


def _named(names: Names, interaction: Interaction) -> tuple[Interaction, str]:
    """An interaction and the id of its resource; with its faults where it has none."""
    try:
        return interaction, names.of_resource(interaction)
    except Malformed as fault:
        return replace(interaction, faults=(*interaction.faults, fault.issue)), ""


def _read(
    names: Names,
    interaction: Interaction,
    name: str,
    around: Surroundings,
    patients: Mapping[int, str],
) -> _Understood:
    if interaction.faults:
        return _Understood(interaction, "", "", Reading(issues=interaction.faults))
    source = names.of_source(interaction.kind, name)
    resource = interaction.resource
    if resource is None:
        return _Understood(interaction, name, source, Reading())
    reading = read(resource, around)
    if not reading.bodies:
        return _Understood(interaction, name, source, reading)
    try:
        if interaction.kind == PATIENT:
            about = PersonNamed(record_number(resource), name)
        else:
            about = subject_of(resource, around.references, patients)
    except Malformed as fault:
        return _Understood(interaction, name, source, Reading(issues=(fault.issue,)))
    return _Understood(interaction, name, source, reading, about)


def _people(surveillance: Surveillance, names: Names, understood: Sequence[_Understood]) -> _People:
    spoken_of = {one.person for one in understood if one.person is not None}
    sources = {one.source for one in understood if one.source}
    sources.update(source for person in spoken_of for source in names.sources_of(person))
    called = {
        PatientKey(names.facility, name) for one in spoken_of for name in names.candidates(one)
    }
    with surveillance.database.read() as connection:
        return _People(
            names,
            source_store.patients_of_sources(connection, names.facility, sources),
            frozenset(key.patient for key in events_of_patients(connection, called)),
        )


def _taken(one: _Understood, people: _People, outcome: Outcome, *, is_refused: bool) -> Taken:
    path = one.interaction.resource.path if one.interaction.resource else one.interaction.path
    issues = [*one.reading.issues, *people.remarks(one)]
    issues += [_issue("error", fault, path) for fault in outcome.faults]
    issues += [_issue("warning", fault, path) for fault in outcome.warnings]
    is_faulty = any(issue.severity == "error" for issue in issues)
    return Taken(
        one.interaction,
        one.name,
        is_new=one.source not in people.patient_of,
        is_kept=not (is_faulty or is_refused),
        issues=tuple(dict.fromkeys(issues)),
    )


def _issue(severity: str, fault: Fault, path: str) -> Issue:
    return Issue(severity, "business-rule", fault.message, path)
