"""The demonstration: a real trial, a simulated network up to today, a reported cluster.

In:     today's date.
Out:    `demo_events(today)`, about 9,400 events, the same for the same day.
Source: `service.examples.cgd`, `.network`, `.mexico`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from service.examples.cgd import cgd_events
from service.examples.mexico import mexico_events
from service.examples.network import Simulation, simulate
from service.examples.planted import RaisedRate

SEED = 20240509
PATIENTS = 600
FACILITIES = 6
PERIOD_DAYS = 5 * 365


def demo_network(today: date) -> Simulation:
    """The demonstration's network: NTM raised at one organ centre, one outbreak by lot."""
    return simulate(
        SEED,
        patients=PATIENTS,
        facilities=FACILITIES,
        start=today - timedelta(days=PERIOD_DAYS),
        end=today,
        raised=(RaisedRate("net-02", today - timedelta(days=365), ratio=40.0),),
    )


def demo_events(today: date) -> Iterator[dict[str, Any]]:
    """Everything the demonstration shows, in order of sending; nothing is dated after `today`."""
    yield from cgd_events()
    if today >= date(2023, 5, 15):
        yield from mexico_events()
    yield from demo_network(today).events_by_day_sent()
