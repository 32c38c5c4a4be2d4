"""Baselines and series for the tests of methods: what matters in one line.

In:     a measure and its value; patients at risk and the days of cases.
Out:    a `Baseline`, a `Series`.
Source: `service.monitors`; nothing of it is replaced.
"""

from typing import Any

import numpy as np

from service.monitors.series import DailySeries, ShareSeries, Whole
from service.reference.baselines import Baseline, Numerator, Source


def baseline(measure: str, value: float, **more: Any) -> Baseline:
    """A published figure on NTM."""
    fields = {"id": "b", "version": 3, "title": "NTM", "printed": "", "verified": True, **more}
    fields |= {"numerator": Numerator(infection_type=("ntm",)), "source": Source(title="Paper")}
    return Baseline(measure=measure, value=value, **fields)


def days(*values: int) -> Whole:
    """Days as the series hold them."""
    return np.array(values, dtype=np.int64)


def at_risk(number: int, case_days: list[int]) -> DailySeries:
    """So many patients at risk from day 1 on."""
    return DailySeries(days(*case_days), days(1), days(number))


def share_of(kind_days: list[int], other_days: list[int]) -> ShareSeries:
    """Cases of the kind, and others."""
    return ShareSeries(days(*kind_days), days(*kind_days, *other_days))
