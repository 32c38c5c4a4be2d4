"""What is to be done with each resource: create, update or delete it.

In:     a Bundle (transaction, batch, collection, message), or one resource with its request.
Out:    `Parcel`: interactions in the order of the entries, and the references among them.
Source: FHIR R4, RESTful API and Bundle. A collection or message has no requests: each of its
        resources is taken as it is now, as by an update.
"""

import re
from dataclasses import dataclass
from typing import Any

from service.ingest.fhir.elements import Element, Issue, Malformed
from service.ingest.fhir.references import Identifier, References, sought

ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
KIND = re.compile(r"[A-Z][A-Za-z]{2,40}")
TARGET = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{2,40})(?:/([A-Za-z0-9.-]{1,64}))?(\?.*)?")
BUNDLES = ("transaction", "batch", "collection", "message")
MOST_ENTRIES = 10_000
METHODS = {"POST": "create", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Interaction:
    """One resource and what to do with it; a faulty one has only its faults.

    `name` is the id that the sender gave, `asked` the identifier by which the sender means it.
    """

    path: str
    does: str
    kind: str = ""
    name: str = ""
    resource: Element | None = None
    asked: Identifier | None = None
    only_if_new: bool = False
    faults: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """What was sent at once."""

    interactions: tuple[Interaction, ...]
    references: References
    kind: str = "single"
    header: Element | None = None

    @property
    def is_atomic(self) -> bool:
        """Is all of it to be recorded, or nothing?"""
        return self.kind in ("transaction", "message", "single")


def single(
    does: str, kind: str, name: str, resource: Any, condition: str = "", none_exist: str = ""
) -> Parcel:
    """One resource with its request; `Malformed` where they do not fit."""
    if resource is None:
        asked = sought(f"?{condition}") if condition else None
        if not name and asked is None:
            raise Malformed(
                kind, "Say which: by its id, or by ?identifier=system|value.", "required"
            )
        gone = Interaction(kind, does, kind, name, asked=asked)
        return Parcel((gone,), References())
    element = Element.of(resource, kind)
    if element.text("resourceType") != kind:
        raise Malformed(f"{kind}.resourceType", "Must be the kind named in the URL.", "invalid")
    if name and element.text("id") not in ("", name):
        raise Malformed(f"{kind}.id", "Must be the id named in the URL.", "invalid")
    asked = _asked(kind, condition or none_exist)
    interaction = Interaction(
        kind, does, kind, name or _own_id(element), element, asked, bool(none_exist)
    )
    return Parcel((interaction,), References.among([("", element)]))


def bundle(sent: Any) -> Parcel:
    """The interactions of a Bundle; `Malformed` where it is none."""
    whole = Element.of(sent, "Bundle")
    if whole.text("resourceType") != "Bundle":
        raise Malformed("Bundle.resourceType", "Send a Bundle here, or POST to [base]/[type].")
    kind = whole.text("type")
    if kind not in BUNDLES:
        raise Malformed("Bundle.type", f"Must be one of {', '.join(BUNDLES)}.", "value")
    entries = list(whole.elements("entry"))
    if len(entries) > MOST_ENTRIES:
        message = f"A Bundle may have at most {MOST_ENTRIES} entries."
        raise Malformed("Bundle.entry", message, "too-costly")
    references = References.among(
        (entry.text("fullUrl"), _resource(entry)) for entry in entries if entry.has("resource")
    )
    header = None
    if kind == "message":
        if not entries or _resource(entries[0]).text("resourceType") != "MessageHeader":
            message = "The first entry of a message must be a MessageHeader."
            raise Malformed("Bundle.entry[0]", message, "required")
        header = _resource(entries[0])
        entries = entries[1:]
    has_requests = kind in ("transaction", "batch")
    read = tuple(_interaction(entry, has_requests=has_requests) for entry in entries)
    return Parcel(read, references, kind, header)


def _interaction(entry: Element, *, has_requests: bool) -> Interaction:
    try:
        return _requested(entry) if has_requests else _as_it_is(entry)
    except Malformed as fault:
        return Interaction(entry.path, "none", faults=(fault.issue,))


def _requested(entry: Element) -> Interaction:
    request = entry.element("request")
    method, url = request.text("method"), request.text("url")
    does = METHODS.get(method)
    if does is None:
        message = "Of an entry only POST, PUT and DELETE are done."
        raise Malformed(f"{request.path}.method", message, "not-supported")
    target = TARGET.fullmatch(url)
    if target is None:
        raise Malformed(f"{request.path}.url", "Must be [type], [type]/[id] or [type]?…", "value")
    kind, name, query = target[1], target[2] or "", target[3] or ""
    if does == "delete":
        asked = sought(query) if query else None
        if not name and asked is None:
            raise Malformed(f"{request.path}.url", "Say which: by id or ?identifier=…", "value")
        return Interaction(entry.path, does, kind, name, asked=asked)
    if not entry.has("resource"):
        raise Malformed(f"{entry.path}.resource", "Required for POST and PUT.", "required")
    resource = _resource(entry)
    if resource.text("resourceType") != kind:
        raise Malformed(f"{request.path}.url", "Must name the kind of the resource.", "value")
    none_exist = request.text("ifNoneExist") if does == "create" else ""
    return Interaction(
        entry.path,
        does,
        kind,
        name or _own_id(resource),
        resource,
        _asked(request.path, query or none_exist),
        bool(none_exist),
    )


def _as_it_is(entry: Element) -> Interaction:
    resource = _resource(entry)
    kind = resource.text("resourceType")
    if not KIND.fullmatch(kind):
        raise Malformed(f"{resource.path}.resourceType", "Must be a kind of resource.", "value")
    return Interaction(entry.path, "update", kind, _own_id(resource), resource)


def _asked(path: str, condition: str) -> Identifier | None:
    """The identifier of a condition; `Malformed` for any other condition."""
    if not condition:
        return None
    found = sought(f"?{condition.removeprefix('?')}")
    if found is None:
        message = "A condition is read in the form identifier=system|value."
        raise Malformed(path, message, "not-supported")
    return found


def _own_id(resource: Element) -> str:
    name = resource.text("id")
    if name and not ID.fullmatch(name):
        raise Malformed(f"{resource.path}.id", "Must be 1 to 64 of A-Z a-z 0-9 - and .", "value")
    return name


def _resource(entry: Element) -> Element:
    return entry.element("resource")
