"""List terms that nobody could read: how often they came, from where, and what was decided.

In:     the facilities to look at (None: all), the kinds and the state asked for.
Out:    `ListedTerm`s, those with the most events first.
Source: docs/terms.md.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from service.domain.terms import KINDS
from service.pipeline.terms import RESOLVERS
from service.reference.vocabulary import Refusal
from service.store.engine import Connection
from service.store.term_decisions import WAIT, Decision, all_decisions
from service.store.unread_terms import Sighting, sightings

State = Literal["waiting", "decided"]
MASK = "#"


@dataclass(frozen=True, slots=True)
class ListedTerm:
    """A term, where it came from, and the last decision for each facility and for the network."""

    kind: str
    term_id: str
    label: str
    places: tuple[Sighting, ...]
    decisions: Mapping[str | None, Decision]

    def decision_for(self, facility: str) -> Decision | None:
        """What holds at a facility; None where the term waits there."""
        return self.decisions.get(facility) or self.decisions.get(None)

    @property
    def events(self) -> int:
        """How many events hold it."""
        return sum(place.events for place in self.places)

    @property
    def seen(self) -> tuple[date | None, date | None]:
        """The first and the last day on which it came; none where it was decided ahead."""
        firsts = [place.first_seen for place in self.places]
        lasts = [place.last_seen for place in self.places]
        return (min(firsts), max(lasts)) if firsts else (None, None)

    @property
    def state(self) -> State:
        """Does it wait anywhere?"""
        waits = any(self.decision_for(place.facility) is None for place in self.places)
        return "waiting" if waits else "decided"

    @property
    def is_masked(self) -> bool:
        """Is part of it not shown?"""
        return MASK in self.label

    def candidates(self) -> tuple[str, ...]:
        """The known terms near it, or what a newer vocabulary says that it is."""
        if self.is_masked:
            return ()
        found = RESOLVERS[self.kind](self.label)
        return found.candidates if isinstance(found, Refusal) else (found.name,)


def listed_terms(
    connection: Connection,
    facilities: Collection[str] | None,
    *,
    kinds: Collection[str] = KINDS,
    states: Collection[str] = (),
    term_ids: Collection[str] | None = None,
) -> list[ListedTerm]:
    """The terms that came from the facilities, or were decided for them ahead."""
    places: dict[str, list[Sighting]] = defaultdict(list)
    for row in sightings(connection, facilities=facilities, kinds=kinds, term_ids=term_ids):
        places[row.term_id].append(row)
    decisions: dict[str, dict[str | None, Decision]] = defaultdict(dict)
    for one in _visible(all_decisions(connection), facilities, places):
        if one.kind in kinds and (term_ids is None or one.term_id in term_ids):
            decisions[one.term_id][one.facility] = one
    found = [_listed(one, places[one], decisions[one]) for one in {*places, *decisions}]
    wanted = (term for term in found if term.places or term.decisions)
    if states:
        wanted = (term for term in wanted if term.state in states)
    return sorted(wanted, key=lambda term: (-term.events, term.kind, term.term_id))


def _listed(
    one: str, places: list[Sighting], decisions: Mapping[str | None, Decision]
) -> ListedTerm:
    first = places[0] if places else next(iter(decisions.values()))
    standing = {where: each for where, each in decisions.items() if each.verdict != WAIT}
    return ListedTerm(first.kind, one, first.label, tuple(places), standing)


def _visible(
    decisions: Iterable[Decision],
    facilities: Collection[str] | None,
    places: Mapping[str, object],
) -> list[Decision]:
    """A decision for the network concerns a facility where the term came from there."""
    return [
        one
        for one in decisions
        if facilities is None
        or one.facility in facilities
        or (one.facility is None and one.term_id in places)
    ]
