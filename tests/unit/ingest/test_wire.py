"""What the API tells of its events agrees with what it takes."""

from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter

from service.ingest.countries import COUNTRIES
from service.ingest.wire import EVENT, REPORTS, EventIn, EventsIn, FindingIn, ProductIn
from service.reference import CERTAINTIES, INFECTION_TYPES, OUTCOMES, SEXES, STATUSES

SCHEMA = TypeAdapter(EventsIn).json_schema()


def test_the_schema_names_every_type_by_its_discriminator() -> None:
    schema = TypeAdapter(EventIn).json_schema()

    assert schema["discriminator"]["propertyName"] == "type"
    assert set(schema["discriminator"]["mapping"]) == set(REPORTS)


@pytest.mark.parametrize("model", [*REPORTS.values(), FindingIn, ProductIn])
def test_every_field_is_described_and_most_have_an_example(model: Any) -> None:
    for name, field in model.model_fields.items():
        if name not in ("type", "product"):
            assert field.description, name
            assert field.examples, name


@pytest.mark.parametrize(
    ("model", "field", "values"),
    [
        ("InfectionIn", "infection_type", INFECTION_TYPES),
        ("FindingIn", "status", STATUSES),
        ("FindingIn", "certainty", CERTAINTIES),
        ("TransplantIn", "sex", SEXES),
    ],
)
def test_closed_lists_are_the_houses_own(model: str, field: str, values: tuple[str, ...]) -> None:
    listed, null = SCHEMA["$defs"][model]["properties"][field]["anyOf"]

    assert (listed["enum"], null) == (list(values), {"type": "null"})


def test_outcomes_are_the_houses_own() -> None:
    assert SCHEMA["$defs"]["OutcomeIn"]["properties"]["outcome"]["enum"] == list(OUTCOMES)


def test_unknown_fields_are_refused_in_the_schema_too() -> None:
    assert all(part["additionalProperties"] is False for part in SCHEMA["$defs"].values())


@pytest.mark.parametrize("kind", REPORTS)
def test_the_examples_make_an_event(kind: str) -> None:
    fields = REPORTS[kind].model_fields
    item = {name: field.examples[0] for name, field in fields.items() if field.examples}

    assert EVENT.validate_python(item | {"type": kind}, context=date(2026, 1, 1))


def test_countries_are_those_of_iso_3166() -> None:
    assert len(COUNTRIES) == 249
    assert {"MX", "US", "GB"} <= COUNTRIES
    assert not COUNTRIES & {"UK", "EU", "ZZ", "XK"}
