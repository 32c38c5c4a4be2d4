"""Alerts in a real store: one outcome in any order, evidence that can be recomputed, no traces.

Each test records events as hospitals send them, on SQLite and on PostgreSQL, under a clock that
the test moves.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from sqlalchemy import MetaData, delete, select, update
from sqlmodel import SQLModel

from service.channels.ways import Setup, Ways
from service.domain.audit_chain import Actor
from service.domain.recipients import Recipient
from service.errors import Conflict, NotFound
from service.examples.mexico import mexico_events
from service.examples.network import simulate
from service.examples.planted import RaisedRate
from service.ingest.faults import Draft
from service.ingest.items import read_item
from service.monitors.actions import Action
from service.monitors.alerts import AlertState
from service.monitors.shipped import shipped_monitors
from service.pipeline.alerting import WholeAlert, act, find_alert, is_visible, list_alerts
from service.pipeline.catalogue import keep_monitor, put_baseline
from service.pipeline.erase import erase
from service.pipeline.look import look_at
from service.pipeline.monitor_paths import monitor_path, present_volume
from service.pipeline.recipients import add_recipient
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline, shipped_baselines
from service.stats.e_process import log_e_value
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.engine import Database
from service.store.events import PatientKey
from service.store.tables import LedgerHead

CINICOLA = "excess-cinicola-ntm-allo"


@dataclass
class Clock:
    """The instant that the surveillance takes for now."""

    day: date = date(2026, 7, 1)

    def __call__(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)


@dataclass
class Network:
    """A surveillance with everything shipped in its catalogue."""

    surveillance: Surveillance
    clock: Clock

    def send(self, events: Iterable[dict[str, Any]]) -> None:
        """Record one batch; every event must be accepted."""
        drafts = []
        for index, event in enumerate(events):
            read = read_item(index, event, today_latest=self.clock.day)
            assert isinstance(read, Draft), read
            drafts.append(read)
        receipt = record(self.surveillance, drafts)
        assert {verdict.status for verdict in receipt.verdicts} <= {"accepted"}

    def alerts(self, monitor_id: str | None = None) -> list[AlertState]:
        """The alerts, the newest first."""
        wanted = [monitor_id] if monitor_id else None
        with self.surveillance.database.read() as connection:
            return [kept.state for kept in alert_store.alerts_of(connection, wanted)]

    def act(self, alert_id: str, name: Any, **more: Any) -> WholeAlert:
        """A person does something to an alert."""
        action = Action(name, self.clock.day.toordinal(), **more)
        return act(self.surveillance, alert_id, action, actor=Actor("nurse"), reach=None)

    def standing(self) -> set[tuple[str, str, frozenset[str]]]:
        """Of each open, supported alert: monitor, severity and the events of its cases."""
        return {
            (a.monitor_id, a.severity, frozenset(key.episode_id for key in a.cases))
            for a in self.alerts()
            if a.is_open and a.supported
        }


@contextmanager
def network_in(url: str) -> Iterator[Network]:
    clock = Clock()
    database = Database(url)
    surveillance = Surveillance(database, clock=clock)
    with database.write() as connection:
        baselines = shipped_baselines()
        catalogue.add_shipped(connection, baselines, shipped_monitors(baselines), clock())
    try:
        yield Network(surveillance, clock)
    finally:
        database.close()


@pytest.fixture
def network(migrated_url: str) -> Iterator[Network]:
    with network_in(migrated_url) as network:
        yield network


KEPT = (
    "baselines",
    "monitors",
    "ledger_head",
    "api_keys",
    "audit",
    "audit_mentions",
    "audit_head",
)
"""The catalogue, and what nobody can delete."""


def start_again(network: Network) -> None:
    """Forget all reports and alerts; the catalogue stays."""
    with network.surveillance.database.write() as connection:
        for name, table in SQLModel.metadata.tables.items():
            if name not in KEPT:
                connection.execute(delete(table))
        connection.execute(update(LedgerHead).values(position=0))


def allo(patient: str, index_date: date, infected_after_days: int | None = None) -> list[Any]:
    """An allogeneic HSCT, M. avium in the sputum after so many days, seen again after 200."""
    who = {"facility": "ucd-01", "patient": patient}

    def event(type_: str, days: int, **more: Any) -> dict[str, Any]:
        on = (index_date + timedelta(days=days)).isoformat()
        return {"type": type_, "event_id": f"{patient}-{type_}", **who, "occurred_on": on, **more}

    events = [event("transplant", 0, transplant_type="allo_hsct", age_years=40)]
    if infected_after_days is not None:
        organism = {"organism": "M. avium", "specimen": "sputum", "status": "disease"}
        events.append(event("infection", infected_after_days, **organism))
    return [*events, event("follow_up", 200)]


def recipients(prefix: str, index_date: date, number: int, ill: int) -> list[dict[str, Any]]:
    """So many recipients of one month, the first of them ill from day 30 on."""
    return [
        event
        for n in range(number)
        for event in allo(
            f"{prefix}{n}", index_date + timedelta(days=n % 28), 30 + n if n < ill else None
        )
    ]


# One outcome


def shuffled(events: Sequence[dict[str, Any]], chance: Random) -> list[dict[str, Any]]:
    """Any order in which a correction comes after what it corrects."""
    order = list(events)
    chance.shuffle(order)
    place = {event["event_id"]: number for number, event in enumerate(order)}
    earlier, later = sorted((place["mx-b-culture-1"], place["mx-b-culture-2"]))
    first, second = order[earlier], order[later]
    if "replaces" in first:
        order[earlier], order[later] = second, first
    return order


def test_the_cluster_stands_in_the_end_whatever_arrives_first(network):
    events = list(mexico_events())
    chance = Random(20240509)
    outcomes = []
    for batch_size in (11, 1, 1, 1, 3, 4):
        start_again(network)
        order = shuffled(events, chance)
        for number in range(0, len(order), batch_size):
            network.send(order[number : number + batch_size])
        outcomes.append(network.standing())
    assert all(outcome == outcomes[0] for outcome in outcomes)
    cases = frozenset({"mx-a-culture-1#0", "mx-b-culture-2#0", "mx-c-culture-1#0"})
    assert ("cluster-ntm", "critical", cases) in outcomes[0]
    assert len(outcomes[0]) == 4  # and a sentinel at each hospital


# Evidence


def test_a_planted_excess_is_found_and_its_e_value_can_be_recomputed(network):
    raised = (RaisedRate("net-01", date(2022, 1, 1), ratio=40.0),)
    simulation = simulate(
        7,
        patients=100,
        facilities=1,
        start=date(2022, 1, 1),
        end=date(2026, 6, 30),
        raised=raised,
        outbreaks=(),
    )
    network.send(simulation.events())
    by_scope = {alert.scope_key: alert for alert in network.alerts(CINICOLA)}
    assert set(by_scope) == {"facility:net-01", "network"}

    alert = by_scope["facility:net-01"]
    evidence = alert.latest_evidence
    assert evidence["observed"] == len(alert.cases) >= 3
    assert evidence["null"] == {"value": 0.0193, "described_as": "upper 95% limit of the baseline"}
    assert evidence["expected"] == pytest.approx(0.0193 * evidence["recipients"])
    assert evidence["baseline"] == {"id": "cinicola-ntm-allo", "version": 1}
    assert evidence["e_value"] >= evidence["threshold"] == 20

    # From the alert's own cases and the entries in the ledger, day by day.
    with look_at(network.surveillance) as look:
        monitor = catalogue.find_monitor(look.connection, CINICOLA)
        path = monitor_path(look, monitor, "net-01", network.clock.day.toordinal())
    drawn = path.evidence.path
    onsets = sorted(key.onset_day for key in alert.cases)
    assert np.searchsorted(onsets, drawn.days, side="right").tolist() == drawn.cases.tolist()
    again = np.exp(log_e_value(drawn.cases, drawn.expected))
    assert evidence["e_value"] == pytest.approx(again.max(), rel=1e-12)
    signalled = drawn.days[np.argmax(again >= 20)]
    assert evidence["signalled_on"] == date.fromordinal(int(signalled)).isoformat()


def test_after_closing_the_evidence_starts_anew(network):
    """Six of thirty fall ill in 2024: an excess, closed in 2025 as expected. What comes from
    recipients of before stays settled; six of thirty new ones are an excess of their own."""
    network.clock.day = date(2025, 1, 10)
    network.send(recipients("old", date(2024, 1, 1), 30, ill=6))
    facility_alerts = [a for a in network.alerts(CINICOLA) if a.scope_key == "facility:ucd-01"]
    (first,) = facility_alerts
    assert first.latest_evidence["observed"] == 6
    for alert in network.alerts(CINICOLA):
        network.act(alert.id, "close", outcome="expected", note="a known cohort")

    network.clock.day = date(2025, 2, 1)
    network.send(allo("late", date(2024, 6, 1), 230))  # of an old recipient
    assert {a.status for a in network.alerts(CINICOLA)} == {"closed"}

    network.clock.day = date(2026, 1, 1)
    network.send(recipients("new", date(2025, 2, 1), 30, ill=6))
    by_status = {
        alert.status: alert
        for alert in network.alerts(CINICOLA)
        if alert.scope_key == "facility:ucd-01"
    }
    anew = by_status["open"]
    assert anew.latest_evidence["counted_from"] == "2025-01-11"
    assert (anew.latest_evidence["observed"], anew.latest_evidence["recipients"]) == (6, 30)
    assert {key.patient for key in anew.cases} == {f"new{n}" for n in range(6)}
    assert by_status["closed"].latest_evidence["observed"] == 6


def test_a_monitor_switched_on_is_evaluated_at_once_and_alerts_keep_names_of_their_own(network):
    with network.surveillance.database.write() as connection:
        monitor = catalogue.find_monitor(connection, CINICOLA)
        off = msgspec.structs.replace(monitor, enabled=False)
        keep_monitor(connection, network.surveillance, off)
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    assert network.alerts(CINICOLA) == []

    strict = msgspec.structs.replace(monitor, id="strict", alpha=0.01, scope="network")
    for one in (monitor, strict):
        with network.surveillance.database.write() as connection:
            keep_monitor(connection, network.surveillance, one)
    found = network.alerts()
    assert {(a.monitor_id, a.scope_key) for a in found} == {
        (CINICOLA, "facility:ucd-01"),
        (CINICOLA, "network"),
        ("strict", "network"),
    }
    assert len({alert.id for alert in found}) == 3


def test_a_monitor_switched_on_brings_old_alerts_up_to_date_where_no_case_is_left(network):
    """While it was off, the cases were voided: on again, the alert says it is not supported."""
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    with network.surveillance.database.write() as connection:
        monitor = catalogue.find_monitor(connection, CINICOLA)
        off = msgspec.structs.replace(monitor, enabled=False)
        keep_monitor(connection, network.surveillance, off)
    voids = [
        {
            "type": "void",
            "event_id": f"void-{n}",
            "facility": "ucd-01",
            "patient": f"p{n}",
            "occurred_on": "2026-06-01",
            "voids": f"p{n}-infection",
            "reason": "duplicate",
        }
        for n in range(6)
    ]
    network.send(voids)
    assert {a.supported for a in network.alerts(CINICOLA)} == {True}
    with network.surveillance.database.write() as connection:
        keep_monitor(connection, network.surveillance, monitor)
    assert {a.supported for a in network.alerts(CINICOLA)} == {False}


# A catalogue that changes


def with_version(network: Network, **fields: Any) -> list[Baseline]:
    with network.surveillance.database.write() as connection:
        held = catalogue.baseline_versions(connection, "cinicola-ntm-allo")
        changed = msgspec.structs.replace(held[0], version=held[0].version + 1, **fields)
        return put_baseline(connection, network.surveillance, changed, held)


def test_a_new_version_is_taken_over_at_once_and_old_evidence_keeps_its_own(network):
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    versions = with_version(network, value=0.3, ci_lower=0.2, ci_upper=0.4)
    assert [baseline.version for baseline in versions] == [2, 1]
    for alert in network.alerts(CINICOLA):
        assert alert.supported is False
        with network.surveillance.database.read() as connection:
            kept = find_alert(connection, alert.id, None).kept
        assert kept.evidence["baseline"]["version"] == 1


def test_a_version_that_cannot_be_watched_is_refused_while_a_monitor_is_on(network):
    with pytest.raises(Conflict, match=CINICOLA):
        with_version(network, comparable=False)


def test_a_baseline_that_cannot_be_watched_never_stops_a_report(network):
    """It got there by another way: reports must still be taken in."""
    with network.surveillance.database.write() as connection:
        (held,) = catalogue.baseline_versions(connection, "cinicola-ntm-allo")
        odd = msgspec.structs.replace(held, version=2, measure="share", among=held.numerator)
        catalogue.add_baseline(connection, odd, network.clock())
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    assert network.alerts(CINICOLA) == []


def test_the_same_fields_make_no_new_version(network):
    assert [baseline.version for baseline in with_version(network)] == [1]


# Erasure


def everything_in(network: Network) -> str:
    """Every row of every table as text."""
    found: list[str] = []
    with network.surveillance.database.read() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            found += [f"{table.name}: {tuple(row)}" for row in connection.execute(select(table))]
    return "\n".join(found)


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_an_erased_patient_is_nowhere_in_the_alerts(network, closed):
    told = Recipient("r-1", "ward", "webhook", "https://hooks.example.org/")
    add_recipient(network.surveillance, Ways(Setup()), told, Actor("operator"))
    network.send(mexico_events())
    assert "alert.opened" in everything_in(network)
    if closed:
        for alert in network.alerts():
            network.act(alert.id, "close", outcome="outbreak")
    assert "mx-b" in everything_in(network)
    erase(network.surveillance, PatientKey("mx-traveller-az-1", "mx-b"), Actor("operator"))
    left = everything_in(network)
    assert "mx-b" not in left
    assert "mx-a-culture-1" in left

    of_arizona = [a for a in network.alerts() if a.facilities == ("mx-traveller-az-1",)]
    assert [(a.cases, a.first_onset_day, a.last_onset_day) for a in of_arizona] == [
        (frozenset(), None, None)
    ]
    cluster = next(a for a in network.alerts() if a.kind == "cluster")
    assert {key.patient for key in cluster.cases} == {"mx-a", "mx-c"}
    assert cluster.first_onset_day == date(2022, 11, 14).toordinal()


# Who sees what


def test_a_bound_key_sees_what_is_wholly_its_own(network):
    network.send(mexico_events())
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    with network.surveillance.database.read() as connection:

        def seen(*facilities: str) -> set[tuple[str, str]]:
            page = list_alerts(connection, {}, about=(), reach=facilities, place=None, limit=50)
            return {(a.kept.state.kind, a.kept.state.scope_key) for a in page.alerts}

        assert seen("mx-traveller-az-1") == {("sentinel", "facility:mx-traveller-az-1")}
        hospitals = ("mx-traveller-az-1", "mx-traveller-co-1", "mx-traveller-co-2")
        assert ("cluster", "network") in seen(*hospitals)
        assert ("cluster", "network") not in seen(*hospitals[:2])
        # All its cases are of ucd-01, but the network's recipients stand in its evidence.
        assert seen("ucd-01") == {("excess", "facility:ucd-01")}
        assert seen() == set()


def test_an_alert_that_names_no_facility_is_for_nobody_bound(network):
    network.send(mexico_events())
    cluster = next(a for a in network.alerts() if a.kind == "cluster")
    assert not is_visible(replace(cluster, facilities=()), ["mx-traveller-az-1"])


def test_what_a_key_does_not_see_it_cannot_act_on(network):
    network.send(mexico_events())
    cluster = next(a for a in network.alerts() if a.kind == "cluster")
    action = Action("acknowledge", network.clock.day.toordinal())
    with pytest.raises(NotFound):
        act(network.surveillance, cluster.id, action, actor=Actor("x"), reach=["mx-traveller-az-1"])
    assert next(a for a in network.alerts() if a.kind == "cluster").status == "open"


def test_pages_hold_every_alert_once_in_order(network):
    network.send(mexico_events())
    network.send(recipients("p", date(2025, 1, 1), 30, ill=6))
    with network.surveillance.database.read() as connection:

        def walk(limit: int) -> list[str]:
            names, place = [], None
            while True:
                page = list_alerts(connection, {}, about=(), reach=None, place=place, limit=limit)
                names += [alert.kept.state.id for alert in page.alerts]
                if page.place is None:
                    return names
                place = page.place

        whole = walk(50)
        assert len(whole) == 6
        assert walk(1) == walk(2) == walk(4) == whole
        page = list_alerts(
            connection,
            {"kind": ["cluster"]},
            about=["mx-traveller-co-2"],
            reach=None,
            place=None,
            limit=5,
        )
        assert [alert.kept.state.kind for alert in page.alerts] == ["cluster"]


def test_the_present_volume_is_what_the_last_year_expected(network: Network) -> None:
    """Fifty recipients entered about 300 days ago, 50 before: 1.93% of the former in 365 days."""
    today = network.clock.day
    network.send(recipients("new", today - timedelta(days=300), 50, ill=0))
    network.send(recipients("old", today - timedelta(days=1000), 50, ill=0))
    with look_at(network.surveillance) as look:
        monitor = catalogue.find_monitor(look.connection, CINICOLA)
        assert monitor is not None
        volume = present_volume(look, monitor, None, today.toordinal())
        elsewhere = present_volume(look, monitor, ("none",), today.toordinal())
    assert volume == pytest.approx(50 * 0.0193 / 365)
    assert elsewhere == 0.0
