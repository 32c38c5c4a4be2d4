"""The description says all of it: every error as a problem, every reference resolves."""

import json
import re
from typing import Any

import pytest

from service.api.documentation import PAGE, STATIC
from service.api.problem_types import MEDIA_TYPE
from service.main import create_app
from service.settings import Settings

METHODS = {"get", "put", "post", "patch", "delete"}
OPEN = {
    "/.well-known/smart-configuration",
    "/fhir/.well-known/smart-configuration",
    "/fhir/metadata",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/oauth/token",
    "/problems/{name}",
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    found = create_app(Settings(database_url="sqlite://")).openapi()
    return json.loads(json.dumps(found))


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_every_reference_resolves(description):
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(description)):
        found = description
        for part in reference.split("/"):
            found = found[part]
        assert found


def test_every_operation_is_described_and_named_once(description):
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(description):
        words = f"{operation.get('summary', '')} {operation.get('description', '')}"
        assert len(words) > 40, f"{method} {path} is not described"
        assert operation.get("tags"), f"{method} {path} has no tag"


def test_every_error_is_a_problem(description):
    for path, method, operation in operations(description):
        if path.startswith(("/fhir", "/hl7", "/oauth")):  # these speak their own standards' errors
            continue
        errors = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert {"500", "503"} <= errors.keys(), f"{method} {path}"
        for status, response in errors.items():
            assert MEDIA_TYPE in response["content"], f"{method} {path} {status}"
            assert response["description"], f"{method} {path} {status}"
    assert "HTTPValidationError" not in json.dumps(description)


def test_every_route_but_the_open_ones_asks_for_a_key(description):
    for path, method, operation in operations(description):
        asked = operation.get("security", [{}])
        assert all(asked) == (path not in OPEN), f"{method} {path}"


def test_whoever_must_wait_is_told_how_long(description):
    for path, method, operation in operations(description):
        limited = path not in OPEN
        assert ("429" in operation["responses"]) == limited, f"{method} {path}"
        for status in {"429", "503"} & operation["responses"].keys():
            assert "Retry-After" in operation["responses"][status]["headers"], f"{method} {path}"


def test_events_are_described_field_by_field(description):
    body = description["paths"]["/v1/events"]["post"]["requestBody"]
    assert set(body["content"]) == {"application/json", "application/x-ndjson"}
    assert len(body["content"]["application/json"]["examples"]) == 9
    schemas = description["components"]["schemas"]
    assert "transplant_type" in schemas["TransplantIn"]["properties"]


def test_the_page_loads_nothing_from_elsewhere():
    assert "http" not in PAGE
    for name in re.findall(r'(?:src|href)="docs/assets/([^"]+)"', PAGE):
        assert (STATIC / name).is_file()
    assert (STATIC / "LICENSE").is_file()
