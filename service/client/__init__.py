"""A client for Python: events out without loss or duplicate, rates and alerts back, typed.

In:     the address of a service and a key.
Out:    `Client` and `AsyncClient` for what is sent and asked now; `Outbox` for what must arrive
        some time, whatever happens to the network or to this process.
Source: docs/client.md. It knows the service by its HTTP contract alone and imports nothing of it.
"""

from service.client.answers import Alert, Alerts, Rate, Rates, Receipt, Result
from service.client.asynchronous import AsyncClient
from service.client.events import Event
from service.client.faults import ClientError, Refused, SpoolFull, SpoolInUse, Unreachable
from service.client.outbox import Outbox
from service.client.retrying import Patience
from service.client.sending import Client

__all__ = [
    "Alert",
    "Alerts",
    "AsyncClient",
    "Client",
    "ClientError",
    "Event",
    "Outbox",
    "Patience",
    "Rate",
    "Rates",
    "Receipt",
    "Refused",
    "Result",
    "SpoolFull",
    "SpoolInUse",
    "Unreachable",
]
