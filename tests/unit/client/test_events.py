"""Events as the client types them, beside what the service takes."""

from datetime import date
from typing import get_args, get_type_hints

import msgspec
import pytest
from pydantic import BaseModel

from service.client import events
from service.ingest import wire


def fields_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def models_by_type() -> dict[str, type[BaseModel]]:
    found = {}
    for model in vars(wire).values():
        is_model = isinstance(model, type) and issubclass(model, BaseModel)
        kinds = get_args(model.model_fields["type"].annotation) if is_model and "type" in model.model_fields else ()  # fmt: skip  # noqa: E501
        if len(kinds) == 1:
            found[kinds[0]] = model
    return found


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
def test_the_fields_are_those_that_the_service_takes(kind: type) -> None:
    hints = get_type_hints(kind)
    (name,) = get_args(hints["type"])
    model = models_by_type()[name]
    assert set(hints) == fields_of(model)
    required = {field for field, info in model.model_fields.items() if info.is_required()}
    assert kind.__required_keys__ | {"event_id"} == required | {"type"}


def test_parts_of_events_too() -> None:
    assert set(get_type_hints(events.Finding)) == fields_of(wire.FindingIn)
    assert set(get_type_hints(events.Product)) == fields_of(wire.ProductIn)


def test_an_event_without_a_name_is_named_after_its_content() -> None:
    event = {"type": "regimen", "facility": "f", "patient": "p", "agents": ["CsA"]}
    one = msgspec.json.decode(events.line_of({**event, "occurred_on": date(2026, 3, 1)}))
    again = {"occurred_on": "2026-03-01", **dict(reversed(event.items()))}
    assert msgspec.json.decode(events.line_of(again)) == one
    assert one["event_id"].startswith("sha256-")
    other = msgspec.json.decode(events.line_of({**again, "agents": []}))
    assert other["event_id"] != one["event_id"]
    named = {**event, "event_id": "e1"}
    assert msgspec.json.decode(events.line_of(named)) == named
