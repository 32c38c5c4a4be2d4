"""Many monitors at once, in a real store: what stands is what e-BH makes of the ledger of today.

Each history is what a network may live through: reports, days on which nobody reports, alerts
closed and opened again, monitors switched. After each step the alerts that stand are compared with
e-BH, worked out by hand over evidence that is recomputed for every place from the ledger.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import exp
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from service.domain.audit_chain import Actor
from service.examples.mexico import mexico_events
from service.monitors.alerts import AlertState
from service.monitors.discoveries import WITH_E_VALUE
from service.monitors.error_budget import ErrorBudget
from service.pipeline.catalogue import keep_monitor
from service.pipeline.discoveries import Judgement, judge
from service.pipeline.error_budget import set_budget
from service.pipeline.look import look_at
from service.pipeline.monitor_paths import monitor_path
from service.store import catalogue
from service.store.readings import all_readings
from service.store.tables import MonitorReadingRow
from tests.integration.test_alerts import CINICOLA, Network, network, network_in, recipients

__all__ = ["network"]

LUNG = "excess-ntm-lung-disease"
FACILITIES = ("a", "b", "c")


def lungs(prefix: str, facility: str, index_date: date, number: int, ill: int) -> list[Any]:
    """So many lung transplants of one month, the first of them with NTM disease from day 30 on."""
    found: list[dict[str, Any]] = []
    for n in range(number):
        who = {"facility": facility, "patient": f"{prefix}-{n}"}
        day = index_date + timedelta(days=n % 28)

        def event(kind: str, after: int, who: Any = who, day: date = day, **more: Any) -> Any:
            on = (day + timedelta(days=after)).isoformat()
            name = f"{who['patient']}-{kind}"
            return {"type": kind, "event_id": name, **who, "occurred_on": on, **more}

        found.append(event("transplant", 0, transplant_type="lung"))
        if n < ill:
            organism = {"organism": "M. avium", "specimen": "sputum", "status": "disease"}
            found.append(event("infection", 30 + n, **organism))
        found.append(event("follow_up", 60))
    return found


def judged(network: Network) -> Judgement:
    with network.surveillance.database.read() as connection:
        return judge(connection, network.surveillance)


def standing(network: Network) -> set[tuple[str, str]]:
    return {tuple(place) for place in judged(network).standing}


def by_hand(network: Network, facilities: Iterable[str], level: float) -> set[tuple[str, str]]:
    """e-BH over every enabled monitor at every place, each weighed from the ledger as of today."""
    today = network.surveillance.today().toordinal()
    log_e: dict[tuple[str, str], float] = {}
    with look_at(network.surveillance) as look:
        for monitor in catalogue.current_monitors(look.connection):
            if monitor.enabled and monitor.method in WITH_E_VALUE:
                for facility in (*facilities, None):
                    path = monitor_path(look, monitor, facility, today)
                    log_e[monitor.id, path.scope_key] = path.evidence.log_e_now or 0.0
    ranked = sorted(log_e, key=log_e.__getitem__, reverse=True)
    for k in range(len(ranked), 0, -1):
        if exp(log_e[ranked[k - 1]]) >= len(ranked) / (level * k):
            return set(ranked[:k])
    return set()


# The law

steps = st.one_of(
    st.tuples(
        st.just("report"),
        st.sampled_from(FACILITIES),
        st.sampled_from(["allo", "lung"]),
        st.integers(1, 12),
        st.integers(0, 4),
    ),
    st.tuples(st.just("days"), st.sampled_from([1, 40, 200, 900])),
    st.tuples(st.sampled_from(["close", "reopen"]), st.integers(0, 5)),
    st.tuples(st.just("switch"), st.sampled_from([CINICOLA, LUNG])),
)


def live(network: Network, number: int, step: Sequence[Any], sent: set[str]) -> None:
    """Let the network live through one step; one that means nothing then is passed over."""
    name, *details = step
    if name == "report":
        facility, organ, patients, ill = details
        index_date = network.clock.day - timedelta(days=100)
        if organ == "lung":
            events = lungs(f"s{number}", facility, index_date, patients, ill)
        else:
            events = recipients(f"s{number}-", index_date, patients, ill)
            events = [{**event, "facility": facility} for event in events]
        latest = network.clock.day.isoformat()
        network.send([event for event in events if event["occurred_on"] <= latest])
        sent.add(facility)
    elif name == "days":
        network.clock.day += timedelta(days=details[0])
    elif name == "switch":
        with network.surveillance.database.write() as connection:
            monitor = catalogue.find_monitor(connection, details[0])
            other = msgspec.structs.replace(monitor, enabled=not monitor.enabled)
            keep_monitor(connection, network.surveillance, other)
    else:
        fit = [a for a in network.alerts() if a.is_open == (name == "close") and a.cases]
        if fit:
            more = {"outcome": "expected"} if name == "close" else {}
            network.act(fit[details[0] % len(fit)].id, name, **more)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, min_size=2, max_size=8), level=st.sampled_from([0.01, 0.05, 0.3]))
def test_what_stands_is_e_bh_over_the_ledger_of_today(databases, history, level):
    with databases(migrated=True) as url, network_in(url) as network:
        with network.surveillance.database.write() as connection:
            budget = ErrorBudget(false_discovery_rate=level)
            set_budget(connection, network.surveillance, budget, Actor("operator"))
        sent: set[str] = set()
        for number, step in enumerate(history):
            live(network, number, step, sent)
            expected = by_hand(network, sorted(sent), level)
            found = judged(network)
            assert {tuple(place) for place in found.standing} == expected, step
            for alert in network.alerts():
                place = (alert.monitor_id, alert.scope_key)
                known = alert.is_open and place in {tuple(one) for one in found.judged}
                assert found.passes(alert) == ((place in expected) if known else None)


# Charts


def test_one_alert_stands_among_all_and_a_weaker_one_does_not(network):
    """Three facilities and the network, four monitors: sixteen places. Six of thirty recipients
    stand out; three of twenty lungs have signalled, which is not enough among sixteen."""
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    network.send(lungs("q", "b", date(2026, 4, 1), 20, ill=3))
    network.send(lungs("r", "c", date(2026, 4, 1), 30, ill=0))
    found = judged(network)
    assert len(found.judged) == 16
    told = {(a.monitor_id, a.scope_key): found.passes(a) for a in network.alerts()}
    assert told[CINICOLA, "facility:ucd-01"] is True
    assert told[LUNG, "facility:b"] is False
    assert by_hand(network, ["ucd-01", "b", "c"], 0.05) == standing(network)


def test_days_on_which_nobody_reports_weaken_what_stood(network):
    """Person-time goes on after the last report: the alert stays, but it no longer stands among
    all, and the reading of the last report is not taken for the evidence of today."""
    network.send(lungs("q", "b", date(2026, 4, 1), 40, ill=4))
    (alert,) = [a for a in network.alerts(LUNG) if a.scope_key == "facility:b"]
    assert judged(network).passes(alert) is True
    network.clock.day += timedelta(days=100)
    with network.surveillance.database.read() as connection:
        (reading,) = [r for r in all_readings(connection) if r.scope_key == "facility:b"]
    assert reading.day == network.clock.day.toordinal() - 100
    assert alert.is_open
    assert judged(network).passes(alert) is False
    assert standing(network) == by_hand(network, ["b"], 0.05)


def test_a_closed_alert_is_not_judged_and_one_opened_again_is(network):
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    (alert,) = [a for a in network.alerts(CINICOLA) if a.scope_key == "facility:ucd-01"]

    def now() -> AlertState:
        (same,) = [a for a in network.alerts() if a.id == alert.id]
        return same

    assert judged(network).passes(now()) is True
    network.act(alert.id, "close", outcome="expected")
    assert judged(network).passes(now()) is None
    assert (CINICOLA, "facility:ucd-01") not in standing(network)
    network.act(alert.id, "reopen")
    assert judged(network).passes(now()) is True


def test_an_alert_of_before_there_were_readings_is_weighed_when_it_is_read(network):
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    before = standing(network)
    with network.surveillance.database.write() as connection:
        connection.execute(delete(MonitorReadingRow))
    assert standing(network) == before != set()


def test_a_sentinel_and_a_cluster_are_not_judged(network):
    network.send(mexico_events())
    found = judged(network)
    kinds = {a.kind: found.passes(a) for a in network.alerts() if a.kind != "excess"}
    assert kinds == {"sentinel": None, "cluster": None}


@pytest.mark.parametrize("how", ["switched off", "voided"])
def test_a_place_that_is_no_longer_weighed_has_no_reading(network, how):
    network.send(recipients("p", date(2025, 1, 1), 30, ill=1))
    with network.surveillance.database.read() as connection:
        count = select(func.count()).select_from(MonitorReadingRow)
        assert connection.execute(count).scalar_one() == 2
    if how == "switched off":
        with network.surveillance.database.write() as connection:
            monitor = catalogue.find_monitor(connection, CINICOLA)
            off = msgspec.structs.replace(monitor, enabled=False)
            keep_monitor(connection, network.surveillance, off)
    else:
        void = {"type": "void", "event_id": "v", "facility": "ucd-01", "patient": "p0"}
        network.send(
            [{**void, "occurred_on": "2026-06-01", "voids": "p0-infection", "reason": "duplicate"}]
        )
    with network.surveillance.database.read() as connection:
        assert all_readings(connection) == []
