"""What a rate is a rate of: the definition that shapes a figure, and what it cannot mean.

In:     the caller's choices: filters, window, episodes, person-time.
Out:    `RateDefinition`, and the `Group`s of rows it asks for: which days count as time at risk,
        which episodes count as cases.
Source: docs/methods.md 3 to 5; docs/api-rates.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.domain.contributions import ANY, not_at_risk_first, not_at_risk_repeat
from service.domain.episodes import COLONISATION
from service.errors import BadQuery, Detail
from service.reference import INFECTION_TYPES

DENOMINATOR = (
    "facility",
    "transplant_type",
    "indication",
    "age_group",
    "sex",
    "phase",
    "regimen",
)
"""Every day at risk has one value of each of these."""

NUMERATOR = (
    "infection_type",
    "organism",
    "organism_group",
    "site",
    "site_class",
    "status",
    "certainty",
)
"""Only cases have these; rows by them share one denominator."""

DIMENSIONS = (*DENOMINATOR, "agent", *NUMERATOR)
RATED_STATUSES = ("disease", "infection")
"""Counted unless asked otherwise: colonisation is no infection, and mixing them would multiply
rates eightfold (lung transplant NTM: 9.0 isolations, 1.1 disease per 100 person-years)."""

PERSON_TIME_OF: Mapping[str, Literal["follow_up", "at_risk"]] = {
    "first": "at_risk",
    "all": "follow_up",
}
"""The person-time that goes with the episodes, unless asked otherwise."""

FirstOf = Literal["type", "any"]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that share one idea of time at risk.

    Days of follow-up less those in the risk set `taken_out`; the episodes of `infection_types`
    (None: all types), only the first of its type or of any where `first_of` says so.
    """

    infection_type: str
    infection_types: tuple[str, ...] | None
    taken_out: str | None
    first_of: FirstOf | None


@dataclass(frozen=True, slots=True)
class RateDefinition:
    """Every setting that shapes a rate, defaults included.

    `filters` holds the allowed values of each filtered dimension; `start_day` and `end_day` are
    both included; `start_day` None means from the first day of follow-up.
    """

    start_day: int | None
    end_day: int
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    episodes: Literal["first", "all"] = "first"
    person_time: Literal["follow_up", "at_risk"] = "at_risk"
    per: float = 100.0
    unit: Literal["person_years", "person_days"] = "person_years"
    ci: str = "exact"
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what means nothing, and say what to ask for instead."""
        for problem in _contradictions(self):
            raise problem

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses that count."""
        return self.filters.get("status", RATED_STATUSES)

    @property
    def infection_types(self) -> tuple[str, ...]:
        """The types asked for by name; none where any infection counts."""
        return tuple(t for t in self.filters.get("infection_type", ()) if t != ANY)

    @property
    def of_colonisation(self) -> bool:
        """Is colonisation alone asked for? It has its own episodes and its own time at risk."""
        return self.statuses == (COLONISATION,)

    @property
    def additive(self) -> bool:
        """Do the rows add up to the total?"""
        own_time_at_risk = "infection_type" in self.by and self.person_time == "at_risk"
        return "agent" not in self.by and not own_time_at_risk

    @property
    def total(self) -> Group | None:
        """The group over all rows' population; None where such a figure does not exist."""
        if len(self.infection_types) == 1:
            return self._group(self.infection_types[0])
        if self.person_time == "at_risk" and (self.episodes == "all" or self.of_colonisation):
            return None  # each type has its own windows, and its own first colonisation
        if self.infection_types and self.episodes == "all":
            return Group(ANY, self.infection_types, None, None)
        return self._group(ANY)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of rows asked for: one, or one for each infection type."""
        if "infection_type" in self.by:
            return tuple(self._group(name) for name in self.infection_types or INFECTION_TYPES)
        return (self.total,) if self.total else ()

    def _group(self, infection_type: str) -> Group:
        types = None if infection_type == ANY else (infection_type,)
        first_of: FirstOf | None = None
        taken_out = None
        if self.episodes == "first":
            first_of = "any" if infection_type == ANY else "type"
            taken_out = not_at_risk_first(infection_type, colonisation=self.of_colonisation)
        elif self.person_time == "at_risk":
            taken_out = not_at_risk_repeat(infection_type, colonisation=self.of_colonisation)
        return Group(infection_type, types, taken_out, first_of)


def _contradictions(asked: RateDefinition) -> list[BadQuery]:
    several_types = len(asked.infection_types) > 1
    any_type = not asked.infection_types and "infection_type" not in asked.by
    own_time_at_risk = asked.person_time == "at_risk"
    mixed = COLONISATION in asked.statuses and not asked.of_colonisation
    is_wrong = {
        "by": any(name not in DIMENSIONS for name in (*asked.by, *asked.filters)),
        "person_time": asked.episodes == "first" and asked.person_time == "follow_up",
        "infection_type": several_types and own_time_at_risk and "infection_type" not in asked.by,
        "episodes": any_type and asked.episodes == "all" and own_time_at_risk,
        "status": own_time_at_risk
        and (mixed or (asked.of_colonisation and any_type and asked.episodes == "first")),
        "start": asked.start_day is not None and asked.start_day > asked.end_day,
        "level": not 0 < asked.level < 1,
        "per": not asked.per > 0,
    }
    return [
        BadQuery(WHAT_TO_ASK[name], details=(Detail(f"?{name}", "bad_query", WHAT_TO_ASK[name]),))
        for name, wrong in is_wrong.items()
        if wrong
    ]


WHAT_TO_ASK = {
    "by": f"Not a dimension. Known are {', '.join(DIMENSIONS)}.",
    "person_time": (
        "A first episode ends the time at risk, so episodes=first is always person_time=at_risk. "
        "Leave person_time out, or ask for episodes=all."
    ),
    "infection_type": (
        "Each infection type has its own time at risk. Add infection_type to `by`, ask for one "
        "type, or ask for episodes=all with person_time=follow_up."
    ),
    "episodes": (
        "Any infection with episodes=all has no time at risk of its own, because each type has "
        "its own repeat window. Ask for person_time=follow_up, for one infection_type, or add "
        "infection_type to `by`."
    ),
    "status": (
        "Colonisation has its own episodes and its own time at risk. Ask for status=colonisation "
        "and one infection_type alone, or for episodes=all with person_time=follow_up."
    ),
    "start": "The window ends before it starts.",
    "level": "The level must lie between 0 and 1.",
    "per": "`per` must be above 0.",
}
