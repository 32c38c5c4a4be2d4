"""What the application carries: kept in one place with its types.

In:     a request.
Out:    the surveillance, its writer, the settings and the counters that
        `service.main.create_app` put there.
Source: Starlette's `app.state`, which knows no types. All are coroutines, because FastAPI sends any
        other dependency through a thread.
"""

from typing import Any

from fastapi import FastAPI, Request

from service.api.metrics import Metrics
from service.api.rate_limits import RateLimits
from service.api.shared_looks import SharedLooks
from service.pipeline.gathering import Gathering
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store.key_uses import KeyUses


def keep(
    app: FastAPI,
    settings: Settings,
    surveillance: Surveillance,
    metrics: Metrics,
    gathering: Gathering,
    holders: SharedLooks[Any],
    key_uses: KeyUses,
    rate_limits: RateLimits,
) -> None:
    """Put the application's parts where the routes find them."""
    app.state.gathering = gathering
    app.state.holders = holders
    app.state.key_uses = key_uses
    app.state.metrics = metrics
    app.state.rate_limits = rate_limits
    app.state.settings = settings
    app.state.surveillance = surveillance


async def get_surveillance(request: Request) -> Surveillance:
    """The running surveillance."""
    found: Surveillance = request.app.state.surveillance
    return found


async def get_gathering(request: Request) -> Gathering:
    """The one writer of this service."""
    found: Gathering = request.app.state.gathering
    return found


async def get_settings(request: Request) -> Settings:
    """The settings the service was started with."""
    found: Settings = request.app.state.settings
    return found


async def get_metrics(request: Request) -> Metrics:
    """The counters of this service."""
    found: Metrics = request.app.state.metrics
    return found


async def get_rate_limits(request: Request) -> RateLimits:
    """How many requests each key may still send."""
    found: RateLimits = request.app.state.rate_limits
    return found


async def get_holders(request: Request) -> SharedLooks[Any]:
    """Where the holder of a key is looked up."""
    found: SharedLooks[Any] = request.app.state.holders
    return found
