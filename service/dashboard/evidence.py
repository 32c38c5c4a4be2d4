"""The evidence of an alert in words: as it fired and as it stands.

In:     the evidence of both times, and the baseline it was weighed with.
Out:    `Facts`: a summary, and a row for each figure.
Source: docs/methods.md 8; Ville 1939: under the null an e-value ever reaches x with chance 1/x at
        most.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from service.dashboard import words
from service.monitors.definitions import Kind
from service.reference.baselines import Baseline
from service.stats.rates import DAYS_PER_YEAR

Evidence: TypeAlias = Mapping[str, Any]


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
    return Facts(SUMMARIES[kind](now, baseline), tuple(rows))


def _excess(now: Evidence, baseline: Baseline | None) -> str:
    null = now["null"]
    value = null_words(null["value"], baseline)
    chance = 100 / max(now["e_value"], 1.0)
    return (
        f"{words.counted(now['observed'], 'case')} where {words.number(now['expected'])} would be "
        f"expected at the {null['described_as']} ({value}). The e-value reached "
        f"{words.evidence(now['e_value'])}; {now['threshold']:g} was needed. If the "
        f"truth never exceeded that figure, evidence this strong would ever turn up in at most "
        f"{words.number(chance)}% of such series, however often anybody looks."
    )


def _sentinel(now: Evidence, _: Baseline | None) -> str:
    return (
        f"{words.counted(now['observed'], 'case')} in the data; one is enough for this alert. "
        "It asks to be looked into and proves no outbreak."
    )


def _cluster(now: Evidence, _: Baseline | None) -> str:
    facilities = words.counted(len(now["facilities"]), "facility", "facilities")
    return (
        f"{words.counted(now['patients'], 'patient')} at {facilities} with one organism group, "
        f"{now['organism_group']}, linked by what they share, with onsets that follow each other "
        f"within {now['max_gap_days']} days. A link is a question, not yet a common source."
    )


def null_words(value: float, baseline: Baseline | None) -> str:
    """The figure an excess must exceed, in the unit it is published in."""
    if baseline is not None and baseline.measure == "rate":
        return f"{words.number(value * 100)} per 100 person-years"
    return f"{words.number(value * 100)}%"


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


def _plain(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: None if name not in evidence else f"{evidence[name]:g}"


def _figure(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: None if name not in evidence else words.number(evidence[name])


def _day(name: str) -> Callable[[Evidence], str | None]:
    return lambda evidence: words.iso_day(evidence[name]) if evidence.get(name) else None


def _e_value(evidence: Evidence) -> str | None:
    return words.evidence(evidence["e_value"]) if "e_value" in evidence else None


def _person_years(evidence: Evidence) -> str | None:
    days = evidence.get("person_days")
    return None if days is None else words.number(days / DAYS_PER_YEAR)


FIGURES: Mapping[Kind, tuple[Figure, ...]] = {
    "excess": (
        Figure("Cases observed", _count("observed")),
        Figure("Cases expected under the null", _figure("expected")),
        Figure("E-value, highest so far", _e_value),
        Figure("E-value that signals", _plain("threshold")),
        Figure("Person-years at risk", _person_years),
        Figure("Recipients", _count("recipients")),
        Figure("Counted from", _day("counted_from")),
        Figure("Threshold first reached on", _day("signalled_on")),
    ),
    "sentinel": (
        Figure("Cases", _count("observed")),
        Figure("Cases that suffice", _count("threshold")),
    ),
    "cluster": (
        Figure("Linked cases", _count("observed")),
        Figure("Patients", _count("patients")),
    ),
}
SUMMARIES: Mapping[Kind, Callable[[Evidence, Baseline | None], str]] = {
    "excess": _excess,
    "sentinel": _sentinel,
    "cluster": _cluster,
}
