"""What each method can be set to, beside alpha, null and the days between false alarms.

In:     the operator's numbers.
Out:    one struct for each method that has settings of its own, checked when made.
Source: docs/methods.md 8.1 and 8.3; each statistic names its own in `service.stats`.
"""

from functools import lru_cache
from typing import TypeAlias

import msgspec

from service.stats.conditional_maxsprt import ConditionalPlan, conditional_critical_value
from service.stats.e_detector import RATE_RATIOS
from service.stats.maxsprt import MaxsprtPlan, maxsprt_critical_value

RATE_RATIOS_TO_FIND = (1.5, 20.0)
"""Of a CUSUM: below, the chain behind its design grows too long."""

LONGEST_CONDITIONAL = 200
"""New cases at most, known or expected: the exact critical value costs their number cubed."""


class MaxsprtSettings(msgspec.Struct, frozen=True, kw_only=True, tag="maxsprt"):
    """Horizon T and start D in expected cases, least count M that may signal."""

    horizon: float = 20.0
    least_cases: int = 1
    start: float = 0.0

    def __post_init__(self) -> None:
        MaxsprtPlan(self.horizon, self.least_cases, self.start)

    def critical_value(self, alpha: float) -> float:
        """The exact critical value; ValueError where nothing can be as likely as alpha."""
        return _critical_value(MaxsprtPlan(self.horizon, self.least_cases, self.start), alpha)


class ConditionalSettings(msgspec.Struct, frozen=True, kw_only=True, tag="conditional_maxsprt"):
    """Where surveillance ends: so many new cases, or so many times the past person-time."""

    most_cases: int | None = 50
    longest_ratio: float | None = None
    least_cases: int = 1

    def __post_init__(self) -> None:
        self.plan(1)
        if self.most_cases is not None and self.most_cases > LONGEST_CONDITIONAL:
            raise ValueError(f"most_cases must be at most {LONGEST_CONDITIONAL}")

    def plan(self, past_cases: int) -> ConditionalPlan:
        """The plan against so many past cases; ValueError where it would be too long."""
        ratio = self.longest_ratio
        if ratio is not None and ratio * past_cases > LONGEST_CONDITIONAL:
            raise ValueError(
                f"longest_ratio must be at most {LONGEST_CONDITIONAL / past_cases:g}: more would "
                f"expect above {LONGEST_CONDITIONAL} cases by the end"
            )
        return ConditionalPlan(past_cases, self.most_cases, ratio, self.least_cases)

    def critical_value(self, past_cases: int, alpha: float) -> float:
        """The exact critical value; ValueError where nothing can be as likely as alpha."""
        return _conditional_critical_value(self.plan(past_cases), alpha)


class DetectorSettings(msgspec.Struct, frozen=True, kw_only=True, tag="e_detector"):
    """The rate ratios that the e-detector looks for, all at once."""

    rate_ratios: tuple[float, ...] = RATE_RATIOS

    def __post_init__(self) -> None:
        if not 1 <= len(self.rate_ratios) <= 20 or not all(1 < r <= 1000 for r in self.rate_ratios):
            raise ValueError("rate_ratios must be 1 to 20 numbers above 1 and at most 1000")


class CusumSettings(msgspec.Struct, frozen=True, kw_only=True, tag="cusum"):
    """The rate ratio that the CUSUM is designed to find."""

    rate_ratio: float = 2.0

    def __post_init__(self) -> None:
        least, most = RATE_RATIOS_TO_FIND
        if not least <= self.rate_ratio <= most:
            raise ValueError(f"rate_ratio must lie between {least:g} and {most:g}")


Settings: TypeAlias = MaxsprtSettings | ConditionalSettings | DetectorSettings | CusumSettings


@lru_cache(maxsize=256)
def _critical_value(plan: MaxsprtPlan, alpha: float) -> float:
    return maxsprt_critical_value(plan, alpha).value


@lru_cache(maxsize=256)
def _conditional_critical_value(plan: ConditionalPlan, alpha: float) -> float:
    return conditional_critical_value(plan, alpha).value
