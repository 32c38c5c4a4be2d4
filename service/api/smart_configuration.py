"""Where and how a client gets a token, for clients that ask by themselves.

In:     nothing.
Out:    `GET /.well-known/smart-configuration`, and the same under `/fhir`; open to everybody.
Source: SMART App Launch 2.2, "Conformance"; docs/access.md.
"""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.api.dependencies import SettingsDep
from service.api.smart_scopes import OPENS
from service.api.tokens import GRANT, token_url
from service.ingest.key_sets import ALGORITHMS

PATH = "/.well-known/smart-configuration"
UNSET: dict[int | str, dict[str, Any]] = {404: {"description": "GRAFTWATCH_PUBLIC_URL is not set"}}

router = APIRouter(tags=["service"])


class SmartConfiguration(BaseModel):
    """What SMART Backend Services need to know."""

    token_endpoint: str = Field(description="Assertions name it as their `aud`.")
    grant_types_supported: tuple[str, ...] = (GRANT,)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("private_key_jwt",)
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ALGORITHMS
    scopes_supported: tuple[str, ...] = tuple(OPENS)
    capabilities: tuple[str, ...] = ("client-confidential-asymmetric", "permission-v2")
    code_challenge_methods_supported: tuple[str, ...] = Field(
        default=("S256",), description="SMART asks for it; nobody signs in by a browser here."
    )


@router.get(PATH, summary="How clients that sign get a token", responses=UNSET)
def get_smart_configuration(settings: SettingsDep) -> SmartConfiguration:
    """The SMART configuration: where tokens are given, and how one asks. Needs no key."""
    return SmartConfiguration(token_endpoint=token_url(settings))


@router.get(f"/fhir{PATH}", summary="The same, where FHIR clients look", responses=UNSET)
def get_smart_configuration_of_fhir(settings: SettingsDep) -> SmartConfiguration:
    """The SMART configuration, under the base that FHIR clients know. Needs no key."""
    return SmartConfiguration(token_endpoint=token_url(settings))
