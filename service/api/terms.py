"""Terms that nobody could read: what waits, and what it is to mean.

In:     `GET|PUT /v1/terms`.
Out:    terms with how often and where they came; a decision, with whom it concerns counted again.
Source: docs/terms.md; docs/decisions/0013-terms-that-wait.md.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.access import Principal
from service.api.dependencies import Operator, SurveillanceDep
from service.api.network_access import require_network
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.api.term_documents import (
    DecidedTerm,
    KindField,
    NewDecision,
    TermList,
    tell_term,
)
from service.domain.terms import KINDS, Meaning
from service.errors import BadQuery, Detail
from service.pipeline.surveillance import Surveillance
from service.pipeline.term_list import State, listed_terms
from service.pipeline.terms import Named, decide_term, meaning_of_name, term_named, term_seen

router = APIRouter(prefix="/v1/terms", tags=["terms"])


@router.get(
    "",
    summary="Terms that nobody could read",
    dependencies=[only_parameters("kind", "state", "facility", "limit", "cursor")],
)
def get_terms(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    principal: Operator,
    kind: Annotated[list[KindField], Query(description="Repeatable.")] = [],  # noqa: B006
    state: Annotated[list[State], Query(description="Repeatable.")] = [],  # noqa: B006
    facility: Annotated[list[str], Query(max_length=100, description="Repeatable.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> TermList:
    """What facilities sent and the vocabulary does not know, with how often it came, and what was
    decided of it; the most frequent first. A key bound to facilities sees what came from them.
    Needs the scope `manage`."""
    after = key_in(cursor, tuple[int, str, str])
    visible = principal.visible(facility)
    with surveillance.database.read() as connection:
        found = listed_terms(connection, visible, kinds=kind or KINDS, states=state)
    keys = [(-term.events, term.kind, term.term_id) for term in found]
    further = [term for key, term in zip(keys, found, strict=True) if after is None or key > after]
    page = further[:limit]
    last = (-page[-1].events, page[-1].kind, page[-1].term_id) if page else None
    following = next_page(request, last if len(further) > limit else None)
    response.headers.update(link_to(following))
    return TermList(items=[tell_term(term) for term in page], next=following)


@router.put(
    "",
    summary="Decide what a term means",
    responses={404: {"description": "No such term waits, or none that this key may see"}},
)
def put_term(body: NewDecision, surveillance: SurveillanceDep, principal: Operator) -> DecidedTerm:
    """The events that wait for it count by it when the answer comes, and those still to come too;
    `as_of` an earlier position all stays as it was. `wait` takes the last decision back. The same
    decision again changes nothing. For the network a key must not be bound to facilities. Needs
    the scope `manage`."""
    if body.facility is None:
        require_network(principal)
    else:
        principal.require_facility(body.facility)
    term = _term(body, surveillance, principal)
    meaning = _meaning(body, term)
    done = decide_term(surveillance, term, meaning, body.facility, principal.actor)
    target = meaning.target if meaning else None
    return DecidedTerm(
        id=term.term_id,
        kind=term.kind,
        decision=body.decision,
        to=target if isinstance(target, str) or target is None else target.name,
        facility=body.facility,
        patients=done.patients,
        position=done.position,
    )


def _term(body: NewDecision, surveillance: Surveillance, principal: Principal) -> Named:
    if body.id is None and body.kind is not None and body.term is not None:
        return term_named(body.kind, body.term)
    if body.id is None or body.kind is not None or body.term is not None:
        raise _wrong("/id", "Name the term by `id` alone, or by `kind` and `term`.")
    with surveillance.database.read() as connection:
        return term_seen(connection, body.id, principal.visible())


def _meaning(body: NewDecision, term: Named) -> Meaning | None:
    if (body.to is None) == (body.decision == "map"):
        raise _wrong("/to", "`to` is needed with `map`, and means nothing without it.")
    if body.decision == "wait":
        return None
    if body.to is not None:
        return meaning_of_name(term.kind, body.to)
    return Meaning("none" if body.decision == "none" else "ignore")


def _wrong(pointer: str, message: str) -> BadQuery:
    return BadQuery(message, details=(Detail(pointer, "bad_decision", message),))
