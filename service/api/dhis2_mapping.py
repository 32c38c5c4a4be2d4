"""The mapping file to DHIS2: which figures go to which data elements and organisation units.

In:     TOML.
Out:    a `Dhis2Mapping`, or a `BadMapping` with every fault and its place.
Source: docs/dhis2.md; DHIS2, Developer guide, "Data values".
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from service.api.filters import resolved
from service.domain.contributions import ANY
from service.domain.figures import DIMENSIONS, PERSON_TIME_OF, RateDefinition
from service.domain.windows import Interval
from service.errors import BadQuery
from service.ingest.fields import broken
from service.ingest.toml_tables import Table, read_table

UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}")
FILTERS = tuple(name for name in DIMENSIONS if name != "facility")

Id = Annotated[str, Field(min_length=1, max_length=50)]
Values = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1, max_length=100),
]


def _known_filters(asked: dict[str, list[str]]) -> dict[str, list[str]]:
    for name in asked:
        if name not in FILTERS:
            raise broken("unknown_name", f"`{name[:64]}` is no filter: {', '.join(FILTERS)}.")
    try:
        resolved(asked)
    except BadQuery as fault:
        said = " ".join(f"{detail.pointer[1:]}: {detail.message}" for detail in fault.details)
        raise broken("unknown_value", said) from None
    return asked


class Dhis2Figure(Table):
    """A rate, of which the cases and the person-days each go to a data element."""

    cases: Id | None = None
    person_days: Id | None = None
    category_option_combo: Id | None = None
    attribute_option_combo: Id | None = None
    filters: Annotated[dict[str, Values], AfterValidator(_known_filters)] = Field(default={})
    episodes: Literal["first", "all"] = "first"
    person_time: Literal["follow_up", "at_risk"] | None = None

    @model_validator(mode="after")
    def _mean_something(self) -> "Dhis2Figure":
        if self.cases is None and self.person_days is None:
            raise broken("missing_field", "Needs `cases`, `person_days`, or both.")
        try:
            self.definition(1, 1, None)
        except BadQuery as fault:
            raise broken("bad_query", fault.message) from None
        return self

    @property
    def ids(self) -> list[str]:
        """Every id in it."""
        found = (self.cases, self.person_days)
        combos = (self.category_option_combo, self.attribute_option_combo)
        return [one for one in (*found, *combos) if one is not None]

    def definition(
        self, start_day: int, end_day: int, facilities: tuple[str, ...] | None
    ) -> RateDefinition:
        """The rate by facility that `GET /v1/rates` answers to the same question."""
        filters = resolved(self.filters)
        if ANY in filters.get("infection_type", ()):
            filters["infection_type"] = (ANY,)
        if facilities is not None:
            filters["facility"] = facilities
        return RateDefinition(
            start_day=start_day,
            end_day=end_day,
            filters=filters,
            by=("facility",),
            episodes=self.episodes,
            person_time=self.person_time or PERSON_TIME_OF[self.episodes],
        )


class Dhis2Mapping(Table):
    """A whole mapping file."""

    period: Interval
    ids: Literal["uid", "code"] = "uid"
    data_set: Id | None = None
    org_units: Annotated[dict[str, Id], Field(min_length=1, max_length=10_000)]
    figure: Annotated[list[Dhis2Figure], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _be_told_apart(self) -> "Dhis2Mapping":
        units = list(self.org_units.values())
        if len(set(units)) < len(units):
            raise broken("told_twice", "Two facilities have one organisation unit.")
        places = [
            (element, figure.category_option_combo, figure.attribute_option_combo)
            for figure in self.figure
            for element in (figure.cases, figure.person_days)
            if element is not None
        ]
        if len(set(places)) < len(places):
            raise broken("told_twice", "Two figures go to one data element and option combination.")
        every = [*units, *([self.data_set] if self.data_set else [])]
        every += [one for figure in self.figure for one in figure.ids]
        wrong = [one for one in every if self.ids == "uid" and not UID.fullmatch(one)]
        if wrong:
            raise broken(
                "not_a_uid",
                f"`{wrong[0]}` is no uid: a letter and ten letters or digits. Say "
                '`ids = "code"` where these are codes.',
            )
        return self


def read_dhis2_mapping(text: str) -> Dhis2Mapping:
    """The mapping in a file; raises `BadMapping` with every fault."""
    return read_table(Dhis2Mapping, text)
