"""A shift in shares: more cases of a kind among the cases than a published share.

In:     a monitor, its baseline, and cases of the kind beside all cases up to each day.
Out:    `Weighed`: e-values.
Source: docs/methods.md 8.5.
"""

from service.monitors.counts import Counts
from service.monitors.definitions import MonitorDefinition
from service.monitors.evidence import Weighed
from service.monitors.excess import weighed_e_process
from service.monitors.nulls import expected_null
from service.reference.baselines import Baseline
from service.stats.share_shift import log_share_e_value


def weigh_share_shift(monitor: MonitorDefinition, baseline: Baseline, counts: Counts) -> Weighed:
    """The e-process of a share."""
    null = expected_null(baseline, monitor.null).value
    return weighed_e_process(log_share_e_value(counts.cases, counts.exposure, null), monitor.alpha)
