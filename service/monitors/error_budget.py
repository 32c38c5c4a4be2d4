"""The error budget: how many false alarms a network allows itself, and how they are spent.

In:     the enabled monitors, how many places each watches, and what the operator allows.
Out:    each monitor's share, the sums, what is over, and what each monitor could have instead.
Source: docs/methods.md 8.6; docs/operations.md, "Error budget"; Boole's inequality, which needs
        nothing to be known of how the monitors hang together.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from service.monitors.definitions import MonitorDefinition
from service.monitors.guarantees import guarantee_of
from service.stats.rates import DAYS_PER_YEAR


class ErrorBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator allows; None where no limit is set.

    `false_alarms_ever` limits the sum of the chances that a monitor ever alarms falsely at a place,
    `false_alarms_per_year` those of monitors that promise a mean time between false alarms.
    """

    false_discovery_rate: float = 0.05
    false_alarms_ever: float | None = None
    false_alarms_per_year: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.false_discovery_rate < 1:
            raise ValueError("false_discovery_rate must lie between 0 and 1")
        for name in ("false_alarms_ever", "false_alarms_per_year"):
            allowed = getattr(self, name)
            if allowed is not None and not 0 < allowed < float("inf"):
                raise ValueError(f"{name} must be a number above 0, or left out")


@dataclass(frozen=True, slots=True)
class Share:
    """What one monitor spends: a chance at each place for ever, or one each so many days."""

    monitor_id: str
    method: str
    places: int
    alpha: float | None = None
    days_between: float | None = None

    @property
    def false_alarms_ever(self) -> float:
        """The places expected ever to alarm falsely, at most."""
        return self.places * (self.alpha or 0.0)

    @property
    def false_alarms_per_year(self) -> float:
        """False alarms a year, expected at most."""
        return self.places * DAYS_PER_YEAR / self.days_between if self.days_between else 0.0

    @property
    def has_promise(self) -> bool:
        """Does its method promise anything of false alarms?"""
        return self.alpha is not None or self.days_between is not None


def share_of(monitor: MonitorDefinition, places: int) -> Share:
    """What the monitor spends at so many places, by what its method promises."""
    promised = guarantee_of(monitor)
    return Share(
        monitor.id,
        monitor.method,
        places,
        alpha=promised.false_alarm_probability,
        days_between=promised.days_between_false_alarms,
    )


@dataclass(frozen=True, slots=True)
class Account:
    """What is spent of one limit.

    `fitting` is what every monitor could have for the limit to be kept just so, each place alike:
    an alpha, or days between false alarms; None without a limit or a monitor of the sort.
    """

    places: int
    spent: float
    allowed: float | None
    fitting: float | None

    @property
    def is_over(self) -> bool:
        """Is more spent than allowed? Never where no limit is set."""
        return self.allowed is not None and self.spent > self.allowed * (1 + ROUNDING)


ROUNDING = 1e-12
"""A budget divided evenly and summed up again must not count as overspent."""


def chance_that_any_alarms(spent: float) -> float:
    """The chance that any place ever alarms falsely, at most.

    >>> chance_that_any_alarms(0.15), chance_that_any_alarms(3.3)
    (0.15, 1.0)
    """
    return min(1.0, spent)


def account_ever(shares: Iterable[Share], allowed: float | None) -> Account:
    """What is spent of the chance ever to alarm falsely.

    >>> account_ever([Share("m", "e_process", 10, alpha=0.05)], 0.2)
    Account(places=10, spent=0.5, allowed=0.2, fitting=0.02)
    """
    of_sort = [share for share in shares if share.alpha is not None]
    places = sum(share.places for share in of_sort)
    fitting = allowed / places if allowed is not None and places else None
    return Account(
        places=places,
        spent=sum(share.false_alarms_ever for share in of_sort),
        allowed=allowed,
        fitting=fitting if fitting is None or fitting < 1 else None,
    )


def account_per_year(shares: Iterable[Share], allowed: float | None) -> Account:
    """What is spent of the false alarms a year.

    >>> account_per_year([Share("m", "cusum", 10, days_between=3652.5)], 2.0)
    Account(places=10, spent=1.0, allowed=2.0, fitting=1826.25)
    """
    of_sort = [share for share in shares if share.days_between is not None]
    places = sum(share.places for share in of_sort)
    return Account(
        places=places,
        spent=sum(share.false_alarms_per_year for share in of_sort),
        allowed=allowed,
        fitting=places * DAYS_PER_YEAR / allowed if allowed is not None and places else None,
    )
