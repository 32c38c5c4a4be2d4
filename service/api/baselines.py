"""Published figures: read, and put in new versions.

In:     `GET /v1/baselines`, `GET|PUT /v1/baselines/{id}`.
Out:    documents; a version once put is never changed.
Source: docs/api-alerts.md; docs/methods.md 7.
"""

from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as InPath

from service.api.baseline_documents import (
    BaselineDocument,
    BaselineFields,
    BaselineList,
    baseline_from,
    tell_baseline,
)
from service.api.dependencies import Operator, RateReader, SurveillanceDep
from service.api.network_access import require_network
from service.api.paging import key_in, link_to, next_page
from service.errors import Conflict, NotFound
from service.monitors.methods import methods_for
from service.pipeline.catalogue import put_baseline
from service.reference.baselines import Baseline
from service.store import audit, catalogue
from service.store.audit import AuditEntry

router = APIRouter(prefix="/v1/baselines", tags=["baselines"])

BaselineId = Annotated[
    str,
    InPath(
        max_length=64,
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        description="Small letters, digits, `.`, `_` and `-`.",
        examples=["cinicola-ntm-allo"],
    ),
]


@router.get("", summary="Published figures, each in its latest version")
def list_baselines(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    _principal: RateReader,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> BaselineList:
    """Everything known of each figure: population, numerator, source, interval, caveat."""
    after = key_in(cursor, str) or ""
    with surveillance.database.read() as connection:
        versions = catalogue.versions_of_baselines(connection)
        current = catalogue.current_baselines(connection)
    names = sorted(name for name in current if name > after)
    page = names[:limit]
    following = next_page(request, page[-1] if len(names) > limit else None)
    response.headers.update(link_to(following))
    items = [_told(current[name], versions[name]) for name in page]
    return BaselineList(items=items, next=following)


@router.get("/{baseline_id}", summary="One published figure", response_model=BaselineDocument)
def get_baseline(
    baseline_id: BaselineId,
    surveillance: SurveillanceDep,
    _principal: RateReader,
    version: Annotated[int | None, Query(ge=1, description="Without it the latest.")] = None,
) -> Response:
    """A version of a baseline, and which versions there are."""
    with surveillance.database.read() as connection:
        held = catalogue.baseline_versions(connection, baseline_id)
    wanted = [baseline for baseline in held if version in (None, baseline.version)]
    if not wanted:
        raise NotFound("No baseline of that id and version.")
    return Response(_encoded(wanted[0], held), media_type="application/json")


@router.put(
    "/{baseline_id}",
    summary="Put a new version of a published figure, or a new figure",
    response_model=BaselineDocument,
    responses={
        200: {"description": "The version now in force; the same fields again make no new one."},
        201: {"description": "A new figure, version 1.", "model": BaselineDocument},
        409: {"description": "It has changed since `If-Match`, or an enabled monitor needs more"},
    },
)
def put_new_version(
    baseline_id: BaselineId,
    fields: BaselineFields,
    surveillance: SurveillanceDep,
    principal: Operator,
    if_match: Annotated[
        str | None,
        Header(description="The ETag of `GET` on the latest version; refused if it has changed."),
    ] = None,
) -> Response:
    """Store the fields as the next version; old versions, and alerts that name them, stay.

    A new figure that can be watched gets a monitor of each kind that can, switched off. Enabled
    monitors go over to the new version at once.
    """
    require_network(principal)
    with surveillance.write() as connection:
        held = catalogue.baseline_versions(connection, baseline_id)
        _require_unchanged(held, if_match)
        latest = held[0].version if held else 0
        baseline = baseline_from(fields, baseline_id, latest + 1)
        held = put_baseline(connection, surveillance, baseline, held)
        if held[0].version != latest:
            facts = {"baseline": baseline_id, "version": held[0].version}
            entry = AuditEntry(surveillance.clock(), principal.actor, "baseline_added", facts)
            audit.append(connection, [entry])
    status_code = 200 if latest else 201
    headers = {} if latest else {"location": f"/v1/baselines/{baseline_id}"}
    return Response(_encoded(held[0], held), status_code, headers, "application/json")


def _told(baseline: Baseline, versions: list[int]) -> BaselineDocument:
    return tell_baseline(baseline, versions, methods=methods_for(baseline))


def _encoded(baseline: Baseline, held: list[Baseline]) -> bytes:
    versions = [other.version for other in held]
    return _told(baseline, versions).model_dump_json().encode()


def _require_unchanged(held: list[Baseline], if_match: str | None) -> None:
    """Compare with the ETag that `service.api.etags` gave the latest version."""
    if if_match is None or (if_match.strip() == "*" and held):
        return
    now = blake2b(_encoded(held[0], held), digest_size=16).hexdigest() if held else None
    if now not in [name.strip().strip('"') for name in if_match.split(",")]:
        raise Conflict("The baseline has changed since: read it again.", code="changed_since")
