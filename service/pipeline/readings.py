"""Keep what an evaluation read of the evidence at each place, beside the alerts it leads to.

In:     the evaluations of monitors, within the transaction that made them.
Out:    readings; where a monitor now finds nothing to weigh, none.
Source: docs/decisions/0009-many-monitors-at-once.md.
"""

from collections.abc import Collection, Iterable

from service.monitors.signals import Evaluation
from service.store import readings
from service.store.engine import Connection
from service.store.readings import Reading


def keep_readings(
    connection: Connection,
    monitor_ids: Collection[str],
    scope_keys: Collection[str] | None,
    evaluations: Iterable[Evaluation],
    *,
    day: int,
    position: int,
) -> None:
    """Keep the evidence of these monitors at the places just looked at (None: all of theirs)."""
    found = {
        (one.monitor_id, one.scope_key): Reading(
            one.monitor_id, one.scope_key, one.log_e_now, day, position
        )
        for one in evaluations
        if one.monitor_id in monitor_ids and one.log_e_now is not None
    }
    if scope_keys is None:
        for monitor_id in monitor_ids:
            readings.forget_readings(connection, monitor_id)
    else:
        looked_at = {(monitor_id, scope) for monitor_id in monitor_ids for scope in scope_keys}
        readings.forget_readings_of(connection, looked_at - found.keys())
    readings.put_readings(connection, found.values())
