"""Names for resources and people: ids that say nothing, sources, pseudonyms.

In:     interactions and people as a facility's systems name them, and its key.
Out:    the id of a resource, the source it is, and what a patient may be called.
Source: docs/fhir.md, Patients; docs/decisions/0016-sources-restate.md.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from service.ingest.fhir.elements import Element, Malformed
from service.ingest.fhir.interactions import Interaction
from service.ingest.fhir.people import PersonNamed
from service.ingest.fhir.references import Identifier
from service.ingest.pseudonyms import Pseudonyms

PATIENT = "Patient"


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a facility's resources and people are given here."""

    pseudonyms: Pseudonyms
    facility: str

    def of_resource(self, interaction: Interaction) -> str:
        """The id under which a resource is known: its own, else by identifier, else by content."""
        if interaction.asked is not None:
            return self._made(interaction.kind, interaction.asked)
        if interaction.name or interaction.resource is None:
            return interaction.name
        for element in _identifiers(interaction.resource):
            identifier = Identifier.of(element)
            if identifier is not None:
                return self._made(interaction.kind, identifier)
        told = f"{interaction.kind} {_content(interaction.resource)}"
        return self.pseudonyms.of_source(self.facility, "c", told)

    def of_source(self, kind: str, name: str) -> str:
        """The source that a resource is."""
        return self.pseudonyms.of_source(self.facility, kind.lower(), name)

    def sources_of(self, named: PersonNamed) -> list[str]:
        """The sources that a Patient of these names would be: by its id, by its number."""
        names = [named.resource_id] if named.resource_id else []
        if named.identifier is not None:
            names.append(self._made(PATIENT, named.identifier))
        return [self.of_source(PATIENT, name) for name in names]

    def candidates(self, named: PersonNamed) -> list[str]:
        """What documents may have called the patient; the last is the name that is given anew.

        A record number is one however it comes, by HL7 v2 too; any other only within its system.
        """
        found = []
        if named.resource_id:
            found.append(self.pseudonyms.of_patient(self.facility, named.resource_id, PATIENT))
        if named.identifier is not None:
            system, value, is_record = named.identifier
            found.append(self.pseudonyms.of_patient(self.facility, value, system))
            if is_record:
                found.append(self.pseudonyms.of_patient(self.facility, value))
        return found

    def _made(self, kind: str, identifier: Identifier) -> str:
        told = f"{kind} {identifier.system}|{identifier.value}"
        return self.pseudonyms.of_source(self.facility, "i", told)


def _identifiers(resource: Element) -> Sequence[Element]:
    if isinstance(resource.value.get("identifier"), dict):
        return [resource.element("identifier")]
    return list(resource.elements("identifier"))


def _content(resource: Element) -> str:
    """The resource as text; what JSON cannot mean (a member twice, a thousand digits) is null."""
    try:
        return json.dumps(
            resource.value, sort_keys=True, separators=(",", ":"), default=lambda _: None
        )
    except RecursionError:
        raise Malformed(resource.path, "Nested too deeply.") from None
