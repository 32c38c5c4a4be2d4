"""Whatever a Bundle holds, it is read or refused with its place, and never fails.

In:     a whole transaction, with some of its parts put in place of others, or by junk.
Out:    passes while reading ends in statements and issues, and each statement is an event.
Source: docs/fhir.md.
"""

import json
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.ingest.faults import Rejection
from service.ingest.fhir.elements import Malformed
from service.ingest.fhir.interactions import bundle, single
from service.ingest.fhir.kinds import ACCEPTED, read
from service.ingest.fhir.readings import Surroundings
from service.ingest.fhir.references import References
from service.ingest.items import read_item
from service.ingest.json_text import parse
from tests.properties.test_rates_law import law

TODAY = date(2026, 11, 22)
RECIPIENT = json.loads(
    (Path(__file__).parents[1] / "journeys/data/fhir_lung_recipient.json").read_text()
)
ODD = parse(
    b'[{"a":1,"a":2}, NaN, 1e400, 11111111111111111111, "\\ud800", "", {"reference":"#mmf"}]'
)
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=20),
    st.sampled_from(ODD),
    st.sampled_from(
        ("Positive", "<13700", "+", "M. abscessus", "A31.0", "2024-06-03", "entered-in-error")
    ),
    st.lists(st.sampled_from(ODD), max_size=2),
    st.dictionaries(st.sampled_from(("coding", "text", "value", "start")), st.text(max_size=5)),
)
VALUES = (
    "valueString",
    "valueQuantity",
    "valueCodeableConcept",
    "valueInteger",
    "component",
    "contained",
    "interpretation",
    "specimen",
    "dosage",
    "identifier",
    "deceasedBoolean",
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    if isinstance(value, dict | list):
        for name, part in inner:
            more = places(part, (*path, name)) if isinstance(part, dict | list) else []
            found += more or [(*path, name)]
    return found


PLACES = places(RECIPIENT)


@law
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), junk), max_size=4),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from(VALUES), junk), max_size=3),
    st.sampled_from(("transaction", "batch", "collection", "message")),
)
def test_a_bundle_is_read_or_refused(changes: Any, additions: Any, kind: str) -> None:
    sent = deepcopy(RECIPIENT) | {"type": kind}
    for entry, name, value in additions:
        sent["entry"][entry]["resource"][name] = value
    for path, value in changes:
        put(sent, path, value)
    try:
        parcel = bundle(sent)
    except Malformed:
        return
    around = Surroundings(parcel.references, TODAY)
    for each in parcel.interactions:
        if each.resource is None:
            assert each.faults or each.does == "delete"
            continue
        told = read(each.resource, around)
        assert told.bodies or told.issues
        for body in told.bodies:
            common = {"event_id": "e", "facility": "f", "patient": "p"}
            event = read_item(0, body | common, today_latest=TODAY)
            if isinstance(event, Rejection):
                assert {fault.code for fault in event.faults} <= DATES, event


DATES = {"future_date", "out_of_range", "ends_before_it_begins"}


def put(sent: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value in a place, if the place is still there."""
    for name in path[:-1]:
        try:
            sent = sent[name]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    is_member = isinstance(sent, dict) and isinstance(last, str)
    if is_member or (isinstance(sent, list) and last in range(len(sent))):
        sent[last] = value


@law
@given(st.sampled_from(ACCEPTED), st.dictionaries(st.text(max_size=12), junk, max_size=5))
def test_any_resource_is_read_or_refused(kind: str, more: Any) -> None:
    try:
        parcel = single("create", kind, "", more | {"resourceType": kind})
    except Malformed:
        return
    (interaction,) = parcel.interactions
    assert interaction.resource is not None
    told = read(interaction.resource, Surroundings(References(), TODAY))
    assert told.bodies or told.issues
