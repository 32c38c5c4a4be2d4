"""The explorer's form: every parameter of a rate, in groups, each with what may be chosen.

In:     the API's own description of its parameters.
Out:    `Group`s of `Field`s, filled in with what is asked.
Source: `service.api.rates`; a parameter that the API gains is missing here until a test says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from service.api.rates import RatesQuery, SeriesQuery
from service.dashboard import words
from service.domain.figures import DENOMINATOR, DIMENSIONS, NUMERATOR

Kind = Literal["choose", "tick", "type", "date"]


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter: what it is called and does, and what is asked now.

    `tick` takes several of its options, `choose` one of them; `type` takes any text, and offers
    its options.
    """

    name: str
    label: str
    help: str
    kind: Kind
    options: tuple[Option, ...] = ()
    value: str = ""

    @property
    def chosen(self) -> str:
        """What is asked, in words; empty where nothing is."""
        if self.kind == "type":
            return self.value
        return ", ".join(one.label for one in self.options if one.is_chosen and one.value)


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that belong together."""

    title: str
    fields: tuple[Field, ...]

    @property
    def is_asked(self) -> bool:
        """Is any of them asked?"""
        return any(field.chosen or field.value for field in self.fields)


def fill_in(
    group: Group, asked: Mapping[str, Sequence[str]], known: Mapping[str, Sequence[str]]
) -> Group:
    """The group with what is asked; `known` are values to offer beside those of the vocabulary."""
    return replace(group, fields=tuple(_filled(one, asked, known) for one in group.fields))


def _filled(
    field: Field, asked: Mapping[str, Sequence[str]], known: Mapping[str, Sequence[str]]
) -> Field:
    values = asked.get(field.name, ())
    offered = tuple(Option(value, words.term(value)) for value in known.get(field.name, ()))
    options = tuple(
        replace(one, is_chosen=one.value in values) for one in (*field.options, *offered)
    )
    return replace(field, options=options, value="; ".join(values))


def _help(name: str) -> str:
    found = SeriesQuery.model_fields.get(name) or RatesQuery.model_fields[name]
    text = found.description or ""
    return text.replace("Repeatable.", "Several: divided by semicolons.").replace("`", "")


def _options(values: Sequence[str], first: str | None = None) -> tuple[Option, ...]:
    named = tuple(Option(value, words.term(value)) for value in values)
    return named if first is None else (Option("", first), *named)


def _filter(name: str) -> Field:
    extra = RatesQuery.model_fields[name].json_schema_extra
    items = extra["items"] if isinstance(extra, dict) else {}
    values = items.get("enum", ()) if isinstance(items, dict) else ()
    label = words.dimension(name)
    if isinstance(values, list | tuple) and values:
        terms = [str(value) for value in values]
        about = _help(name).replace(" Several: divided by semicolons.", "")
        return Field(name, label, about, "tick", _options(terms))
    return Field(name, label, _help(name), "type")


def _choice(name: str, label: str, first: str) -> Field:
    annotation = SeriesQuery.model_fields[name].annotation
    values = [value for part in (annotation, *get_args(annotation)) for value in get_args(part)]
    named = list(dict.fromkeys(value for value in values if isinstance(value, str)))
    return Field(name, label, _help(name), "choose", _options(named, first))


BY = Field(
    "by",
    "A row for each",
    "Tick what the figures are cut by.",
    "tick",
    tuple(Option(name, words.dimension(name)) for name in DIMENSIONS),
)
QUESTIONS = (
    Group("Cut by", (BY,)),
    Group(
        "When",
        (
            Field("start", "From", _help("start"), "date"),
            Field("end", "Up to", _help("end"), "date"),
            _choice("interval", "Over time", "one figure for all of it"),
            Field(
                "cumulative",
                "Each window begins",
                _help("cumulative"),
                "choose",
                (Option("", "where the last one ended"), Option("true", "at the start")),
            ),
            Field("as_of", "As known at", _help("as_of"), "type"),
        ),
    ),
    Group("Which infections", tuple(_filter(name) for name in NUMERATOR)),
    Group("Which patients", tuple(_filter(name) for name in (*DENOMINATOR, "agent"))),
    Group(
        "How counted",
        (
            _choice("episodes", "Episodes", "the first of each course"),
            _choice("person_time", "Person-time", "as the episodes need it"),
            Field("per", "Per", _help("per"), "type"),
            _choice("unit", "Unit", "person-years"),
            _choice("ci", "Interval for one look", "exact"),
            Field("level", "Level", _help("level"), "type"),
            Field(
                "include",
                "Recipients",
                _help("include"),
                "choose",
                (Option("", "not counted"), Option("recipients", "counted one by one")),
            ),
        ),
    ),
)
"""All of the form. `format` is the page's own; the links to CSV and JSON stand beside it."""
