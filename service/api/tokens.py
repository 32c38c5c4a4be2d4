"""Access tokens for clients that sign: SMART Backend Services.

In:     `POST /oauth/token` with a signed assertion and the scopes asked for.
Out:    a token that holds for five minutes, or an error as OAuth has it.
Source: SMART App Launch 2.2, "Backend Services"; RFC 6749, 4.4 and 5; RFC 7523; docs/access.md.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from service.api.request_bodies import media_type_of, whole_body
from service.api.smart_scopes import ScopeRefused, granted
from service.api.state import Running, running
from service.errors import BadRequest, GraftwatchError, NotFound
from service.ingest.assertions import NOT_PROVEN, Assertion, BadAssertion, claim_of, prove
from service.ingest.key_sets import PublicKey, read_key_set
from service.settings import Settings
from service.store.access_tokens import give_token, take_assertion
from service.store.clients import StoredClient, find_client

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = "client_credentials"
LIFE = timedelta(minutes=5)
LONGEST_FORM_BYTES = 32_768
MOST_FIELDS = 20
UNKEPT = {"cache-control": "no-store", "pragma": "no-cache"}

router = APIRouter(tags=["service"])


class TokenAnswer(BaseModel):
    """A token, and for how long it holds."""

    access_token: str = Field(description="Send it as `Authorization: Bearer …`.")
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Seconds.")
    scope: str = Field(description="What it opens, by the names that were asked for.")


class OAuthError(BaseModel):
    """What is wrong, as OAuth says it."""

    error: Literal["invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"]
    error_description: str


class BadTokenRequest(BadRequest):
    """The form is not as OAuth has it."""

    code = "invalid_request"


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "The form or a scope cannot be used"},
    401: {"model": OAuthError, "description": "The assertion proves nothing"},
}
EXAMPLE = {
    "access_token": "gwt_5f0c1d2e3a4b5c6d_…",
    "token_type": "bearer",
    "expires_in": 300,
    "scope": "system/*.rs",
}


@router.post(
    TOKEN_PATH,
    summary="A token for a client that signs",
    response_model=TokenAnswer,
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}, **REFUSALS},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": [
                            "grant_type",
                            "scope",
                            "client_assertion_type",
                            "client_assertion",
                        ],
                        "properties": {
                            "grant_type": {"type": "string", "enum": [GRANT]},
                            "scope": {"type": "string", "example": "system/*.rs"},
                            "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
                            "client_assertion": {"type": "string", "description": "A signed JWT."},
                        },
                    }
                }
            },
        }
    },
)
async def post_token(request: Request) -> JSONResponse:
    """A token that holds for five minutes, for a client registered with `graftwatch clients
    register` that signs with its own key (SMART Backend Services: `client_credentials` with
    `private_key_jwt`, RS384 or ES384). Each assertion is taken once."""
    service = running(request)
    audience = token_url(service.settings)
    try:
        form = read_token_form(
            media_type_of(request.scope), await whole_body(request, LONGEST_FORM_BYTES)
        )
        client, assertion = await run_in_threadpool(_proven, service, form, audience)
        service.rate_limits.charge(request.scope, client.id)
        token = await run_in_threadpool(_give, service, client, assertion, form["scope"])
    except (BadTokenRequest, BadAssertion, ScopeRefused, UnknownGrant) as fault:
        return refusal(fault)
    answer = TokenAnswer(
        access_token=token,
        token_type="bearer",  # noqa: S106 - its kind
        expires_in=int(LIFE.total_seconds()),
        scope=form["scope"],
    )
    return JSONResponse(answer.model_dump(), headers=UNKEPT)


class UnknownGrant(BadRequest):
    """Another way to a token than the one there is."""

    code = "unsupported_grant_type"


def token_url(settings: Settings) -> str:
    """Where tokens are given, which assertions must name; raises where nobody has set it."""
    if settings.public_url is None:
        raise NotFound(
            "Tokens are not given here: whoever runs the service must set GRAFTWATCH_PUBLIC_URL, "
            "which assertions are made out to.",
            code="no_public_url",
        )
    return settings.public_url.rstrip("/") + TOKEN_PATH


def read_token_form(media_type: str, body: bytes) -> dict[str, str]:
    """The form's fields, each once; raises where one is missing or is not the one way there is."""
    if media_type != FORM:
        raise BadTokenRequest(f"Send {FORM}.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError as fault:
        raise BadTokenRequest("The form cannot be read.") from fault
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadTokenRequest("Each field is sent once.")
    if "grant_type" not in form:
        raise BadTokenRequest("`grant_type` is missing.")
    if form["grant_type"] != GRANT:
        raise UnknownGrant(f"`grant_type` must be {GRANT}.")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise BadTokenRequest(
            f"Send `client_assertion`, and `client_assertion_type` as {ASSERTION_TYPE}."
        )
    return {"scope": "", **form}


def refusal(fault: GraftwatchError) -> JSONResponse:
    """An error as OAuth has it."""
    body = {"error": fault.code, "error_description": fault.message}
    if fault.code != BadAssertion.code:
        return JSONResponse(body, HTTPStatus.BAD_REQUEST, headers=UNKEPT)
    told = {**UNKEPT, "www-authenticate": 'Bearer realm="graftwatch"'}
    return JSONResponse(body, HTTPStatus.UNAUTHORIZED, headers=told)


def _proven(
    service: Running, form: dict[str, str], audience: str
) -> tuple[StoredClient, Assertion]:
    """The client whose key signed the assertion."""
    now = service.surveillance.clock()
    text = form["client_assertion"]
    claim = claim_of(text)
    with service.surveillance.database.read() as connection:
        client = find_client(connection, claim.client_id)
    if client is None or not client.is_valid(now):
        raise BadAssertion(NOT_PROVEN)
    if form.get("client_id", client.id) != client.id:
        raise BadAssertion("`client_id` is not the one that the assertion is from.")
    if claim.key_set_url not in (None, client.key_set_url):
        raise BadAssertion(NOT_PROVEN)
    key = _key_of(service, client, claim.kid)
    if key is None:
        raise BadAssertion(NOT_PROVEN)
    return client, prove(text, key, audience, now)


def _key_of(service: Running, client: StoredClient, kid: str) -> PublicKey | None:
    if client.key_set_url is not None:
        return service.published_keys.key(client.key_set_url, kid)
    return read_key_set(client.key_set or "").get(kid)


def _give(service: Running, client: StoredClient, assertion: Assertion, asked: str) -> str:
    """A token, and the assertion is used up, even where a scope is refused."""
    surveillance = service.surveillance
    now = surveillance.clock()
    with surveillance.database.note() as connection:
        is_first = take_assertion(connection, client.id, assertion.jti, assertion.expires_at, now)
    if not is_first:
        raise BadAssertion("The assertion was used before: make one with another `jti`.")
    scopes = granted(asked, client.scopes)
    with surveillance.database.note() as connection:
        return give_token(connection, client.id, scopes, now + LIFE, now, surveillance.today())
