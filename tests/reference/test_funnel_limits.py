"""How often a facility that is as expected passes a limit, against a published table.

Seaton & Manktelow, BMC Med Res Methodol 2012;12:98 (doi 10.1186/1471-2288-12-98), table of medians,
minima and maxima over expected numbers, column "prediction", and abstract.
"""

import math

import numpy as np
import pytest
from scipy import stats

from service.stats.funnel import control_limits


def below(expected: float) -> float:
    lower = control_limits(expected, 0.95).lower * expected
    return float(stats.poisson.cdf(math.ceil(lower) - 1, expected))


def above(expected: float) -> float:
    upper = control_limits(expected, 0.95).upper * expected
    return float(stats.poisson.sf(math.floor(upper), expected))


@pytest.mark.parametrize(
    ("passed", "first", "last", "printed"),
    [
        (below, 1.0, 50.0, (0.0186, 0.0, 0.0250)),
        (above, 1.0, 50.0, (0.0201, 0.0052, 0.0250)),
        (below, 50.01, 100.0, (0.0215, 0.0172, 0.0250)),
    ],
)
def test_a_limit_is_passed_as_often_as_printed(passed, first, last, printed):
    found = [passed(expected) for expected in np.arange(first, last + 0.005, 0.01)]
    told = (np.median(found), min(found), max(found))
    assert told == pytest.approx(printed, abs=1e-4)
