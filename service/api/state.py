"""What the application carries: kept in one place with its types.

In:     a request.
Out:    the surveillance, its writer, the settings and the counters that
        `service.main.create_app` put there.
Source: Starlette's `app.state`, which knows no types.
"""

from fastapi import FastAPI, Request

from service.api.metrics import Metrics
from service.pipeline.gathering import Gathering
from service.pipeline.surveillance import Surveillance
from service.settings import Settings


def keep(
    app: FastAPI,
    settings: Settings,
    surveillance: Surveillance,
    metrics: Metrics,
    gathering: Gathering,
) -> None:
    """Put the application's parts where the routes find them."""
    app.state.gathering = gathering
    app.state.metrics = metrics
    app.state.settings = settings
    app.state.surveillance = surveillance


def get_surveillance(request: Request) -> Surveillance:
    """The running surveillance."""
    found: Surveillance = request.app.state.surveillance
    return found


def get_gathering(request: Request) -> Gathering:
    """The one writer of this service."""
    found: Gathering = request.app.state.gathering
    return found


def get_settings(request: Request) -> Settings:
    """The settings the service was started with."""
    found: Settings = request.app.state.settings
    return found


def get_metrics(request: Request) -> Metrics:
    """The counters of this service."""
    found: Metrics = request.app.state.metrics
    return found
