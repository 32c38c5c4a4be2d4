"""The whole API as its own description says it may be asked, and a little beyond.

In:     the running service; requests that schemathesis makes from `/openapi.json`.
Out:    passes while no request is answered 5xx, hangs, or gets an answer that is not described.
Source: https://schemathesis.readthedocs.io.

A few examples for each operation, the same each time: the build has minutes and must say the same
of the same code. Others, and more of them: `GRAFTWATCH_FUZZ_EXAMPLES=200`.
"""

import os
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.api.access import Scope

EXAMPLES = int(os.environ.get("GRAFTWATCH_FUZZ_EXAMPLES", "5"))
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
LEFT_OUT = {
    ("get", "/v1/alerts/stream"),
    ("post", "/v1/recipients"),
    ("post", "/v1/recipients/{recipient_id}/test"),
}
"""What never ends, and what would make the service speak to addresses that nobody has."""
PATIENCE_SECONDS = 30

schemathesis.serializer.alias("application/hl7-v2", "text/plain")
schemathesis.serializer.alias("application/toml", "text/plain")

bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="GRAFTWATCH_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def test_every_operation_answers_as_described(service: Any) -> None:
    schema = schemathesis.openapi.from_url(f"{service.base_url}/openapi.json")
    headers = {"authorization": f"Bearer {service.key(*Scope)}"}
    faults = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if (operation.method, operation.path) in LEFT_OUT:
            continue

        @bounded
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=headers, timeout=PATIENCE_SECONDS)
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except (Exception, FailureGroup) as fault:
            faults.append(f"{operation.method.upper()} {operation.path}: {fault}"[:1500])
    assert not faults, "\n\n".join(faults)
