"""One parsed item to a draft or a rejection: the step that every format shares.

In:     an item as `service.ingest.json_text` or a CSV row gives it, and the latest date on Earth.
Out:    `Draft | Rejection`; whatever the item is, nothing is raised.
Source: docs/api.md: all faults at once.
"""

import re
from datetime import date
from typing import Any

import msgspec
from pydantic import ConfigDict, TypeAdapter, ValidationError

from service.ingest.faults import Draft, Fault, Rejection
from service.ingest.fields import PRINTABLE
from service.ingest.json_text import Ambiguous
from service.ingest.messages import bounded, duplicate_key, faults_of
from service.ingest.resolve import event_of
from service.ingest.wire import EVENT, ReportIn

_EVENT_ID = re.compile(PRINTABLE)
_encoder = msgspec.json.Encoder(order="sorted")


class _OfNoKnownType(ReportIn):
    """What can still be checked where the type is not known."""

    model_config = ConfigDict(extra="ignore")

    type: Any = None


_COMMON = TypeAdapter(_OfNoKnownType)


def read_item(index: int, item: object, *, today_latest: date) -> Draft | Rejection:
    """The event that an item tells of, or everything that is wrong with it."""
    if isinstance(item, Ambiguous):
        rest = read_item(index, item.fields, today_latest=today_latest)
        faults = rest.faults if isinstance(rest, Rejection) else ()
        repeated = duplicate_key("", item.repeated)
        return Rejection(index, event_id_of(item.fields), bounded((repeated, *faults)))
    if not isinstance(item, dict):
        return Rejection(index, None, (NOT_AN_OBJECT,))
    try:
        report = EVENT.validate_python(item, context=today_latest)
    except ValidationError as error:
        faults = faults_of(error)
        if [fault.pointer for fault in faults] == ["/type"]:
            faults = bounded((*faults, *_faults_of_common_fields(item, today_latest)))
        return Rejection(index, event_id_of(item), faults)
    event, warnings = event_of(report, today_latest)
    return Draft(index, event, canonical(item), warnings)


def canonical(item: dict[str, Any]) -> str:
    """An accepted item as JSON: keys sorted, no spaces, and no nulls, which say nothing."""
    return _encoder.encode(_without_nulls(item)).decode()


def event_id_of(item: dict[str, Any]) -> str | None:
    """The sender's name for an item, if it is fit to be repeated."""
    name = item.get("event_id")
    if not isinstance(name, str) or len(name) > 128 or not _EVENT_ID.fullmatch(name):
        return None
    return None if _SURROGATE.search(name) else name


_SURROGATE = re.compile(r"[\ud800-\udfff]")

NOT_AN_OBJECT = Fault("", "not_an_object", "Must be an object: one event.")


def _faults_of_common_fields(item: dict[str, Any], today_latest: date) -> tuple[Fault, ...]:
    try:
        _COMMON.validate_python(item, context=today_latest)
    except ValidationError as error:
        return faults_of(error)
    return ()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value
