"""Terms that wait, as documents.

In:     a `ListedTerm`, and what was done.
Out:    what `/v1/terms` answers, and what it is sent.
Source: docs/terms.md.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.domain.terms import Kind
from service.ingest.fields import LONGEST_TERM, NO_CONTROLS, Identifier
from service.ingest.wire import Strict
from service.pipeline.term_list import ListedTerm
from service.store.term_decisions import Decision

KindField = Literal["organism", "agent", "site", "transplant_type"]
DecisionField = Literal["map", "none", "ignore", "wait"]
Words = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_TERM, pattern=NO_CONTROLS)
]

MAPPED: dict[str, Any] = {
    "kind": "organism",
    "term": "M. absessus grp",
    "decision": "map",
    "to": "M. abscessus",
}


class NewDecision(Strict):
    """What a term is to mean: named by the `id` of the list, or by `kind` and `term`."""

    model_config = ConfigDict(json_schema_extra={"example": MAPPED})

    id: str | None = Field(default=None, max_length=16, description="As `GET /v1/terms` gives it.")
    kind: KindField | None = None
    term: Words | None = Field(
        default=None, description="The words as sent, whether they came already or not."
    )
    decision: DecisionField = Field(
        description="map: it is what `to` says; none: it is nothing of its kind; ignore: it says "
        "nothing; wait: take back what was decided."
    )
    to: Words | None = Field(default=None, description="A known term of the kind; with map alone.")
    facility: Identifier | None = Field(
        default=None, description="For one facility; left out, for the network."
    )


class DecidedTerm(BaseModel):
    """What was done."""

    id: str
    kind: Kind
    decision: DecisionField
    to: str | None = Field(description="The canonical name.")
    facility: str | None
    patients: int = Field(description="Patients counted again.")
    position: int = Field(description="The ledger's position after it.")


class TermAtFacility(BaseModel):
    """How often a term came from a facility, and what it means there."""

    facility: str
    events: int = Field(description="Events received with it, those corrected since included.")
    first_seen: date = Field(description="The day (UTC) on which it was first received.")
    last_seen: date
    decision: DecisionField = Field(description="What holds there; `wait` where nothing does.")
    to: str | None


class TermDecisionDocument(BaseModel):
    """What was decided last, for a facility or (null) for the network."""

    facility: str | None
    decision: DecisionField
    to: str | None
    decided_at: datetime
    decided_by: str
    position: int | None = Field(description="From which position of the ledger on it holds.")
    under_way: bool = Field(
        description="Not all patients are counted by it yet: send the decision again to go on."
    )


class TermDocument(BaseModel):
    """A term that nobody could read when it came."""

    id: str = Field(examples=["5f0c1b7a90d3e246"])
    kind: Kind
    term: str = Field(
        description="One of its spellings; digits that could be a patient's are shown as #.",
        examples=["M. absessus grp"],
    )
    masked: bool
    state: Literal["waiting", "decided"] = Field(description="`waiting` where it waits anywhere.")
    events: int
    first_seen: date | None
    last_seen: date | None
    facilities: list[TermAtFacility]
    decisions: list[TermDecisionDocument]
    candidates: list[str] = Field(description="Known terms that are near; nothing is guessed.")


class TermList(BaseModel):
    """Terms, those with the most events first."""

    items: list[TermDocument]
    next: str | None


def tell_term(term: ListedTerm) -> TermDocument:
    """The document of a term."""
    first, last = term.seen
    return TermDocument(
        id=term.term_id,
        kind=term.kind,  # type: ignore[arg-type]
        term=term.label,
        masked=term.is_masked,
        state=term.state,
        events=term.events,
        first_seen=first,
        last_seen=last,
        facilities=[
            TermAtFacility(
                facility=place.facility,
                events=place.events,
                first_seen=place.first_seen,
                last_seen=place.last_seen,
                decision=decision.verdict if decision else "wait",  # type: ignore[arg-type]
                to=name_of(decision),
            )
            for place in term.places
            for decision in [term.decision_for(place.facility)]
        ],
        decisions=[_tell_decision(decision) for decision in term.decisions.values()],
        candidates=list(term.candidates()),
    )


def name_of(decision: Decision | None) -> str | None:
    """The canonical name that a term was mapped to."""
    return str(decision.target[0]) if decision and decision.target else None


def _tell_decision(decision: Decision) -> TermDecisionDocument:
    return TermDecisionDocument(
        facility=decision.facility,
        decision=decision.verdict,  # type: ignore[arg-type]
        to=name_of(decision),
        decided_at=decision.recorded_at,
        decided_by=decision.actor,
        position=decision.positions[0] if decision.positions else None,
        under_way=decision.is_under_way,
    )
