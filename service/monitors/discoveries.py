"""Many monitors at once: which places stand when all that are watched are judged together.

In:     the monitors, the facilities, and what was last read of each place's evidence.
Out:    the places that are judged, and those that stand at a false discovery rate (e-BH).
Source: docs/methods.md 8.6; docs/decisions/0009-many-monitors-at-once.md; Wang & Ramdas 2022
        (doi 10.1111/rssb.12489), as in `service.stats.e_bh`.

e-BH wants e-values of one time that does not hang on what they are. The last report does: it came
because there was a case, and since then the evidence has only fallen. So a last reading is no
e-value, but it is a bound: what does not stand by its bound does not stand by its e-value of today
either, nor helps another to stand. Only the few that stand by their bounds are read again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from service.monitors.definitions import MonitorDefinition
from service.monitors.signals import NETWORK, facility_scope
from service.stats import e_bh

WITH_E_VALUE = frozenset({"e_process", "share_shift"})
"""The methods whose evidence of a day is an e-value; all others have none."""

NOTHING_SEEN = 0.0
"""ln 1: the evidence of a place without cases is at most this."""


class WatchedPlace(NamedTuple):
    """A monitor at one place."""

    monitor_id: str
    scope_key: str


def places_of(monitor: MonitorDefinition, facilities: Collection[str]) -> list[WatchedPlace]:
    """Every place the monitor watches, those without cases too."""
    scope_keys = [facility_scope(name) for name in sorted(facilities)]
    chosen = {"facility": scope_keys, "network": [NETWORK], "both": [*scope_keys, NETWORK]}
    return [WatchedPlace(monitor.id, scope_key) for scope_key in chosen[monitor.scope]]


def judged_places(
    monitors: Iterable[MonitorDefinition], facilities: Collection[str]
) -> frozenset[WatchedPlace]:
    """What is judged together: every enabled monitor that has an e-value, at all its places."""
    return frozenset(
        place
        for monitor in monitors
        if monitor.enabled and monitor.method in WITH_E_VALUE
        for place in places_of(monitor, facilities)
    )


def standing_places(
    bounds: Mapping[WatchedPlace, float],
    judged: int,
    level: float,
    read_again: Callable[[WatchedPlace], float],
) -> frozenset[WatchedPlace]:
    """The places that stand at false discovery rate `level` by their evidence of today.

    `bounds` are log e-values not below those of today (inf where nothing is known); places without
    one have an e-value of at most 1 and still count among the `judged`.

    >>> a, b = WatchedPlace("m", "facility:a"), WatchedPlace("m", "facility:b")
    >>> now = {a: 6.0, b: 1.0}
    >>> sorted(standing_places({a: 7.0, b: 7.0}, 4, 0.05, now.__getitem__))
    [WatchedPlace(monitor_id='m', scope_key='facility:a')]
    """
    candidates = _standing(bounds, judged, level)
    return _standing({place: read_again(place) for place in candidates}, judged, level)


def _standing(
    log_e: Mapping[WatchedPlace, float], judged: int, level: float
) -> frozenset[WatchedPlace]:
    known = np.array(list(log_e.values()), dtype=np.float64)
    others = np.full(max(0, judged - known.size), NOTHING_SEEN)
    stands = e_bh.standing(np.concatenate((known, others)), level)
    return frozenset(place for place, passes in zip(log_e, stands, strict=False) if passes)
