"""What speaks for an alert, in a few sentences.

In:     the evidence as it stands, and the baseline it was weighed with.
Out:    sentences: cases beside expected ones, how far the evidence came, what that means.
Source: docs/methods.md 8; Ville 1939: under the null an e-value ever reaches x with chance 1/x at
        most; Shin, Ramdas & Rinaldo 2024: an e-detector takes x days on average to reach x.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from service.dashboard import words
from service.monitors.definitions import Kind
from service.reference.baselines import Baseline

Evidence: TypeAlias = Mapping[str, Any]


def summary_of(kind: Kind, now: Evidence, baseline: Baseline | None) -> str:
    """The evidence of an alert in words."""
    return SUMMARIES[kind](now, baseline)


def _excess(now: Evidence, baseline: Baseline | None) -> str:
    counts = f"{words.counted(now['observed'], 'case')} where {_expected(now, baseline)}."
    return f"{counts} {REACHED[statistic_of(now)](now)}"


def _rise(now: Evidence, baseline: Baseline | None) -> str:
    days = words.days_between(now["rise_from"], now["rise_to"])
    cases = words.counted(now["observed"], "case")
    counts = f"{cases}, {days}, where {_expected(now, baseline)}"
    return f"{counts}. {REACHED[statistic_of(now)](now)}"


def _share(now: Evidence, baseline: Baseline | None) -> str:
    among = words.counted(now["cases"], "case")
    counts = f"{now['observed']:,} of {among} are of the kind, where {_expected(now, baseline)}"
    return f"{counts}. {REACHED[statistic_of(now)](now)}"


def _expected(now: Evidence, baseline: Baseline | None) -> str:
    null = now["null"]
    value = null_words(null["value"], baseline)
    number = words.number(now["expected"])
    return f"{number} would be expected at the {null['described_as']} ({value})"


def statistic_of(evidence: Evidence) -> str:
    """What the evidence is measured by; alerts kept before there were others have an e-value."""
    return str(evidence.get("statistic", "e_value"))


def _e_value_reached(now: Evidence) -> str:
    chance = 100 / max(now["e_value"], 1.0)
    return (
        f"The e-value reached {words.evidence(now['e_value'])}; {now['threshold']:g} was needed. "
        "If the truth never exceeded that figure, evidence this strong would ever turn up in at "
        f"most {words.number(chance)}% of such series, however often anybody looks."
    )


def _likelihood_ratio_reached(now: Evidence) -> str:
    return (
        f"The log-likelihood ratio reached {words.number(now['log_likelihood_ratio'])}; "
        f"{words.number(now['threshold'])} was needed, so that a false alarm before the horizon "
        "stays as rare as the monitor promises, however often anybody looks."
    )


def _e_detector_reached(now: Evidence) -> str:
    return (
        f"The e-detector reached {words.evidence(now['e_detector'])} days; {now['threshold']:g} "
        "was needed. If the truth never exceeded that figure, it would take at least so many days "
        "on average until a false alarm."
    )


def _cusum_reached(now: Evidence) -> str:
    return (
        f"The CUSUM reached {words.number(now['cusum'] * 100)}% of the threshold that it is "
        "designed to pass by chance only as seldom as the monitor says."
    )


REACHED: Mapping[str, Callable[[Evidence], str]] = {
    "e_value": _e_value_reached,
    "log_likelihood_ratio": _likelihood_ratio_reached,
    "e_detector": _e_detector_reached,
    "cusum": _cusum_reached,
}
"""How far the evidence came and what that means, by the name of the statistic."""


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


SUMMARIES: Mapping[Kind, Callable[[Evidence, Baseline | None], str]] = {
    "excess": _excess,
    "rise": _rise,
    "share": _share,
    "sentinel": _sentinel,
    "cluster": _cluster,
}
