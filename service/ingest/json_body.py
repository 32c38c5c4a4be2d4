"""A JSON body: one event, or an array of events.

In:     the whole body, the latest date on Earth, and the most events an array may have.
Out:    drafts and rejections in order, or a `DocumentFault` if the body cannot be read at all.
Source: docs/api.md, application/json.
"""

from datetime import date

from service.ingest.faults import DocumentFault, Draft, Rejection
from service.ingest.items import read_item
from service.ingest.json_text import Ambiguous, parse

MOST_EVENTS = 10_000


def read_json(
    body: bytes, *, today_latest: date, max_items: int = MOST_EVENTS
) -> tuple[bool, list[Draft | Rejection]] | DocumentFault:
    """Whether the body is an array, and what each of its items is; one event has index 0."""
    value = parse(body)
    if isinstance(value, DocumentFault):
        return value
    if isinstance(value, dict | Ambiguous):
        return False, [read_item(0, value, today_latest=today_latest)]
    if not isinstance(value, list):
        return DocumentFault("not_an_event", "The body must be one event or an array of events.")
    if len(value) > max_items:
        return DocumentFault(
            "too_many_events",
            f"An array may have at most {max_items} events. Send it in parts, or stream the "
            "events as application/x-ndjson, which has no upper bound.",
        )
    return True, [
        read_item(index, item, today_latest=today_latest) for index, item in enumerate(value)
    ]
