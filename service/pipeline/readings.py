"""Keep what an evaluation read of the evidence at each place, beside the alerts it leads to.

In:     the evaluations of one monitor, within the transaction that made them.
Out:    readings; where the monitor now finds nothing to weigh, none.
Source: docs/decisions/0009-many-monitors-at-once.md.
"""

from collections.abc import Collection, Iterable

from service.monitors.signals import Evaluation
from service.store import readings
from service.store.engine import Connection
from service.store.readings import Reading


def keep_readings(
    connection: Connection,
    monitor_id: str,
    scope_keys: Collection[str] | None,
    evaluations: Iterable[Evaluation],
    *,
    day: int,
    position: int,
) -> None:
    """Keep the evidence of the places just looked at (None: all of the monitor's)."""
    readings.forget_readings(connection, monitor_id, scope_keys)
    readings.put_readings(
        connection,
        [
            Reading(monitor_id, evaluation.scope_key, evaluation.log_e_now, day, position)
            for evaluation in evaluations
            if evaluation.log_e_now is not None
        ],
    )
