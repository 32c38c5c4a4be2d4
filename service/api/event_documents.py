"""What may be sent to `POST /v1/events`, for the API's description.

In:     the wire models of the ingest floor, which really judge what is sent.
Out:    the request body in OpenAPI's terms, with examples, and the schemas it refers to.
Source: docs/api.md.
"""

from typing import Any

from pydantic import TypeAdapter

from service.ingest.wire import EventIn

COMMON = {"facility": "ucd-01", "patient": "p0001"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "transplant": {
        "type": "transplant",
        "event_id": "t1",
        **COMMON,
        "occurred_on": "2022-03-01",
        "transplant_type": "allo-HSCT",
        "indication": "AML",
        "age_years": 44,
        "sex": "female",
        "enrolled_on": "2022-03-10",
        "performed_at": "Clinic A",
        "performed_in": "MX",
        "product": {"kind": "embryonic stem cells", "lot": "L-17", "supplier": "S"},
    },
    "regimen": {
        "type": "regimen",
        "event_id": "r1",
        **COMMON,
        "occurred_on": "2022-03-01",
        "agents": ["CsA", "MMF"],
    },
    "medication": {
        "type": "medication",
        "event_id": "m1",
        **COMMON,
        "occurred_on": "2022-04-01",
        "agent": "Rapamune",
        "ended_on": "2022-08-31",
    },
    "demographics": {
        "type": "demographics",
        "event_id": "d1",
        **COMMON,
        "occurred_on": "2022-02-20",
        "birth_year": 1978,
        "sex": "female",
    },
    "infection": {
        "type": "infection",
        "event_id": "i1",
        **COMMON,
        "occurred_on": "2022-05-01",
        "organism": "M. abscessus",
        "specimen": "CSF",
        "status": "disease",
        "certainty": "confirmed",
    },
    "follow_up": {
        "type": "follow_up",
        "event_id": "v1",
        **COMMON,
        "occurred_on": "2022-06-01",
        "agents": ["FK506"],
        "infections": [{"infection_type": "bacterial", "site": "blood"}],
    },
    "outcome": {
        "type": "outcome",
        "event_id": "o1",
        **COMMON,
        "occurred_on": "2022-09-01",
        "outcome": "death",
    },
    "void": {
        "type": "void",
        "event_id": "x1",
        **COMMON,
        "occurred_on": "2022-09-02",
        "voids": "i1",
        "reason": "wrong patient",
    },
}


def request_body(media_types: tuple[str, str]) -> dict[str, Any]:
    """One event, an array of them, or a stream of lines with one each."""
    event = {"$ref": "#/components/schemas/Event"}
    json, ndjson = media_types
    examples = {name: {"value": value} for name, value in EXAMPLES.items()}
    array = {"array": {"value": [EXAMPLES["transplant"], EXAMPLES["regimen"]]}}
    return {
        "required": True,
        "description": "May be compressed: `Content-Encoding: gzip`.",
        "content": {
            json: {
                "schema": {"anyOf": [event, {"type": "array", "items": event, "maxItems": 10_000}]},
                "examples": examples | array,
            },
            ndjson: {"schema": {"type": "string", "description": "One event a line, no bound."}},
        },
    }


def event_schemas() -> dict[str, Any]:
    """The schema of an event and those it refers to, by name."""
    schema = TypeAdapter(EventIn).json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Event": schema}
