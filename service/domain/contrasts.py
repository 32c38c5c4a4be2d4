"""Two groups beside each other: who is compared with whom, and what cannot be compared.

In:     a dimension of the time at risk, the values of either side, the strata to hold fixed.
Out:    `Contrast`; the `RateDefinition` that reads both sides at once; whose a stratum's days are.
Source: docs/methods.md 3 and 5; docs/api-rates.md.

A day belongs to one side or to neither. Agents overlap: a day under agents of both sides is
`overlap` and is left out of both, because one case on both sides would be no second case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from service.domain.figures import DENOMINATOR, RateDefinition
from service.errors import BadQuery, Detail

COMPARABLE = (*DENOMINATOR, "agent")
"""Dimensions with person-time of their own; values of the others share one denominator."""

Side = Literal["compare", "reference", "overlap"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Values of one dimension against other values of it, overall or within strata.

    Raises `BadQuery` for a dimension without person-time of its own, a value on both sides, or
    strata that are no partition.
    """

    dimension: str
    compare: tuple[str, ...]
    reference: tuple[str, ...]
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what means nothing, and say what to ask for instead."""
        for parameter, message in _contradictions(self):
            raise BadQuery(message, details=(Detail(f"?{parameter}", "bad_query", message),))

    @property
    def stored(self) -> str:
        """The dimension as the ledger keeps it: agents are read off the regimen."""
        return "regimen" if self.dimension == "agent" else self.dimension

    def reading(self, definition: RateDefinition) -> RateDefinition:
        """The definition whose rows tell both sides; the whole is everybody on either."""
        filters = {**definition.filters, self.dimension: (*self.compare, *self.reference)}
        return replace(definition, filters=filters, by=(self.stored, *self.strata))

    def side_of(self, stratum: Mapping[str, str]) -> Side:
        """Whose the days of a stratum are.

        >>> agents = Contrast("agent", ("sirolimus",), ("tacrolimus",))
        >>> agents.side_of({"regimen": "prednisolone+sirolimus"})
        'compare'
        >>> agents.side_of({"regimen": "sirolimus+tacrolimus"})
        'overlap'
        """
        value = stratum[self.stored]
        values = set(value.split("+")) if self.dimension == "agent" else {value}
        is_compared = not values.isdisjoint(self.compare)
        is_reference = not values.isdisjoint(self.reference)
        if is_compared and is_reference:
            return "overlap"
        return "compare" if is_compared else "reference"


def _contradictions(asked: Contrast) -> list[tuple[str, str]]:
    other = [name for name in asked.strata if name not in DENOMINATOR]
    is_wrong = {
        "no_person_time": asked.dimension not in COMPARABLE,
        "same": not set(asked.compare).isdisjoint(asked.reference),
        "strata": bool(other),
        "own_strata": asked.stored in asked.strata,
    }
    return [(PARAMETER_OF[name], WHAT_TO_ASK[name]) for name, wrong in is_wrong.items() if wrong]


WHAT_TO_ASK: Mapping[str, str] = {
    "no_person_time": (
        "Only groups with person-time of their own can be compared: "
        f"{', '.join(COMPARABLE)}. Infections, organisms, sites and statuses share one "
        "denominator: ask for them as filters."
    ),
    "same": "A value stands on both sides. Compare it with another one.",
    "strata": (
        f"Strata must divide the time at risk: {', '.join(DENOMINATOR)}. Agents overlap, and only "
        "cases have the other dimensions."
    ),
    "own_strata": (
        "Within a stratum of what is compared there is nobody to compare with. Leave it out of "
        "`strata`."
    ),
}
PARAMETER_OF: Mapping[str, str] = {
    "no_person_time": "compare",
    "same": "reference",
    "strata": "strata",
    "own_strata": "strata",
}
