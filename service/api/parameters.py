"""A parameter that nobody knows is refused by name: a misspelt one must not be passed over.

In:     the parameters of a request.
Out:    a dependency that lets only known names pass.
Source: docs/api.md: every fault is told with its place.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, Request

from service.errors import BadQuery, Detail

LONGEST_NAME = 64


def only_parameters(*known: str) -> Any:
    """A dependency that refuses any other parameter."""

    async def refuse(request: Request) -> None:
        details = tuple(
            Detail(f"?{name[:LONGEST_NAME]}", "unknown_parameter", f"Known: {', '.join(known)}.")
            for name in dict.fromkeys(request.query_params)
            if name not in known
        )
        if details:
            raise BadQuery("A parameter is not known here.", details=details)

    dependency: Callable[[Request], Awaitable[None]] = refuse
    return Depends(dependency)
