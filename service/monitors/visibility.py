"""Who may hear of an alert.

In:     an alert, and the facilities that somebody reaches (None: all).
Out:    whether they may.
Source: docs/decisions/0007-who-sees-network-alerts.md.
"""

from collections.abc import Collection
from typing import Protocol

from service.monitors.signals import NETWORK, facility_of

WEIGHED_KINDS = ("excess", "rise", "share")
"""Kinds whose figures are sums over all cases of their place."""


class Placed(Protocol):
    """What of an alert says where it is."""

    @property
    def kind(self) -> str:
        """What kind of alert it is."""

    @property
    def scope_key(self) -> str:
        """Where its figures were counted."""

    @property
    def facilities(self) -> Collection[str]:
        """Where its cases are from."""


def is_visible(alert: Placed, facilities: Collection[str] | None) -> bool:
    """May one who reaches these facilities (None: all) see the alert?

    Only where everything in it is of its own facilities: all cases, and the figures too, which for
    what is weighed across the network are sums over facilities it must not see.
    """
    if facilities is None:
        return True
    if alert.kind in WEIGHED_KINDS and alert.scope_key == NETWORK:
        return False
    place = facility_of(alert.scope_key)
    named = {*alert.facilities, *([place] if place else [])}
    return bool(named) and named <= set(facilities)
