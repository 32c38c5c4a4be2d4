"""Questions to the API, asked by a page: what a page shows is what the API answers.

In:     the parameters of a page's address, which are those of the API.
Out:    a query of the API, or `BadQuery` with every fault; the API's answer as plain values.
Source: docs/dashboard.md. One place reads questions and one place answers them, so that a page can
        show nothing else than a program with the same key is told.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, get_origin
from urllib.parse import urlencode

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from service.api.figures import require_known
from service.errors import BadQuery, Detail

Query = TypeVar("Query", bound=BaseModel)
Pairs = Sequence[tuple[str, str]]
SEVERAL = ";"
"""Divides several values that are typed into one field."""


def tidied(sent: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters that say something, one value each.

    >>> tidied([("agent", "CsA; FK506"), ("sex", ""), ("by", "agent")])
    [('agent', 'CsA'), ('agent', 'FK506'), ('by', 'agent')]
    """
    parts = [(name, part.strip()) for name, value in sent for part in value.split(SEVERAL)]
    return list(dict.fromkeys((name, part) for name, part in parts if part))


def read_as(model: type[Query], asked: Pairs) -> Query:
    """The parameters as a query of the API; raises `BadQuery` naming every fault."""
    require_known([name for name, _ in asked], model)
    given: dict[str, Any] = {}
    for name, value in asked:
        if get_origin(model.model_fields[name].annotation) is list:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as faults:
        details = tuple(
            Detail(f"?{fault['loc'][0]}", "bad_query", fault["msg"]) for fault in faults.errors()
        )
        raise BadQuery("The question cannot be read.", details=details) from None


def told(answer: Response) -> dict[str, Any]:
    """An answer of the API in JSON, as plain values."""
    found: dict[str, Any] = msgspec.json.decode(answer.body)
    return found


def as_curl(base_url: str, path: str, asked: Pairs, *, needs_key: bool) -> str:
    """The same question on a command line.

    >>> print(as_curl("http://h", "/v1/rates", [("by", "agent")], needs_key=True))
    curl -H "Authorization: Bearer $GRAFTWATCH_KEY" \\
      'http://h/v1/rates?by=agent'
    """
    key = '-H "Authorization: Bearer $GRAFTWATCH_KEY" \\\n  ' if needs_key else ""
    return f"curl {key}'{base_url}{path}{'?' if asked else ''}{urlencode(asked)}'"
