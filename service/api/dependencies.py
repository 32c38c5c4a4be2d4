"""What a route may ask for: the running surveillance, the settings, and who is asking.

In:     the application's state, filled by `service.main.create_app`.
Out:    annotated types; a route names them as parameters and gets the values.
Source: FastAPI's dependencies; CONTRIBUTING.md: nothing global.
"""

from typing import Annotated

from fastapi import Depends

from service.api.access import Principal, Scope, authenticate, recognise, require
from service.api.state import get_settings, get_sightings, get_surveillance, get_ways
from service.channels.ways import Ways
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store.sightings import Sightings

SurveillanceDep = Annotated[Surveillance, Depends(get_surveillance)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
SightingsDep = Annotated[Sightings, Depends(get_sightings)]
WaysDep = Annotated[Ways, Depends(get_ways)]
PrincipalDep = Annotated[Principal, Depends(authenticate)]
"""Whoever holds a valid key, whatever its scopes."""

Anybody = Annotated[Principal | None, Depends(recognise)]
"""Whoever may see rates, or nobody in particular: a route that asks for no key."""

EventWriter = Annotated[Principal, Depends(require(Scope.EVENTS_WRITE))]
RateReader = Annotated[Principal, Depends(require(Scope.RATES_READ))]
AlertManager = Annotated[Principal, Depends(require(Scope.ALERTS_MANAGE))]
PatientReader = Annotated[Principal, Depends(require(Scope.PATIENTS_READ))]
Operator = Annotated[Principal, Depends(require(Scope.MANAGE))]

__all__ = [
    "AlertManager",
    "Anybody",
    "EventWriter",
    "Operator",
    "PatientReader",
    "PrincipalDep",
    "RateReader",
    "SettingsDep",
    "SightingsDep",
    "SurveillanceDep",
    "WaysDep",
]
