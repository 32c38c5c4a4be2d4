"""The answer to events sent in.

In:     counts, results and the position reached.
Out:    201 where all were accepted or known before, 207 where some were rejected, 422 where all.
Source: docs/api.md. The 422 is a problem document (RFC 9457) with the same members added.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, Field
from starlette.responses import Response

from service.api.event_intake import EventResult
from service.api.problems import problem
from service.errors import Detail


class EventFaultDocument(BaseModel):
    """One fault of an event, or a remark on it."""

    pointer: str = Field(
        description="A JSON pointer into the body; for NDJSON, into the line's object.",
        examples=["/2/agents/0"],
    )
    code: str = Field(examples=["unknown_term"])
    message: str


class EventResultDocument(BaseModel):
    """What became of one event."""

    index: int = Field(description="The event's place among those sent, from 0.")
    line: int | None = Field(None, description="NDJSON only: the line, from 1.")
    event_id: str | None = Field(description="None where it could not be read.")
    status: Literal["accepted", "duplicate", "rejected"]
    errors: list[EventFaultDocument]
    warnings: list[EventFaultDocument]


class EventsAnswer(BaseModel):
    """What became of the events sent; NDJSON lists only what was not accepted."""

    received: int
    accepted: int
    duplicates: int = Field(description="Known before with the same content; nothing was changed.")
    rejected: int
    position: int = Field(description="The ledger's position; every later answer knows of it.")
    results: list[EventResultDocument]


def answer(
    counts: Counter[str],
    position: int,
    results: Sequence[EventResult],
    *,
    atomic: bool = False,
) -> Response:
    """The answer, with the status that the counts deserve."""
    members = told(counts, position, results)
    others = counts["accepted"] + counts["duplicate"]
    if counts["rejected"] and (atomic or not others):
        return refusal(members, results)
    status = 207 if counts["rejected"] else 201
    return Response(msgspec.json.encode(members), status, media_type="application/json")


def refusal(members: dict[str, Any], results: Iterable[EventResult]) -> Response:
    """The problem document of a body of which nothing was stored."""
    return problem(
        "events_rejected",
        "Nothing was stored: each rejected event is listed with its faults.",
        details=[
            Detail(fault.pointer, fault.code, fault.message)
            for result in results
            for fault in result.errors
        ],
        **members,
    )


def told(counts: Counter[str], position: int, results: Sequence[EventResult]) -> dict[str, Any]:
    """The answer's members, which a problem document may carry too."""
    return {
        "received": counts.total(),
        "accepted": counts["accepted"],
        "duplicates": counts["duplicate"],
        "rejected": counts["rejected"],
        "position": position,
        "results": results,
    }
