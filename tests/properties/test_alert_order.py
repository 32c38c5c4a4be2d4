"""Laws of alerts: whatever the order of arrival, the same alerts stand in the end.

In:     networks of cases as chance would have them, arriving, being corrected and withdrawn in
        any order.
Out:    the alerts that the data support are those of one evaluation of all that stands.
Source: docs/methods.md 8.7; `service.monitors.reconcile`.
"""

from collections.abc import Sequence
from functools import partial
from random import Random

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.monitors.actions import Action
from service.monitors.alerts import AlertState
from service.monitors.cases import Case
from service.monitors.clusters import cluster_evaluation
from service.monitors.definitions import Method
from service.monitors.evaluations import baseline_evaluation
from service.monitors.nulls import matches
from service.monitors.sentinel import sentinel_evaluations
from service.monitors.series import Series, daily_series, share_series
from service.monitors.shipped import CLUSTER_NTM, SENTINEL_NTM, usual_monitor
from service.monitors.signals import Evaluation
from service.reference.baselines import Baseline, Numerator, Source
from tests.unit.monitors.charts import AlertBook, ntm_case

FACILITIES = ("a", "b", "c")
OVER_PERSON_TIME: tuple[Method, ...] = (
    "e_process",
    "maxsprt",
    "conditional_maxsprt",
    "e_detector",
    "cusum",
)
TODAY = 3000
RATE = Baseline(
    id="rate",
    version=1,
    title="NTM",
    measure="rate",
    value=0.2,
    printed="",
    cases=20,
    denominator=100.0,
    denominator_unit="person_years",
    numerator=Numerator(infection_type=("ntm",)),
    source=Source(title="Paper"),
    verified=True,
)
SHARE = msgspec.structs.replace(
    RATE,
    id="share",
    measure="share",
    numerator=Numerator(infection_type=("ntm",), site_class=("extrapulmonary",)),
    among=Numerator(infection_type=("ntm",)),
)
WATCHED = [
    *((RATE, msgspec.structs.replace(usual_monitor(RATE, m), id=m)) for m in OVER_PERSON_TIME),
    (SHARE, usual_monitor(SHARE, "share_shift")),
]

# A patient has one case: what two cases of one patient mean is told in charts, not by chance.
exposures = st.fixed_dictionaries(
    {
        "product_lot": st.sampled_from([None, None, "L-1", "L-2"]),
        "product_supplier": st.sampled_from([None, None, "S", "T"]),
        "performed_at": st.sampled_from([None, None, "Azul", "azul ", "Verde"]),
        "performed_in": st.sampled_from([None, "MX", "US"]),
        "transplant_type": st.sampled_from(
            ["stem_cell_injection", "kidney", "kidney+msc_infusion"]
        ),
        "site_class": st.sampled_from(["extrapulmonary", "pulmonary"]),
        "status": st.sampled_from(["disease", "infection", "disease", "colonisation"]),
    }
)
onsets = st.one_of(st.sampled_from([100, 101, 465, 466, 467, 831]), st.integers(1, 2000))
GROUPS = (
    ("Mycobacterium abscessus", "Mycobacterium abscessus complex"),
    ("Mycobacterium abscessus", "Mycobacterium abscessus complex"),
    ("Mycobacterium avium", "Mycobacterium avium complex"),
    ("Mycobacterium gordonae", "Mycobacterium gordonae"),
)


@st.composite
def single_cases(draw: st.DrawFn, name: str) -> Case:
    organism, group = draw(st.sampled_from(GROUPS))
    return ntm_case(
        name,
        draw(onsets),
        FACILITIES[int(name) % 3],
        organism=organism,
        organism_group=group,
        **draw(exposures),
    )


@st.composite
def courses_of_knowledge(draw: st.DrawFn) -> list[dict[str, Case]]:
    """What is known after each report: a case new, told otherwise, or withdrawn."""
    names = [str(number) for number in range(draw(st.integers(1, 9)))]
    reports = draw(st.lists(st.sampled_from(names), max_size=5))
    known: dict[str, Case] = {}
    states = []
    for name in [*reports, *draw(st.permutations(names))]:
        if name in known and draw(st.booleans()):
            known = {other: case for other, case in known.items() if other != name}
        else:
            known = {**known, name: draw(single_cases(name))}
        states.append(known)
    return states


def series_of(against: Baseline, cases: Sequence[Case]) -> Series:
    if against.measure == "share":
        return share_series([c for c in cases if matches(against.numerator, c)], cases)
    return daily_series(cases, np.array([1, TODAY]), np.array([1, -1]))


def evaluations(cases: Sequence[Case]) -> list[Evaluation]:
    weighed = []
    for facility in FACILITIES:
        own = [case for case in cases if case.facility == facility]
        for against, monitor in WATCHED:
            of_kind = [case for case in own if matches(against.numerator, case)]
            weighed.append(
                baseline_evaluation(
                    monitor,
                    against,
                    f"facility:{facility}",
                    series_of(against, own),
                    partial(iter, of_kind),
                    since_day=None,
                    today=TODAY,
                )
            )
    return [
        cluster_evaluation(CLUSTER_NTM, cases),
        *sentinel_evaluations(SENTINEL_NTM, cases, FACILITIES),
        *weighed,
    ]


def told_at_once(cases: Sequence[Case]) -> set[tuple[str, frozenset[str], str]]:
    book = AlertBook()
    book.take(*evaluations(cases))
    return book.standing()


def doubles(alerts: Sequence[AlertState]) -> list[tuple[str, str]]:
    """Cases that stand in two open alerts of one rule and scope."""
    held = [
        (alert.monitor_id, key.episode_id, alert.scope_key)
        for alert in alerts
        if alert.is_open
        for key in alert.cases
    ]
    return [
        (monitor, name)
        for monitor, name, scope in set(held)
        if held.count((monitor, name, scope)) > 1
    ]


@given(courses_of_knowledge(), st.randoms(use_true_random=False))
def test_any_way_to_the_same_knowledge_leads_to_the_same_alerts(
    states: list[dict[str, Case]], chance: Random
) -> None:
    book = AlertBook()
    for known in states:
        cases = list(known.values())
        chance.shuffle(cases)
        before = {alert_id: alert.status for alert_id, alert in book.alerts.items()}
        book.take(*evaluations(cases))
        assert doubles(list(book.alerts.values())) == []
        assert before.items() <= {a.id: a.status for a in book.alerts.values()}.items()
        assert book.take(*evaluations(cases)) == []
        assert book.standing() == told_at_once(cases)


@given(courses_of_knowledge(), st.data())
def test_closing_settles_cases_and_nothing_else_is_lost(
    states: list[dict[str, Case]], data: st.DataObject
) -> None:
    """Close any alert at any time: a case is in an open alert, or was closed, or needs none."""
    book = AlertBook()
    rules = {CLUSTER_NTM.id, SENTINEL_NTM.id}
    for known in states:
        found = [e for e in evaluations(list(known.values())) if e.monitor_id in rules]
        closed = {a.id: a for a in book.alerts.values() if not a.is_open}
        book.take(*found)
        assert book.take(*found) == []
        assert doubles(list(book.alerts.values())) == []
        assert all(book.alerts[alert_id] == alert for alert_id, alert in closed.items())
        for evaluation in found:
            of_rule = [a for a in book.alerts.values() if a.monitor_id == evaluation.monitor_id]
            settled = {key for a in of_rule if not a.is_open for key in a.cases}
            supported = {key for a in of_rule if a.is_open and a.supported for key in a.cases}
            names = {key.episode_id for key in settled | supported}
            for signal in evaluation.signals:
                assert {case.episode_id for case in signal.cases} <= names
        still_open = sorted(a.id for a in book.alerts.values() if a.is_open)
        if still_open and data.draw(st.booleans()):
            close = Action("close", day=TODAY, outcome="other")
            book.act(data.draw(st.sampled_from(still_open)), close)
