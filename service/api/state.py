"""What the application carries: kept in one place with its types.

In:     a request.
Out:    the surveillance, its writer, the settings and the counters that
        `service.main.create_app` put there.
Source: Starlette's `app.state`, which knows no types. The dependencies are coroutines, because
        FastAPI sends any other through a thread.
"""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request

from service.api.dhis2_mapping import Dhis2Mapping
from service.api.metrics import Metrics
from service.api.programme_metrics import ProgrammeMetrics
from service.api.published_keys import PublishedKeys
from service.api.rate_limits import RateLimits
from service.api.shared_looks import SharedLooks
from service.channels.ways import Ways
from service.pipeline.gathering import Gathering
from service.pipeline.import_queue import ImportQueue
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store.key_uses import KeyUses
from service.store.sightings import Sightings


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of a service that runs; `holders` looks up who holds a key."""

    settings: Settings
    surveillance: Surveillance
    metrics: Metrics
    gathering: Gathering
    holders: SharedLooks[Any]
    key_uses: KeyUses
    rate_limits: RateLimits
    sightings: Sightings
    imports: ImportQueue
    dhis2_mapping: Dhis2Mapping | None
    ways: Ways
    programme: ProgrammeMetrics
    published_keys: PublishedKeys


def keep(app: FastAPI, running: Running) -> None:
    """Put the parts where the routes find them."""
    app.state.running = running


def running(request: Request) -> Running:
    """All parts at once, for a route whose every microsecond counts."""
    found: Running = request.app.state.running
    return found


async def get_surveillance(request: Request) -> Surveillance:
    """The running surveillance."""
    return running(request).surveillance


async def get_settings(request: Request) -> Settings:
    """The settings the service was started with."""
    return running(request).settings


async def get_sightings(request: Request) -> Sightings:
    """Where it is entered who sees which patients."""
    return running(request).sightings


async def get_ways(request: Request) -> Ways:
    """The ways of telling somebody."""
    return running(request).ways
