"""Three M. abscessus infections after stem cell injections in Mexico, as three hospitals send them.

In:     nothing.
Out:    `mexico_events()`, 11 events in order of sending: one cluster across three facilities.
Source: Nguyen MH et al., MMWR 2024;73(18):420-422, doi 10.15585/mmwr.mm7318a3.

From the report: three people, embryonic stem cells injected in 2022 at three clinics in three
cities, elbow, meninges and knees, M. abscessus, two isolates subspecies massiliense. Invented:
identifiers, days, ages, the hospitals' and clinics' names, and who reported which spelling.
"""

from collections.abc import Iterator
from typing import Any

TRANSPLANT_TYPE = "stem_cell_injection"
PRODUCT = {"kind": "embryonic stem cells"}


def mexico_events() -> Iterator[dict[str, Any]]:
    """The cluster in order of sending; the first organism is named only by a correction."""
    arizona = {"facility": "mx-traveller-az-1", "patient": "mx-b"}
    denver = {"facility": "mx-traveller-co-1", "patient": "mx-a"}
    rockies = {"facility": "mx-traveller-co-2", "patient": "mx-c"}

    yield _injection(arizona, "2022-04-12", "clinic-baja-1", "psoriatic arthritis", 58, "male")
    acid_fast = {
        "type": "infection",
        "event_id": "mx-b-culture-1",
        **arizona,
        "occurred_on": "2022-07-05",
        "organism": "AFB",
        "specimen": "synovial fluid",
        "status": "disease",
    }
    yield acid_fast
    yield _injection(denver, "2022-10-10", "clinic-baja-2", "multiple sclerosis", 34, "female")
    yield {
        "type": "infection",
        "event_id": "mx-a-culture-1",
        **denver,
        "occurred_on": "2022-11-14",
        "organism": "Mycobacteroides abscessus subsp. massiliense",
        "specimen": "CSF",
        "status": "disease",
    }
    yield _visit(denver, "2022-12-20")
    yield {
        **acid_fast,
        "event_id": "mx-b-culture-2",
        "organism": "Mycobacterium abscessus",
        "replaces": "mx-b-culture-1",
    }
    yield _injection(rockies, "2022-10-24", "clinic-jalisco-1", "joint pain", 61, "male")
    yield {
        "type": "infection",
        "event_id": "mx-c-culture-1",
        **rockies,
        "occurred_on": "2023-03-08",
        "organism": "M. abscessus",
        "specimen": "knee aspirate",
        "status": "disease",
    }
    for who in (arizona, denver, rockies):
        yield _visit(who, "2023-05-15")


def _injection(
    who: dict[str, str], day: str, clinic: str, indication: str, age_years: int, sex: str
) -> dict[str, Any]:
    return {
        "type": "transplant",
        "event_id": f"{who['patient']}-injection",
        **who,
        "occurred_on": day,
        "transplant_type": TRANSPLANT_TYPE,
        "indication": indication,
        "age_years": age_years,
        "sex": sex,
        "performed_at": clinic,
        "performed_in": "MX",
        "product": dict(PRODUCT),
    }


def _visit(who: dict[str, str], day: str) -> dict[str, Any]:
    return {
        "type": "follow_up",
        "event_id": f"{who['patient']}-visit-{day}",
        **who,
        "occurred_on": day,
    }
