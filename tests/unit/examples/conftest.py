"""Example events turned into the domain's, and counted by the rules of the house.

In:     wire events of `service.examples`; `spellings`, read backwards.
Out:    `contributions`: a patient's wire events to what the patient contributes to the ledger.
Source: docs/api.md; the real vocabulary is asked in test_spellings.py only, so that a wrong
        spelling and a wrong rate fail in different tests.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest

from service.domain import contributions as ledger
from service.domain.events import (
    AnyEvent,
    Finding,
    FollowUpVisit,
    Infection,
    Outcome,
    Regimen,
    Transplant,
    Void,
)
from service.domain.rules import FollowUpRules
from service.examples.spellings import (
    AGENTS,
    JOINT,
    NOT_YET_IDENTIFIED,
    ORGANISMS,
    SPECIMENS,
    TRANSPLANT_TYPES,
)

AGENT_OF = {text: name for name, spelled in AGENTS.items() for text in spelled}
TYPE_OF = {text: name for name, spelled in TRANSPLANT_TYPES.items() for text in spelled}
ORGANISM_OF = {
    text: (organism.name, "ntm" if cause == "ntm_colonisation" else cause)
    for cause, organisms in ORGANISMS.items()
    for organism in organisms
    for text in organism.spellings
}
SITE_OF = {
    text: pool[0]
    for pool in [JOINT, *(found.spellings for of_cause in SPECIMENS.values() for found in of_cause)]
    for text in pool
}


def _finding(wire: dict[str, Any]) -> Finding:
    text = wire.get("organism")
    name, infection_type = ORGANISM_OF.get(text, (None, "unknown"))
    assert text is None or name or text in NOT_YET_IDENTIFIED
    return Finding(
        infection_type=wire.get("infection_type", infection_type),
        organism=name,
        organism_group=name or "unknown",
        site=SITE_OF.get(wire.get("specimen"), "unknown"),
        status=wire.get("status", "infection"),
        certainty=wire.get("certainty", "confirmed"),
        pending=text in NOT_YET_IDENTIFIED,
    )


def _agents(wire: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(AGENT_OF[text] for text in wire["agents"]))


def _transplant(said: dict[str, Any], wire: dict[str, Any]) -> Transplant:
    return Transplant(
        **said,
        transplant_type=TYPE_OF.get(wire["transplant_type"], wire["transplant_type"]),
        indication=wire.get("indication", "unknown"),
        enrolled_on=date.fromisoformat(wire["enrolled_on"]) if "enrolled_on" in wire else None,
    )


BUILD: dict[str, Callable[[dict[str, Any], dict[str, Any]], AnyEvent]] = {
    "transplant": _transplant,
    "regimen": lambda said, wire: Regimen(**said, agents=_agents(wire)),
    "infection": lambda said, wire: Infection(**said, finding=_finding(wire)),
    "follow_up": lambda said, wire: FollowUpVisit(
        **said,
        agents=_agents(wire) if "agents" in wire else None,
        findings=tuple(_finding(found) for found in wire.get("infections", ())),
    ),
    "outcome": lambda said, wire: Outcome(**said, outcome=wire["outcome"]),
    "void": lambda said, wire: Void(**said, voids=wire["voids"]),
}


def _event(wire: dict[str, Any]) -> AnyEvent:
    said = {key: wire[key] for key in ("event_id", "facility", "patient")}
    said["occurred_on"] = date.fromisoformat(wire["occurred_on"])
    return BUILD[wire["type"]](said | {"replaces": wire.get("replaces")}, wire)


@pytest.fixture(scope="session")
def contributions() -> Callable[..., list[ledger.Contributions]]:
    """Each patient's contributions, from everybody's wire events in order of sending."""

    def count(
        wire_events: Iterable[dict[str, Any]], rules: FollowUpRules | None = None
    ) -> list[ledger.Contributions]:
        received: dict[tuple[str, str], list[AnyEvent]] = defaultdict(list)
        for wire in wire_events:
            received[wire["facility"], wire["patient"]].append(_event(wire))
        return [
            ledger.contributions(events, rules or FollowUpRules()) for events in received.values()
        ]

    return count
