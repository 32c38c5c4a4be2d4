"""The true rates of the simulated network: invented, exact, and therefore a yardstick.

In:     where a simulated patient stands: transplant type, days since the index date, regimen.
Out:    `RateModel`: rates per 100 person-years and the daily chances they stand for.
Source: invented, of the order of published rates (docs/methods.md 7); never evidence of anything.

A rate of r per 100 person-years is a chance of exactly r / 36525 on each day at risk. Cases over
person-days therefore estimate it without any bias, over whatever days a query chooses.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

DAYS_PER_100_YEARS = 36525
PHASE_STARTS = (0, 31, 101, 181, 366)
"""First days of the phases, in days since the index date (docs/methods.md 3)."""
CAUSES = ("bacterial", "viral", "fungal", "ntm", "ntm_colonisation")
"""What a patient can be found with; the last is isolation without disease, counted apart."""

ByPhase = tuple[float, float, float, float, float]

ALL_PHASES_COLONISED = (0.2, 0.2, 0.2, 0.2, 0.2)
INFECTION_RATES: Mapping[str, Mapping[str, ByPhase]] = {
    "allo_hsct": {
        "bacterial": (200.0, 80.0, 40.0, 25.0, 12.0),
        "viral": (60.0, 90.0, 35.0, 18.0, 7.0),
        "fungal": (14.0, 10.0, 5.0, 3.0, 1.5),
        "ntm": (0.2, 0.4, 0.6, 0.6, 0.3),
        "ntm_colonisation": ALL_PHASES_COLONISED,
    },
    "auto_hsct": {
        "bacterial": (240.0, 45.0, 18.0, 10.0, 6.0),
        "viral": (30.0, 35.0, 15.0, 10.0, 5.0),
        "fungal": (8.0, 4.0, 2.0, 1.0, 0.5),
        "ntm": (0.1, 0.2, 0.2, 0.2, 0.1),
        "ntm_colonisation": ALL_PHASES_COLONISED,
    },
    "kidney": {
        "bacterial": (100.0, 45.0, 25.0, 18.0, 12.0),
        "viral": (10.0, 30.0, 20.0, 10.0, 3.0),
        "fungal": (2.0, 1.5, 1.0, 0.7, 0.4),
        "ntm": (0.05, 0.1, 0.1, 0.1, 0.1),
        "ntm_colonisation": ALL_PHASES_COLONISED,
    },
    "liver": {
        "bacterial": (160.0, 50.0, 25.0, 15.0, 9.0),
        "viral": (12.0, 30.0, 18.0, 8.0, 3.0),
        "fungal": (10.0, 4.0, 1.5, 1.0, 0.5),
        "ntm": (0.05, 0.1, 0.1, 0.1, 0.05),
        "ntm_colonisation": ALL_PHASES_COLONISED,
    },
    "lung": {
        "bacterial": (220.0, 110.0, 70.0, 50.0, 35.0),
        "viral": (25.0, 45.0, 30.0, 20.0, 10.0),
        "fungal": (20.0, 15.0, 10.0, 6.0, 4.0),
        "ntm": (0.3, 0.6, 0.6, 0.6, 0.6),
        "ntm_colonisation": (4.0, 6.0, 8.0, 8.0, 8.0),
    },
}

AGENT_RATIOS: Mapping[str, Mapping[str, float]] = {
    "ciclosporin": {"bacterial": 1.2, "viral": 1.3, "fungal": 1.2, "ntm": 1.3},
    "tacrolimus": {"bacterial": 1.4, "viral": 1.7, "fungal": 1.3, "ntm": 1.5},
    "sirolimus": {"bacterial": 1.2, "viral": 0.7, "fungal": 1.3, "ntm": 2.2},
    "mycophenolic acid": {"bacterial": 1.25, "viral": 1.4, "fungal": 1.2, "ntm": 1.2},
}
"""What each agent in force multiplies a rate by; agents multiply, and no agent means 1."""

DEATH_RATES: Mapping[str, ByPhase] = {
    "allo_hsct": (60.0, 60.0, 40.0, 20.0, 5.0),
    "auto_hsct": (10.0, 8.0, 6.0, 5.0, 5.0),
    "kidney": (6.0, 4.0, 3.0, 2.0, 2.0),
    "liver": (25.0, 12.0, 6.0, 4.0, 3.0),
    "lung": (30.0, 18.0, 12.0, 10.0, 8.0),
}


def phase_number(days_since_index: int) -> int:
    """Which phase a day lies in, from 0.

    >>> [phase_number(day) for day in (0, 30, 31, 365, 366)]
    [0, 0, 1, 3, 4]
    """
    return bisect_right(PHASE_STARTS, days_since_index) - 1


@dataclass(frozen=True)
class RateModel:
    """Every rate that shapes a simulated life, per 100 person-years.

    A rate of infection is that of the transplant type and phase times the ratios of the agents
    in force: allogeneic, day 20, on tacrolimus and mycophenolic acid, for bacterial infection
    200 x 1.4 x 1.25 = 350.
    """

    infection_rates: Mapping[str, Mapping[str, ByPhase]] = field(
        default_factory=lambda: INFECTION_RATES
    )
    agent_ratios: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: AGENT_RATIOS)
    death_rates: Mapping[str, ByPhase] = field(default_factory=lambda: DEATH_RATES)
    loss_rate: float = 5.0

    def rate(
        self, transplant_type: str, cause: str, days_since_index: int, regimen: tuple[str, ...]
    ) -> float:
        """The true rate of infection, per 100 person-years.

        >>> RateModel().rate("allo_hsct", "bacterial", 20, ("mycophenolic acid", "tacrolimus"))
        350.0
        """
        base = self.infection_rates[transplant_type][cause][phase_number(days_since_index)]
        return base * prod(self.agent_ratios[agent].get(cause, 1.0) for agent in regimen)

    def daily_chances(
        self, transplant_type: str, phase: int, regimen: tuple[str, ...]
    ) -> tuple[float, ...]:
        """The chances of one day, in the order of `CAUSES`, then death, then an end of contact."""
        day = PHASE_STARTS[phase]
        infections = [self.rate(transplant_type, cause, day, regimen) for cause in CAUSES]
        rates = (*infections, self.death_rates[transplant_type][phase], self.loss_rate)
        return tuple(rate / DAYS_PER_100_YEARS for rate in rates)
