"""What an evaluation means for the alerts: which open, change, lose support, or merge.

In:     evaluations of some monitors and scopes, and the alerts there are, closed ones included.
Out:    `Change`s, the same whatever the order of either.
Source: docs/methods.md 8.4 and 8.7.

The rules, none of which removes an alert:

- New cases join the open (or acknowledged) alert. There is one open alert for each monitor and
  scope; only a cluster is known by its cases.
- An open alert without a signal becomes unsupported, and supported again when a signal returns.
- A closed alert stays closed, and its cases alone open no other. A new case does: for a sentinel
  the new alert holds the new cases, for a cluster all that are linked, `continues` naming the
  closed alert. For all else the evidence starts anew on the day after closing (`evidence_since`).
- Where two open alerts turn out to be one cluster, the older takes all cases and the newer becomes
  unsupported, "merged into" the older. Where one cluster falls into two, the alert keeps the part
  it has most cases of, and the rest opens a new one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.monitors.alerts import AlertState, Change, MergeInto, Open, Support, Update
from service.monitors.cases import CaseKey, pair_up
from service.monitors.definitions import Kind
from service.monitors.signals import Evaluation, Signal
from service.monitors.wording import counted


def reconcile(evaluations: Iterable[Evaluation], alerts: Iterable[AlertState]) -> list[Change]:
    """The changes that bring the alerts into line with the evaluations.

    `alerts` must hold every alert of the evaluated monitors and scopes; others are left alone.
    """
    kept = sorted(alerts, key=lambda alert: alert.age_order)
    changes: list[Change] = []
    for evaluation in sorted(evaluations, key=lambda e: (e.monitor_id, e.scope_key)):
        own = [
            alert
            for alert in kept
            if (alert.monitor_id, alert.scope_key) == (evaluation.monitor_id, evaluation.scope_key)
        ]
        match = MATCHING[evaluation.kind](evaluation.signals, own)
        changes += _changes(match, own, evaluation.finding)
    return changes


@dataclass(frozen=True, slots=True)
class Match:
    """Which signal belongs to which open alert, which to none, and which alerts were taken over."""

    of_alert: dict[str, Signal]
    new: tuple[Open, ...]
    merged: dict[str, str]


def _changes(match: Match, own: Sequence[AlertState], finding: str) -> Iterator[Change]:
    for alert in own:
        if not alert.is_open:
            continue
        if alert.id in match.of_alert:
            yield from _brought_up_to_date(alert, match.of_alert[alert.id])
        elif alert.id in match.merged:
            if alert.cases or alert.supported:
                yield MergeInto(alert.id, match.merged[alert.id])
        elif alert.supported:
            yield Support(alert.id, supported=False, why=finding)
    yield from match.new


def _brought_up_to_date(alert: AlertState, signal: Signal) -> Iterator[Change]:
    if not alert.supported:
        yield Support(alert.id, supported=True, why="the data support it again")
    pairs = pair_up(signal.case_keys, alert.cases)
    added = tuple(case for case in signal.cases if case.key not in pairs)
    removed = tuple(sorted(alert.cases - set(pairs.values()), key=lambda key: key[:4]))
    severity_before = alert.severity if alert.severity != signal.severity else None
    what = []
    if added:
        what.append(counted(len(added), "new case"))
    if removed:
        what.append(f"{counted(len(removed), 'case')} no longer in it")
    if severity_before:
        what.append(f"severity {severity_before} is now {signal.severity}")
    if what or _stands_otherwise(alert, signal):
        yield Update(alert.id, signal, added, removed, severity_before, tuple(what))


def _stands_otherwise(alert: AlertState, signal: Signal) -> bool:
    """Do figures or names differ? The store may keep more in the evidence than the signal has."""
    known = {name: alert.latest_evidence.get(name) for name in signal.evidence}
    return (alert.cases, alert.title, alert.facilities, known) != (
        signal.case_keys,
        signal.title,
        signal.facilities,
        signal.evidence,
    )


def _by_scope(signals: Sequence[Signal], own: Sequence[AlertState]) -> Match:
    """One alert for the scope: the oldest open one takes the signal and all others' cases."""
    still_open = [alert for alert in own if alert.is_open]
    if not signals:
        return Match({}, (), {})
    (signal,) = signals
    if not still_open:
        return Match({}, (Open(signal),), {})
    oldest, *others = still_open
    return Match({oldest.id: signal}, (), {alert.id: oldest.id for alert in others})


def _new_cases_by_scope(signals: Sequence[Signal], own: Sequence[AlertState]) -> Match:
    """As by scope, after leaving out the cases of closed alerts that stand in no open one."""
    in_open = [key for alert in own if alert.is_open for key in alert.cases]
    in_closed = [key for alert in own if not alert.is_open for key in alert.cases]
    kept = []
    for signal in signals:
        keys = signal.case_keys
        settled = _found_again(keys, in_closed) - _found_again(keys, in_open)
        cases = [case for case in signal.cases if case.key not in settled]
        if cases:
            kept.append(signal if len(cases) == len(signal.cases) else signal.limited_to(cases))
    return _by_scope(kept, own)


def _by_cases(signals: Sequence[Signal], own: Sequence[AlertState]) -> Match:
    """Clusters: an alert belongs to the signal it shares most cases with, the oldest first."""
    of_alert: dict[str, Signal] = {}
    merged: dict[str, str] = {}
    holder: dict[int, str] = {}
    for alert in own:
        if not alert.is_open:
            continue
        settled_before = _cases_continued(alert, own)
        shared = {
            number: len(_found_again(signal.case_keys, alert.cases))
            for number, signal in enumerate(signals)
            if len(_found_again(signal.case_keys, settled_before)) < len(signal.cases)
        }
        touched = [number for number, cases in shared.items() if cases]
        free = [number for number in touched if number not in holder]
        if free:
            best = max(free, key=lambda number: (shared[number], -number))
            of_alert[alert.id] = signals[best]
            holder[best] = alert.id
        elif touched:
            merged[alert.id] = holder[max(touched, key=lambda number: (shared[number], -number))]
    settled = [key for alert in own if not alert.is_open for key in alert.cases]
    new = tuple(
        Open(signal, continues=_continued(signal, own))
        for number, signal in enumerate(signals)
        if number not in holder and len(_found_again(signal.case_keys, settled)) < len(signal.cases)
    )
    return Match(of_alert, new, merged)


def _found_again(keys: Iterable[CaseKey], known: Collection[CaseKey]) -> set[CaseKey]:
    """Those of the cases that are among the known ones."""
    return set(pair_up(keys, known))


def _cases_continued(alert: AlertState, own: Sequence[AlertState]) -> frozenset[CaseKey]:
    """The cases of the closed alert that this one continues: they do not support it alone."""
    earlier = [other for other in own if other.id == alert.continues and not other.is_open]
    return earlier[0].cases if earlier else frozenset()


def _continued(signal: Signal, own: Sequence[AlertState]) -> str | None:
    """The alert that held most of the cases, the latest of several."""
    shared = [(len(pair_up(signal.case_keys, alert.cases)), alert.age_order) for alert in own]
    cases, (_, alert_id) = max(shared, default=(0, (0, "")))
    return alert_id if cases else None


MATCHING: dict[Kind, Callable[[Sequence[Signal], Sequence[AlertState]], Match]] = {
    "excess": _by_scope,
    "rise": _by_scope,
    "share": _by_scope,
    "sentinel": _new_cases_by_scope,
    "cluster": _by_cases,
}
