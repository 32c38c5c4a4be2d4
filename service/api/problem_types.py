"""The kinds of problem, and how a problem document looks.

In:     nothing.
Out:    `PROBLEMS`, whose names stand in `type`, and the document's schema for OpenAPI.
Source: RFC 9457; docs/api.md. `GET /problems/{name}` tells each row of the table.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


class ProblemType(NamedTuple):
    """A kind of problem: its status, its title, and what to do about it."""

    status: int
    title: str
    meaning: str


PROBLEMS: Mapping[str, ProblemType] = {
    "bad_request": ProblemType(
        400, "The request cannot be used", "`detail` and `errors` say what to change."
    ),
    "unreadable": ProblemType(
        400,
        "The body cannot be read",
        "It is not JSON, not UTF-8, or not the compression it claims to be. Nothing after the "
        "named place was looked at.",
    ),
    "too_large": ProblemType(
        413,
        "The body is too large",
        "Send fewer events at a time, or stream them as application/x-ndjson, which has no upper "
        "bound.",
    ),
    "bad_query": ProblemType(
        422,
        "The request means nothing",
        "A parameter, a field or a combination of them is not among those the service knows; each "
        "is named in `errors`.",
    ),
    "events_rejected": ProblemType(
        422,
        "No event was stored",
        "Every event was rejected, or one was and the request said `atomic=true`. `results` tells "
        "for each event what to change; send them again, the same event_ids are fine.",
    ),
    "measure_mismatch": ProblemType(
        422,
        "The two measures cannot be compared",
        "A rate is compared with a rate, a proportion with a proportion, of the same infections.",
    ),
    "unauthorised": ProblemType(
        401,
        "A valid key is needed",
        "Send `Authorization: Bearer KEY` with a key that is neither expired nor revoked.",
    ),
    "forbidden": ProblemType(
        403,
        "The key does not reach so far",
        "The key lacks the scope, or is bound to other facilities. Ask whoever runs the service.",
    ),
    "not_found": ProblemType(
        404, "There is no such thing", "Nothing of that name exists, or not for this key."
    ),
    "method_not_allowed": ProblemType(
        405, "The method is not allowed here", "The header `Allow` names those that are."
    ),
    "conflict": ProblemType(
        409,
        "The state does not allow it",
        "Read the thing again: it has changed since, or it is already what was asked for.",
    ),
    "unsupported_media_type": ProblemType(
        415,
        "The body is of another type than the service reads",
        "`errors` names the types and compressions it reads.",
    ),
    "too_many_requests": ProblemType(
        429, "Too many requests", "Wait as long as the header `Retry-After` says."
    ),
    "overloaded": ProblemType(
        503,
        "More was sent than can be taken in just now",
        "Nothing was kept of the request. Send it again after `Retry-After` seconds.",
    ),
    "ledger_out_of_date": ProblemType(
        503,
        "The ledger was counted under other rules",
        "Whoever runs the service must run `graftwatch rebuild --apply`, or set the rules back.",
    ),
    "unavailable": ProblemType(
        503,
        "The service cannot answer just now",
        "The database does not answer, has no room, can only be read or is not migrated; `code` "
        "says which. Try again after `Retry-After` seconds: events that were stored all the same "
        "are then known as duplicates.",
    ),
    "internal": ProblemType(
        500,
        "The service failed",
        "The fault is on this side and has been logged. Nothing was kept of the request unless "
        "the answer says so.",
    ),
}


class ProblemDetail(BaseModel):
    """One fault of a request."""

    pointer: str = Field(
        description="Where: a JSON pointer into the body, or `?name` for a parameter."
    )
    code: str = Field(description="A stable name of the fault.")
    message: str = Field(description="What to change; never repeats a value that was sent.")


class Problem(BaseModel):
    """A problem document after RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/bad_query",
                    "title": PROBLEMS["bad_query"].title,
                    "status": 422,
                    "detail": "1 parameter or field cannot be used.",
                    "code": "bad_query",
                    "errors": [
                        {
                            "pointer": "?level",
                            "code": "less_than",
                            "message": "Input should be less than 1",
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(description="A path of this service that explains the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status, repeated.")
    detail: str = Field(description="What happened this time.")
    code: str = Field(description="The finer reason, else the last part of `type`.")
    errors: list[ProblemDetail] = Field(description="Every single fault; may be empty.")
