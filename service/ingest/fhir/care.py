"""Procedures and encounters: transplants, and days on which a patient was seen.

In:     Procedure, Encounter.
Out:    `transplant` and `follow_up` statements.
Source: docs/fhir.md. ICD-10-PCS: section 0 (medical and surgical), operation Y (transplantation),
        by body part; section 3 (administration), 302 (transfusion) of G bone marrow, X, Y and U
        stem cells, whose last character says from whom; XW0 (new technology) of CAR-T cells.
        Characters of the fourth edition of the tables, FY 2017 and later.
"""

import re
from typing import Any

from service.ingest.fhir.elements import Concept, Element, Incomplete
from service.ingest.fhir.readings import Reading, Surroundings, not_used, warned
from service.ingest.fhir.terms import transplant_type_of
from service.reference.vocabulary import Refusal

ICD_10_PCS = re.compile(r"[0-9A-HJ-NP-Z]{7}")
ORGANS = (
    (re.compile(r"0TY[01]0Z[0-2]"), "kidney"),
    (re.compile(r"0FY00Z[0-2]"), "liver"),
    (re.compile(r"0FYG0Z[0-2]"), "pancreas"),
    (re.compile(r"02YA0Z[0-2]"), "heart"),
    (re.compile(r"0BY[CDFGHJKLM]0Z[0-2]"), "lung"),
    (re.compile(r"0DY[8E]0Z[0-2]"), "intestine"),
    (re.compile(r"0WY20Z[0-2]|0XY[JK]0Z[0-2]|0UY90Z[0-2]"), "vca"),
    (re.compile(r"302[34][03][GXYU]0"), "auto_hsct"),
    (re.compile(r"302[34][03][GXYU][234]"), "allo_hsct"),
    (re.compile(r"3E033U1|3E0J[378]U1"), "islet"),
)
"""Two lungs, or heart and lung on one day, are two codes and join in one course."""

COMPLETED = frozenset({"completed", "in-progress"})
SEEN = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})
WITHDRAWN = "entered-in-error"
CODED = re.compile(r".*(snomed|icd-?10|2\.16\.840\.1\.113883\.6\.(96|90|3)\b).*", re.IGNORECASE)
LONGEST_INDICATION = 64


def read_procedure(procedure: Element, _surroundings: Surroundings) -> Reading:
    """A transplant, if the procedure is one."""
    status = procedure.text("status")
    if status not in COMPLETED:
        return not_used(
            procedure, f"A procedure counts once it is done, not as `{_shown(status)}`."
        )
    code = procedure.concept("code")
    found = _by_icd_10_pcs(code) or _named(code)
    if found is None:
        return not_used(procedure, "Of procedures only transplants are used.")
    if isinstance(found, Refusal):
        why = f"{found.message} Candidates: {', '.join(found.candidates)}."
        return Reading(issues=(warned(f"{procedure.path}.code", why, "multiple-matches"),))
    performed_on = procedure.day("performedDateTime") or procedure.element("performedPeriod").day(
        "start", "end"
    )
    if not performed_on:
        message = "A transplant needs performedDateTime or performedPeriod.start to the day."
        raise Incomplete(f"{procedure.path}.performed", message)
    body: dict[str, Any] = {
        "type": "transplant",
        "occurred_on": performed_on,
        "transplant_type": found,
    }
    indication = _indication(procedure.concepts("reasonCode"))
    if indication:
        body["indication"] = indication
    return Reading((body,))


def read_encounter(encounter: Element, surroundings: Surroundings) -> Reading:
    """The day on which it began, and on which it ended: the patient was there."""
    if encounter.text("status") not in SEEN:
        return not_used(encounter, "Nobody was seen: planned, cancelled or entered in error.")
    period = encounter.element("period")
    days = [day for name in ("start", "end") if (day := period.day(name))]
    if encounter.text("status") != "finished" or (
        days and days[-1] > surroundings.today_latest.isoformat()
    ):
        days = days[:1]
    if not days:
        return not_used(encounter, "Without period.start to the day it is no dated contact.")
    return Reading(tuple({"type": "follow_up", "occurred_on": day} for day in dict.fromkeys(days)))


def _by_icd_10_pcs(code: Concept) -> str | None:
    for coding in code.codings:
        if ICD_10_PCS.fullmatch(coding.code):
            for pattern, name in ORGANS:
                if pattern.fullmatch(coding.code):
                    return name
    return None


def _named(code: Concept) -> str | Refusal | None:
    found = transplant_type_of(code)
    if isinstance(found, Refusal):
        return found if found.code == "ambiguous_term" else None
    return found.name if found else None


def _indication(reasons: tuple[Concept, ...]) -> str:
    """The name of a coded reason; a text of its own may hold anything and is left."""
    return next(
        (
            coding.display[:LONGEST_INDICATION]
            for reason in reasons
            for coding in reason.codings
            if coding.display and CODED.fullmatch(coding.system)
        ),
        "",
    )


def _shown(status: str) -> str:
    return status if re.fullmatch(r"[a-z-]{1,20}", status) else "unknown"
