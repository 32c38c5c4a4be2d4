"""Replays over the ledger, or over counts that are given with the question.

In:     variants of a monitor, a place (None: the network), a period, perhaps given counts.
Out:    a `Replay` for each variant, in the order asked; nothing is stored.
Source: docs/api-alerts.md, "Replay".
"""

from collections.abc import Sequence

from service.errors import MeasureMismatch, NotFound
from service.monitors.definitions import MonitorDefinition
from service.monitors.methods import cannot_watch
from service.monitors.replays import (
    RULES_OVER_CASES,
    Period,
    Replay,
    Variant,
    replay_on_cases,
    replay_on_series,
)
from service.monitors.series import DailySeries, ExpectedSeries, Series
from service.pipeline.observations import CaseFile, cases_for, series_for
from service.reference.baselines import Baseline
from service.store import catalogue
from service.store.engine import Connection

Given = DailySeries | ExpectedSeries


def replayed(
    connection: Connection,
    variants: Sequence[Variant],
    facility: str | None,
    period: Period,
    given: Given | None = None,
) -> tuple[Replay, ...]:
    """Each variant replayed; `given` stands in place of what is stored.

    Raises `NotFound` where the monitors' baseline is no more, `MeasureMismatch` where counts are
    given for what cannot be weighed by them.
    """
    facilities = None if facility is None else (facility,)
    case_file = CaseFile(connection, facilities)
    if variants[0].monitor.kind in RULES_OVER_CASES:
        if given is not None:
            raise MeasureMismatch("A rule of one case or of linkage looks at cases, not at counts.")
        return tuple(_over_cases(case_file, variant, period) for variant in variants)
    baseline = baseline_of(connection, variants[0].monitor)
    if given is not None:
        return tuple(replay_on_series(v, baseline, given, period) for v in variants)
    return _over_series(case_file, variants, baseline, facilities, period)


def baseline_of(connection: Connection, monitor: MonitorDefinition) -> Baseline:
    """The baseline in force of a monitor that has one; raises `NotFound` where it is no more."""
    found = catalogue.current_baselines(connection).get(monitor.baseline_id or "")
    if found is None:
        raise NotFound("The monitor's baseline is no more.")
    return found


def _over_cases(case_file: CaseFile, variant: Variant, period: Period) -> Replay:
    rule = variant.monitor.sentinel or variant.monitor.cluster
    types = [rule.infection_type] if rule else []
    return replay_on_cases(variant, case_file.infections(types), period)


def _over_series(
    case_file: CaseFile,
    variants: Sequence[Variant],
    baseline: Baseline,
    facilities: tuple[str, ...] | None,
    period: Period,
) -> tuple[Replay, ...]:
    """One series serves all variants that leave the same organisms out."""
    read: dict[bool, Series] = {}

    def series_without(*, contaminants: bool) -> Series:
        if contaminants not in read:
            cases = cases_for(case_file, baseline, None, without_contaminants=contaminants)
            read[contaminants] = series_for(
                case_file,
                baseline,
                cases,
                facilities,
                period.end_day,
                without_contaminants=contaminants,
            )
        return read[contaminants]

    def one(variant: Variant) -> Replay:
        reason = cannot_watch(variant.monitor, baseline)
        if reason:
            return Replay(variant, error=reason)
        series = series_without(contaminants=variant.monitor.exclude_usual_contaminants)
        return replay_on_series(variant, baseline, series, period)

    return tuple(one(variant) for variant in variants)
