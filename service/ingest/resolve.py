"""From a report whose terms are known to an event, with remarks on what may not be meant.

In:     a wire model, and the latest date that it can be anywhere on Earth now.
Out:    the event in canonical terms, and warnings.
Source: docs/api.md; docs/decisions/0005-organism-decides-infection-type.md.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypedDict, TypeVar

import msgspec

from service.domain.events import (
    AnyEvent,
    Demographics,
    Finding,
    FollowUpVisit,
    Infection,
    Medication,
    Outcome,
    Product,
    Regimen,
    Transplant,
    Unread,
    Void,
)
from service.domain.findings import Place, Species, finding_of
from service.domain.terms import UNMAPPED
from service.ingest.faults import Fault
from service.ingest.fields import UnreadTerm
from service.ingest.wire import (
    DemographicsIn,
    FindingIn,
    FollowUpIn,
    InfectionIn,
    MedicationIn,
    OutcomeIn,
    ProductIn,
    RegimenIn,
    ReportIn,
    TransplantIn,
    VoidIn,
)
from service.reference.vocabulary import Agent, Organism, Site

LONG_AGO_YEARS = 10
IMPLAUSIBLE_AGE_YEARS = 100
TERM_WAITS = "term_waits"

WARNINGS = {
    "duplicate_agent": "This is the same agent as another of the list; it is kept once.",
    "implausible_age": f"The recipient would be older than {IMPLAUSIBLE_AGE_YEARS} years. If that "
    "is wrong, send a correction.",
    "infection_type_overridden": "The organism is of another infection type than the one stated. "
    "The organism decides.",
    "long_ago": f"The date is more than {LONG_AGO_YEARS} years back. If that is wrong, send a "
    "correction.",
    "organism_pending": "The organism is not yet identified. Once it is, send the event again "
    "under a new event_id with `replaces` naming this one.",
    "term_waits": "The event is kept; what it says of this term counts once an operator has mapped "
    "it.",
    "site_overrides_specimen": "Site and specimen disagree. The site is kept, and the specimen "
    "beside it.",
    "usual_contaminant": "This organism seldom means disease. If it was isolation without "
    "disease, send a correction with status colonisation.",
}
"""Every warning of the ingest floor by its code; the event is kept."""

Known = TypeVar("Known")
Warnings = list[Fault]


class _Common(TypedDict):
    event_id: str
    facility: str
    patient: str
    occurred_on: date
    replaces: str | None


def event_of(report: ReportIn, today_latest: date) -> tuple[AnyEvent, tuple[Fault, ...]]:
    """The event that a report tells of, and what is odd about it."""
    warnings: Warnings = []
    if not isinstance(report, DemographicsIn) and _is_long_ago(report.occurred_on, today_latest):
        _warn(warnings, "/occurred_on", "long_ago")
    event = _EVENTS[type(report)](report, warnings)
    return event, tuple(warnings)


def _is_long_ago(day: date, today: date) -> bool:
    return (today.year - day.year, today.month, today.day) > (LONG_AGO_YEARS, day.month, day.day)


def _warn(warnings: Warnings, pointer: str, code: str) -> None:
    warnings.append(Fault(pointer, code, WARNINGS[code]))


def _common(report: ReportIn) -> _Common:
    return {
        "event_id": report.event_id,
        "facility": report.facility,
        "patient": report.patient,
        "occurred_on": report.occurred_on,
        "replaces": report.replaces,
    }


def _transplant(report: TransplantIn, warnings: Warnings) -> Transplant:
    field, age_years = _age(report)
    if age_years > IMPLAUSIBLE_AGE_YEARS:
        _warn(warnings, f"/{field}", "implausible_age")
    known, unread_type = _known(report.transplant_type, "/transplant_type", warnings)
    return Transplant(
        **_common(report),
        transplant_type=known.name if known else UNMAPPED,
        unread_type=unread_type,
        indication=report.indication or "unknown",
        birth_year=report.birth_year,
        age_years=report.age_years,
        sex=report.sex or "unknown",
        enrolled_on=report.enrolled_on,
        performed_at=report.performed_at or None,
        performed_in=report.performed_in,
        product=_product(report.product),
    )


def _age(report: TransplantIn) -> tuple[str, int]:
    if report.age_years is not None or report.birth_year is None:
        return "age_years", report.age_years or 0
    return "birth_year", report.occurred_on.year - report.birth_year


def _product(product: ProductIn | None) -> Product:
    if product is None:
        return Product()
    return Product(
        kind=product.kind or None, lot=product.lot or None, supplier=product.supplier or None
    )


def _regimen(report: RegimenIn, warnings: Warnings) -> Regimen:
    agents, unread = _agents(report.agents, warnings)
    return Regimen(**_common(report), agents=agents, unread_agents=unread)


def _medication(report: MedicationIn, warnings: Warnings) -> Medication:
    known, unread = _known(report.agent, "/agent", warnings)
    return Medication(
        **_common(report),
        agent=known.name if known else UNMAPPED,
        ended_on=report.ended_on,
        unread_agents=(unread,) if unread else (),
    )


def _demographics(report: DemographicsIn, _warnings: Warnings) -> Demographics:
    return Demographics(
        **_common(report), birth_year=report.birth_year, sex=report.sex or "unknown"
    )


def _agents(
    agents: Sequence[Agent | UnreadTerm], warnings: Warnings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names: set[str] = set()
    unread: dict[str, None] = {}
    for place, agent in enumerate(agents):
        known, text = _known(agent, f"/agents/{place}", warnings)
        if text is not None:
            unread[text] = None
        if known is not None and known.name in names:
            _warn(warnings, f"/agents/{place}", "duplicate_agent")
        if known is not None:
            names.add(known.name)
    return tuple(sorted(names)), tuple(unread)


def _infection(report: InfectionIn, warnings: Warnings) -> Infection:
    return Infection(**_common(report), finding=_finding(report, "", warnings))


def _finding(report: FindingIn, pointer: str, warnings: Warnings) -> Finding:
    organism, unread_organism = _known(report.organism, f"{pointer}/organism", warnings)
    site, unread_site = _known(report.site, f"{pointer}/site", warnings)
    specimen, unread_specimen = _known(report.specimen, f"{pointer}/specimen", warnings)
    found = finding_of(
        _species(organism),
        report.infection_type,
        _place(site),
        _place(specimen),
        status=report.status or "infection",
        certainty=report.certainty or "confirmed",
    )
    if report.infection_type not in (None, "unknown", found.infection_type):
        _warn(warnings, f"{pointer}/infection_type", "infection_type_overridden")
    if organism is not None and organism.pending:
        _warn(warnings, f"{pointer}/organism", "organism_pending")
    if organism is not None and organism.usual_contaminant and report.status != "colonisation":
        _warn(warnings, f"{pointer}/organism", "usual_contaminant")
    if specimen is not None and specimen.name not in ("unknown", found.site):
        _warn(warnings, f"{pointer}/specimen", "site_overrides_specimen")
    if not (unread_organism or unread_site or unread_specimen):
        return found
    unread = Unread(
        organism=unread_organism,
        is_doubtful=unread_organism is not None and report.while_unread == "waits",
        site=unread_site,
        specimen=unread_specimen,
        known_site=_place(site),
        known_specimen=_place(specimen),
    )
    return msgspec.structs.replace(found, unread=unread)


def _known(
    term: Known | UnreadTerm | None, pointer: str, warnings: Warnings
) -> tuple[Known | None, str | None]:
    """A term that is known, or the words of one that waits, with a remark."""
    if isinstance(term, UnreadTerm):
        warnings.append(Fault(pointer, TERM_WAITS, f"{term.message} {WARNINGS[TERM_WAITS]}"))
        return None, term.text
    return term, None


def _species(organism: Organism | None) -> Species | None:
    if organism is None:
        return None
    return Species(organism.name, organism.group, organism.infection_type, organism.pending)


def _place(site: Site | None) -> Place | None:
    return Place(site.name, site.site_class, site.specimen) if site else None


def _visit(report: FollowUpIn, warnings: Warnings) -> FollowUpVisit:
    agents, unread = _agents(report.agents or (), warnings)
    return FollowUpVisit(
        **_common(report),
        agents=None if report.agents is None else agents,
        unread_agents=unread,
        findings=tuple(
            _finding(finding, f"/infections/{place}", warnings)
            for place, finding in enumerate(report.infections or ())
        ),
    )


def _outcome(report: OutcomeIn, _warnings: Warnings) -> Outcome:
    return Outcome(**_common(report), outcome=report.outcome)


def _void(report: VoidIn, _warnings: Warnings) -> Void:
    return Void(**_common(report), voids=report.voids, reason=report.reason or "")


_EVENTS: dict[type[ReportIn], Callable[[Any, Warnings], AnyEvent]] = {
    TransplantIn: _transplant,
    RegimenIn: _regimen,
    MedicationIn: _medication,
    DemographicsIn: _demographics,
    InfectionIn: _infection,
    FollowUpIn: _visit,
    OutcomeIn: _outcome,
    VoidIn: _void,
}
