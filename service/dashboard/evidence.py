"""The evidence of an alert in words: as it fired and as it stands.

In:     the evidence of both times, and the baseline it was weighed with.
Out:    `Facts`: a summary, and a row for each figure.
Source: docs/methods.md 8.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.dashboard import words
from service.dashboard.summaries import Evidence, summary_of
from service.monitors.definitions import Kind
from service.reference.baselines import Baseline
from service.stats.rates import DAYS_PER_YEAR


class Fact(NamedTuple):
    """One figure, when the alert fired and now."""

    name: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The evidence in a sentence and in rows."""

    summary: str
    rows: tuple[Fact, ...]


class Figure(NamedTuple):
    """How one figure is called and told; None where the evidence has none."""

    name: str
    tell: Callable[[Evidence], str | None]


def facts_of(kind: Kind, then: Evidence, now: Evidence, baseline: Baseline | None) -> Facts:
    """What speaks for the alert."""
    rows = []
    for name, tell in FIGURES[kind]:
        at_first, at_last = tell(then), tell(now)
        if at_first is not None or at_last is not None:
            rows.append(Fact(name, at_first or words.NONE, at_last or words.NONE))
    return Facts(summary_of(kind, now, baseline), tuple(rows))


def among_all_words(passes: bool | None, judged: int, level: float) -> str | None:
    """Whether the alert stands among all monitors too; None where that cannot be said.

    >>> among_all_words(True, 12, 0.05)
    'It also stands today among all 12 monitored series together, at a false discovery rate of 5%.'
    """
    if passes is None:
        return None
    stands = "It also stands" if passes else "By itself it has signalled; it does not stand"
    return (
        f"{stands} today among all {judged:,} monitored series together, at a false discovery rate "
        f"of {level * 100:g}%."
    )


def _count(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: None if name not in evidence else f"{evidence[name]:,}"


def _figure(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: None if name not in evidence else words.number(evidence[name])


def _day(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: words.iso_day(evidence[name]) if evidence.get(name) else None


def _e_value(evidence: Evidence) -> str | None:
    return words.evidence(evidence["e_value"]) if "e_value" in evidence else None


def _threshold(evidence: Evidence) -> str | None:
    return f"{evidence['threshold']:.4g}"


def _cusum(evidence: Evidence) -> str | None:
    return f"{words.number(evidence['cusum'] * 100)}%" if "cusum" in evidence else None


def _person_years(evidence: Evidence) -> str | None:
    days = evidence.get("person_days")
    return None if days is None else words.number(days / DAYS_PER_YEAR)


def _text(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: evidence.get(name)


WEIGHED = (
    Figure("Cases observed", _count("observed")),
    Figure("Cases expected under the null", _figure("expected")),
    Figure("E-value, highest so far", _e_value),
    Figure("Log-likelihood ratio, highest so far", _figure("log_likelihood_ratio")),
    Figure("E-detector in days, highest so far", _figure("e_detector")),
    Figure("CUSUM in % of its threshold, highest so far", _cusum),
    Figure("Threshold that signals", _threshold),
    Figure("Person-years at risk", _person_years),
    Figure("Recipients", _count("recipients")),
    Figure("Cases of any kind", _count("cases")),
    Figure("Rise from", _day("rise_from")),
    Figure("Rise to", _day("rise_to")),
    Figure("Horizon", _text("state")),
    Figure("Counted from", _day("counted_from")),
    Figure("Threshold first reached on", _day("signalled_on")),
)

FIGURES: Mapping[Kind, tuple[Figure, ...]] = {
    "excess": WEIGHED,
    "rise": WEIGHED,
    "share": WEIGHED,
    "sentinel": (
        Figure("Cases", _count("observed")),
        Figure("Cases that suffice", _count("threshold")),
    ),
    "cluster": (
        Figure("Linked cases", _count("observed")),
        Figure("Patients", _count("patients")),
    ),
}
