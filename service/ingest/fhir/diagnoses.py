"""Diagnoses: infections that a clinician names.

In:     Condition.
Out:    `infection` statements of status disease.
Source: ICD-10 (WHO and ICD-10-CM agree on the rubrics used here, except P. jirovecii: B48.5 and
        B59, and A31.2, which is CM's); docs/fhir.md, Diagnoses.
"""

import re

from service.domain.restating import Body
from service.ingest.fhir.elements import Concept, Element, Incomplete
from service.ingest.fhir.readings import Reading, Surroundings, not_used
from service.ingest.fhir.terms import pathogen_of, site_of

ICD_10: tuple[tuple[re.Pattern[str], dict[str, str]], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"A15|A16", {"infection_type": "tuberculosis", "site": "lung"}),
        (r"A17", {"infection_type": "tuberculosis", "site": "cns"}),
        (r"A18|A19", {"infection_type": "tuberculosis"}),
        (r"A31\.?0", {"infection_type": "ntm", "site": "lung"}),
        (r"A31\.?1", {"infection_type": "ntm", "site": "skin_soft_tissue"}),
        (r"A31\.?2", {"organism": "Mycobacterium avium complex", "site": "disseminated"}),
        (r"A31", {"infection_type": "ntm"}),
        (r"A04\.?7", {"organism": "Clostridioides difficile", "site": "gastrointestinal"}),
        (r"A0[0-59]", {"infection_type": "bacterial", "site": "gastrointestinal"}),
        (r"A08", {"infection_type": "viral", "site": "gastrointestinal"}),
        (r"A3[235-9]|A4[26-9]", {"infection_type": "bacterial"}),
        (r"A4[01]|R78\.?81", {"infection_type": "bacterial", "site": "blood"}),
        (r"A43", {"organism": "Nocardia species"}),
        (r"A4[4]", {"infection_type": "bacterial"}),
        (r"B00", {"organism": "Herpes simplex virus"}),
        (r"B01|B02", {"organism": "Varicella-zoster virus"}),
        (r"B25", {"organism": "Cytomegalovirus"}),
        (r"B27\.?0", {"organism": "Epstein-Barr virus"}),
        (r"B34\.?0|B97\.?0", {"organism": "Adenovirus"}),
        (r"B3[34]", {"infection_type": "viral"}),
        (r"B37", {"organism": "Candida species"}),
        (r"B44", {"organism": "Aspergillus species"}),
        (r"B45", {"organism": "Cryptococcus species"}),
        (r"B48\.?5|B59", {"organism": "Pneumocystis jirovecii", "site": "lung"}),
        (r"B3[89]|B4[0-36-9]|B35|B36", {"infection_type": "fungal"}),
        (r"B5[0-8]|B78", {"infection_type": "parasitic"}),
        (r"J1[02]", {"infection_type": "viral", "site": "lung"}),
        (r"J1[345]", {"infection_type": "bacterial", "site": "lung"}),
        (r"U07\.?1", {"organism": "SARS-CoV-2"}),
        (r"T80\.?211", {"infection_type": "unknown", "site": "blood"}),
        (r"N10|N30\.?0|N39\.?0", {"infection_type": "unknown", "site": "urinary_tract"}),
    )
)
CERTAINTIES = {
    "confirmed": "confirmed",
    "": "confirmed",
    "unconfirmed": "possible",
    "provisional": "probable",
    "differential": "possible",
}
NO_INFECTION = re.compile(
    r"\b(?:history|exposure|exposed|contact with|family|risk|immuni[sz]\w*|vaccin\w*|screening"
    r"|latent|carrier|absence|no evidence|ruled out|negative|prophyla\w*|allerg\w*|sequela\w*)\b",
    re.IGNORECASE,
)
SUSPECTED = re.compile(r"\b(?:suspected|possible|probable|presumed)\b", re.IGNORECASE)
KIND = re.compile(r"\b(viral|bacterial|fungal|parasitic)\b", re.IGNORECASE)


def read_condition(condition: Element, _surroundings: Surroundings) -> Reading:
    """An infection, if the diagnosis is one."""
    verified = condition.concept("verificationStatus")
    said = next((coding.code for coding in verified.codings if coding.code), "")
    certainty = CERTAINTIES.get(said)
    if certainty is None:
        return not_used(condition, "The diagnosis was refuted or entered in error.")
    code = condition.concept("code")
    if any(NO_INFECTION.search(text) for text in code.words):
        return not_used(condition, "It names no infection that the patient has.")
    if certainty == "confirmed" and any(SUSPECTED.search(text) for text in code.words):
        certainty = "possible"
    infection = _infection(code)
    if infection is None:
        return not_used(condition, "Of diagnoses only infections are used.")
    onset = condition.day("onsetDateTime") or condition.element("onsetPeriod").day("start")
    onset = onset or condition.day("recordedDate")
    if not onset:
        message = "An infection needs onsetDateTime, onsetPeriod or recordedDate to the day."
        raise Incomplete(f"{condition.path}.onset", message)
    body: Body = {"type": "infection", "occurred_on": onset, "status": "disease", **infection}
    site = site_of(*condition.concepts("bodySite"))
    if site is not None:
        body["site"] = site.name
    if certainty != "confirmed":
        body["certainty"] = certainty
    return Reading((body,))


def _infection(code: Concept) -> Body | None:
    """What is said of an infection: by its ICD-10 rubric, the organism named, or its kind."""
    organism = pathogen_of(code)
    coded = _by_icd_10(code)
    if organism is not None:
        where = {"site": coded["site"]} if coded and "site" in coded else {}
        return {"organism": organism.name, **where}
    if coded is not None:
        return dict(coded)
    for text in code.words:
        kind = KIND.search(text)
        if kind:
            return {"infection_type": kind[1].lower()}
    return None


def _by_icd_10(code: Concept) -> dict[str, str] | None:
    for coding in code.codings:
        if "icd" in coding.system.lower() or "6.90" in coding.system or "6.3" in coding.system:
            for pattern, said in ICD_10:
                if pattern.match(coding.code):
                    return said
    return None
