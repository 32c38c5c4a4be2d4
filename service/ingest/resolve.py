"""From a report whose terms are known to an event, with remarks on what may not be meant.

In:     a wire model, and the latest date that it can be anywhere on Earth now.
Out:    the event in canonical terms, and warnings.
Source: docs/api.md; docs/decisions/0005-organism-decides-infection-type.md.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypedDict

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
    Void,
)
from service.ingest.faults import Fault
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
    "site_overrides_specimen": "Site and specimen disagree. The site is kept, and the specimen "
    "beside it.",
    "usual_contaminant": "This organism seldom means disease. If it was isolation without "
    "disease, send a correction with status colonisation.",
}
"""Every warning of the ingest floor by its code; the event is kept."""

TUBERCULOSIS_COMPLEX = "Mycobacterium tuberculosis complex"

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
    return Transplant(
        **_common(report),
        transplant_type=report.transplant_type.name,
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
    return Regimen(**_common(report), agents=_agents(report.agents, warnings))


def _medication(report: MedicationIn, _warnings: Warnings) -> Medication:
    return Medication(**_common(report), agent=report.agent.name, ended_on=report.ended_on)


def _demographics(report: DemographicsIn, _warnings: Warnings) -> Demographics:
    return Demographics(
        **_common(report), birth_year=report.birth_year, sex=report.sex or "unknown"
    )


def _agents(agents: Sequence[Agent], warnings: Warnings) -> tuple[str, ...]:
    names: set[str] = set()
    for place, agent in enumerate(agents):
        if agent.name in names:
            _warn(warnings, f"/agents/{place}", "duplicate_agent")
        names.add(agent.name)
    return tuple(sorted(names))


def _infection(report: InfectionIn, warnings: Warnings) -> Infection:
    return Infection(**_common(report), finding=_finding(report, "", warnings))


def _finding(report: FindingIn, pointer: str, warnings: Warnings) -> Finding:
    organism = report.organism
    infection_type = _infection_type(organism, report.infection_type)
    if report.infection_type not in (None, "unknown", infection_type):
        _warn(warnings, f"{pointer}/infection_type", "infection_type_overridden")
    if organism is not None and organism.pending:
        _warn(warnings, f"{pointer}/organism", "organism_pending")
    if organism is not None and organism.usual_contaminant and report.status != "colonisation":
        _warn(warnings, f"{pointer}/organism", "usual_contaminant")
    where = _where(report.site, report.specimen)
    implied = report.specimen.name if report.specimen else "unknown"
    if where is not None and implied not in ("unknown", where.name):
        _warn(warnings, f"{pointer}/specimen", "site_overrides_specimen")
    specimen = report.specimen or report.site
    return Finding(
        infection_type=infection_type,
        organism=organism.name if organism else None,
        organism_group=_organism_group(organism, infection_type),
        site=where.name if where else "unknown",
        site_class=where.site_class if where else "unknown",
        specimen=specimen.specimen if specimen else None,
        status=report.status or "infection",
        certainty=report.certainty or "confirmed",
        pending=organism.pending if organism else False,
    )


def _infection_type(organism: Organism | None, stated: str | None) -> str:
    if organism is None or (organism.pending and stated == "tuberculosis"):
        return stated or "unknown"
    return organism.infection_type


def _organism_group(organism: Organism | None, infection_type: str) -> str:
    """The group; a mycobacterium called tuberculosis before it is named is of that complex."""
    if organism is not None and organism.pending and infection_type == "tuberculosis":
        return TUBERCULOSIS_COMPLEX
    return organism.group if organism else "unknown"


def _where(site: Site | None, specimen: Site | None) -> Site | None:
    """The site as stated, else as the specimen implies; a site "unknown" states nothing."""
    if site is not None and (site.name != "unknown" or specimen is None):
        return site
    return specimen


def _visit(report: FollowUpIn, warnings: Warnings) -> FollowUpVisit:
    return FollowUpVisit(
        **_common(report),
        agents=None if report.agents is None else _agents(report.agents, warnings),
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
