"""What a caller may ask of a figure, read into the definition that shapes it.

In:     the query of a request, the key's facilities, the ledger's state.
Out:    `Asked`: a `RateDefinition` and the position it speaks for; the head of every answer.
Source: docs/api-rates.md; docs/methods.md 1 (three clocks) and 3 to 5.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from service.api.access import Principal
from service.api.filters import nearest, resolved
from service.api.formats import Format
from service.api.small_cells import require_coarse
from service.domain.contributions import ANY
from service.domain.figures import DIMENSIONS, PERSON_TIME_OF, RateDefinition
from service.domain.rules import FollowUpRules
from service.errors import BadQuery, Detail
from service.pipeline.as_of import KnownState
from service.pipeline.rates import REFERENCE_RATE
from service.reference import (
    AGE_GROUPS,
    CERTAINTIES,
    INFECTION_TYPES,
    PHASES,
    SEXES,
    SITE_CLASSES,
    STATUSES,
)

MOST_VALUES = 100


def _day(value: Any) -> Any:
    """`YYYY-MM-DD` and nothing else, although ISO 8601 knows more."""
    if isinstance(value, str):
        if len(value) != len("YYYY-MM-DD"):
            raise ValueError("a date is written YYYY-MM-DD")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("a date is written YYYY-MM-DD") from None
    return value


def _position_or_instant(text: Any) -> Any:
    """A position is digits; an instant says its offset from UTC."""
    if not isinstance(text, str):
        return text
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    try:
        # An unescaped `+02:00` arrives with a space.
        instant = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError("as_of is a position (digits), or an instant like 2026-01-31T12:00:00Z")
    return instant


CalendarDate = Annotated[date, BeforeValidator(_day)]
AsOf = Annotated[
    int | datetime,
    BeforeValidator(_position_or_instant),
    WithJsonSchema({"type": "string", "examples": ["4211", "2026-01-31T12:00:00Z"]}),
]


def filter_on(description: str, *examples: str, values: Sequence[str] = ()) -> Any:
    """A repeatable filter; a closed list of values is named in OpenAPI."""
    items: dict[str, Any] = {"type": "string", **({"enum": list(values)} if values else {})}
    return Field(
        default=[],
        max_length=MOST_VALUES,
        description=f"{description} Repeatable.",
        json_schema_extra={"items": items, "examples": [list(examples or values[:1])]},
    )


class PopulationQuery(BaseModel):
    """Whose cases and person-time; each filter may be given more than once."""

    model_config = ConfigDict(extra="ignore")  # unknown names are refused with the nearest one

    facility: list[str] = filter_on("Facility.", "ucd-01")
    transplant_type: list[str] = filter_on(
        "Transplant type, any known spelling; several on one day joined by `+`.", "allo-HSCT"
    )
    indication: list[str] = filter_on("Indication, as it was sent.", "AML")
    age_group: list[str] = filter_on("Age at the index date.", values=AGE_GROUPS)
    sex: list[str] = filter_on("Sex.", values=SEXES)
    phase: list[str] = filter_on("Days since the index date.", values=PHASES)
    regimen: list[str] = filter_on(
        "The whole regimen, agents in any known spelling joined by `+`; `none` or `unrecorded`.",
        "CsA+MMF",
    )
    agent: list[str] = filter_on("Any regimen with this agent.", "FK506")
    infection_type: list[str] = filter_on("Infection type.", values=(*INFECTION_TYPES, ANY))
    organism: list[str] = filter_on("Organism, any known spelling, or `unknown`.", "M. abscessus")
    organism_group: list[str] = filter_on("Organism group, or any organism of it.", "MAC")
    site: list[str] = filter_on("Body site or specimen, or `unknown`.", "CSF")
    site_class: list[str] = filter_on("Lung or elsewhere.", values=SITE_CLASSES)
    status: list[str] = filter_on(
        "Status; disease and infection unless asked otherwise.", values=STATUSES
    )
    certainty: list[str] = filter_on("Certainty.", values=CERTAINTIES)
    start: CalendarDate | None = Field(
        default=None, description="First day, included; without it from the first day at risk."
    )
    end: CalendarDate | None = Field(
        default=None, description="Last day, included; today, or the day of `as_of`, at the latest."
    )
    level: float = Field(
        default=0.95, gt=0, lt=1, allow_inf_nan=False, description="Level of the intervals."
    )
    as_of: AsOf | None = Field(
        default=None,
        description="The state of knowledge to speak for: a position of the ledger, or an instant.",
    )
    format: Format | None = Field(
        default=None, description="The format of the answer; wins over `Accept`."
    )

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """The filters in canonical terms; any infection is no filter."""
        found = resolved({name: getattr(self, name) for name in DIMENSIONS})
        if ANY in found.get("infection_type", ()):
            found["infection_type"] = (ANY,)
        return found

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions with a row for each value: none, unless a figure has a `by`."""
        return ()

    @property
    def counting(self) -> dict[str, Any]:
        """How cases and time are counted, where the question does not say: as a rate does."""
        return {}


class CohortQuery(PopulationQuery):
    """Whose cases and person-time, and how counted."""

    episodes: Literal["first", "all"] = Field(
        default="first", description="The first episode of each course, or all of them."
    )
    person_time: Literal["follow_up", "at_risk"] | None = Field(
        default=None,
        description="All follow-up, or only days on which a new episode could begin; `first` is "
        "always `at_risk`, `all` is `follow_up` unless asked otherwise.",
    )
    per: float = Field(
        default=100.0, gt=0, le=1e9, allow_inf_nan=False, description="Cases per so many units."
    )
    unit: Literal["person_years", "person_days"] = Field(
        default="person_years", description="Unit of person-time; a year is 365.25 days."
    )
    ci: Literal["exact", "midp", "byar"] = Field(
        default="exact", description="Method of the interval for one look."
    )

    @property
    def counting(self) -> dict[str, Any]:
        """Episodes, person-time, unit and interval."""
        return {
            "episodes": self.episodes,
            "person_time": self.person_time or PERSON_TIME_OF[self.episodes],
            "per": self.per,
            "unit": self.unit,
            "ci": self.ci,
        }


class FigureQuery(CohortQuery):
    """Every parameter that shapes a rate."""

    by: list[str] = Field(
        default=[],
        max_length=MOST_VALUES,
        description=f"One row for each value of these, joined by commas: {', '.join(DIMENSIONS)}.",
        examples=[["agent,phase"]],
    )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names in `by`, each once."""
        return dimensions_in(self.by)


def dimensions_in(by: Sequence[str]) -> tuple[str, ...]:
    """The names in `by`, each once; raises `BadQuery` for one that is no dimension."""
    names = [name.strip() for part in by for name in part.split(",") if name.strip()]
    faults = [_unknown("?by", name, DIMENSIONS) for name in names if name not in DIMENSIONS]
    if faults:
        raise BadQuery("`by` names what is no dimension.", details=tuple(faults))
    return tuple(dict.fromkeys(names))


def read_query(query: PopulationQuery, principal: Principal, known: KnownState) -> RateDefinition:
    """What is asked, within what the key may see and what was known."""
    require_coarse(
        principal, query.start, query.end, known.latest_day, past=query.as_of is not None
    )
    filters, by = query.filters, query.dimensions
    visible = principal.visible(filters.get("facility"))
    if visible is not None:
        filters["facility"] = visible
    end = min(query.end or known.latest_day, known.latest_day)
    return RateDefinition(
        start_day=query.start.toordinal() if query.start else None,
        end_day=end.toordinal(),
        filters=filters,
        by=by,
        level=query.level,
        **query.counting,
    )


def head_of(definition: RateDefinition, known: KnownState, rules: FollowUpRules) -> dict[str, Any]:
    """What every answer says of itself: definition, as_of, unit, additivity."""
    return {
        "definition": definition_of(definition, rules),
        "as_of": {"position": known.position, "recorded_at": instant(known.recorded_at)},
        "unit": f"per {definition.per:.12g} {definition.unit}",
        "additive": definition.additive,
        "by": list(definition.by),
    }


def instant(recorded_at: datetime | None) -> str | None:
    """An instant as RFC 3339 writes it in UTC."""
    return recorded_at.isoformat().replace("+00:00", "Z") if recorded_at else None


def day(number: int) -> str:
    """A day as `YYYY-MM-DD`."""
    return date.fromordinal(number).isoformat()


def definition_of(definition: RateDefinition, rules: FollowUpRules) -> dict[str, Any]:
    """Every setting that shaped the figure, defaults and rules included."""
    return {
        **{name: list(values) for name, values in definition.filters.items()},
        "infection_type": list(definition.infection_types) or [ANY],
        "status": list(definition.statuses),
        "start": day(definition.start_day) if definition.start_day else None,
        "end": day(definition.end_day),
        "by": list(definition.by),
        "episodes": definition.episodes,
        "person_time": definition.person_time,
        "per": definition.per,
        "unit": definition.unit,
        "ci": definition.ci,
        "level": definition.level,
        "anytime_reference_rate_per_person_year": REFERENCE_RATE,
        "followup_grace_days": rules.followup_grace_days,
        "case_definitions": [
            {
                "infection_type": row.infection_type,
                "organism_group": row.organism_group,
                "repeat_days": row.repeat_days,
                "repeat_rule": row.repeat_rule,
                "same_episode_by": row.same_episode_by,
                "version": row.version,
            }
            for row in rules.case_definitions.rows
            if row.infection_type in (definition.infection_types or INFECTION_TYPES)
        ],
    }


def only_parameters_of(query: type[BaseModel]) -> Any:
    """A dependency that refuses any other parameter by name, with the nearest known one."""

    def refuse(request: Request) -> None:
        require_known(request.query_params, query)

    return Depends(refuse)


def require_known(names: Iterable[str], query: type[BaseModel]) -> None:
    """Raise `BadQuery` for names that are no parameters of the query."""
    known = tuple(query.model_fields)
    faults = [
        _unknown(f"?{name[:64]}", name, known) for name in dict.fromkeys(names) if name not in known
    ]
    if faults:
        noun = "parameter is" if len(faults) == 1 else "parameters are"
        raise BadQuery(f"{len(faults)} {noun} not known here.", details=tuple(faults))


def _unknown(pointer: str, name: str, known: Sequence[str]) -> Detail:
    near = nearest(name, known)
    meant = f"Did you mean: {', '.join(near)}?" if near else f"Known are {', '.join(known)}."
    return Detail(pointer, "unknown_parameter", f"Not known. {meant}")
