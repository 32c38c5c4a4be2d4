"""An interval that carries how it was made.

In:     two limits, the level and the method's name.
Out:    `Interval`, and the checks every method shares.
Source: docs/statistics.md; ours: a limit that does not exist is None, never 0 or infinity.
"""

from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits of an estimate, in the estimate's own unit; None where a limit does not exist.

    >>> Interval(1.0, 3.0, 0.95, "exact").scaled(2.0)
    Interval(lower=2.0, upper=6.0, level=0.95, method='exact')
    """

    lower: float | None
    upper: float | None
    level: float
    method: str

    def scaled(self, factor: float) -> "Interval":
        """The same interval in another unit; `factor` is that of the estimate, above 0."""
        return Interval(
            lower=None if self.lower is None else self.lower * factor,
            upper=None if self.upper is None else self.upper * factor,
            level=self.level,
            method=self.method,
        )


def tail_of(level: float) -> float:
    """The probability left outside on either side; ValueError unless 0 < level < 1.

    >>> tail_of(0.5)
    0.25
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return (1.0 - level) / 2.0


def normal_deviate(level: float) -> float:
    """The z of a two-sided interval at this level.

    >>> f"{normal_deviate(0.95):.6f}"
    '1.959964'
    """
    return float(-special.ndtri(tail_of(level)))
