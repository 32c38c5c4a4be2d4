"""Charts of alerts: what opens, grows, loses its ground, merges, and stays closed."""

from typing import Any

import pytest

from service.monitors.actions import Action
from service.monitors.alerts import (
    Change,
    MergeInto,
    Open,
    Support,
    Update,
    evidence_since,
)
from service.monitors.cases import Case
from service.monitors.clusters import cluster_evaluation
from service.monitors.sentinel import sentinel_evaluations
from service.monitors.shipped import CLUSTER_NTM, SENTINEL_NTM
from service.monitors.signals import Evaluation, Signal
from tests.unit.monitors.charts import AlertBook, ntm_case

CLOSE = Action("close", day=500, outcome="outbreak")
REOPEN = Action("reopen", day=501)


@pytest.fixture
def book() -> AlertBook:
    return AlertBook()


def lot(name: str, onset_day: int = 100, lot: str = "L-17", **more: Any) -> Case:
    return ntm_case(name, onset_day, product_lot=lot, **more)


def linked(*cases: Case) -> Evaluation:
    return cluster_evaluation(CLUSTER_NTM, cases)


def at_a(*cases: Case) -> Evaluation:
    (evaluation,) = sentinel_evaluations(SENTINEL_NTM, cases, ["a"])
    return evaluation


def episodes(book: AlertBook, alert_id: str) -> set[str]:
    return {key.episode_id.removesuffix("#0") for key in book.alerts[alert_id].cases}


def kinds(changes: list[Change]) -> list[type]:
    return [type(change) for change in changes]


def excess(severity: str | None, since: str | None = None, cases: int = 4) -> Evaluation:
    signal = Signal(
        monitor_id="excess-b",
        kind="excess",
        scope_key="facility:a",
        severity=severity or "",
        title="NTM above the published rate at a",
        cases=tuple(ntm_case(str(n), 100 + n) for n in range(cases)),
        evidence={"observed": cases, "counted_from": since},
    )
    finding = "2 cases where 1.00 are expected"
    return Evaluation("excess-b", "excess", "facility:a", (signal,) if severity else (), finding)


class TestOneAlertForAScope:
    def test_a_new_case_joins_the_open_alert(self, book: AlertBook) -> None:
        assert kinds(book.take(at_a(lot("1")))) == [Open]
        (update,) = book.take(at_a(lot("1"), lot("2", 130)))
        assert isinstance(update, Update)
        assert [case.event_id for case in update.added] == ["2"]
        assert update.what == ("1 new case",)
        assert episodes(book, "alert-1") == {"1", "2"}
        assert book.alerts["alert-1"].last_onset_day == 130

    def test_it_joins_an_acknowledged_alert_too(self, book: AlertBook) -> None:
        book.take(at_a(lot("1")))
        book.act("alert-1", Action("acknowledge", day=101))
        book.take(at_a(lot("1"), lot("2")))
        assert book.alerts["alert-1"].status == "acknowledged"
        assert episodes(book, "alert-1") == {"1", "2"}

    def test_nothing_new_changes_nothing(self, book: AlertBook) -> None:
        book.take(at_a(lot("1")))
        assert book.take(at_a(lot("1"))) == []

    def test_a_voided_case_leaves_the_alert_unsupported_until_it_comes_back(
        self, book: AlertBook
    ) -> None:
        book.take(at_a(lot("1")))
        (lost,) = book.take(at_a())
        assert isinstance(lost, Support)
        assert not lost.supported
        assert lost.why.startswith("0 cases of extrapulmonary NTM")
        assert book.take(at_a()) == []
        assert (book.alerts["alert-1"].status, book.standing()) == ("open", set())
        assert episodes(book, "alert-1") == {"1"}
        assert kinds(book.take(at_a(lot("1")))) == [Support]
        assert book.alerts["alert-1"].supported

    def test_one_case_voided_of_two_is_told(self, book: AlertBook) -> None:
        book.take(at_a(lot("1"), lot("2")))
        (update,) = book.take(at_a(lot("2")))
        assert isinstance(update, Update)
        assert update.what == ("1 case no longer in it",)

    def test_a_corrected_record_is_the_same_case_under_another_name(self, book: AlertBook) -> None:
        book.take(at_a(lot("1")))
        corrected = lot("1b", 90, patient="p-1")
        (update,) = book.take(at_a(corrected))
        assert isinstance(update, Update)
        assert (update.added, update.removed, update.is_noteworthy) == ((), (), False)
        assert episodes(book, "alert-1") == {"1b"}
        book.act("alert-1", CLOSE)
        assert book.take(at_a(lot("1"))) == []

    def test_a_closed_alert_stays_closed_and_only_a_new_case_opens_another(
        self, book: AlertBook
    ) -> None:
        book.take(at_a(lot("1")))
        book.act("alert-1", CLOSE)
        assert book.take(at_a(lot("1"))) == []
        (opening,) = book.take(at_a(lot("1"), lot("2")))
        assert isinstance(opening, Open)
        assert episodes(book, "alert-2") == {"2"}
        assert book.alerts["alert-2"].latest_evidence["observed"] == 1
        assert (book.alerts["alert-1"].status, episodes(book, "alert-1")) == ("closed", {"1"})
        assert book.take(at_a(lot("1"), lot("2"))) == []

    def test_reopened_the_older_alert_takes_the_newer_ones_cases(self, book: AlertBook) -> None:
        book.take(at_a(lot("1")))
        book.act("alert-1", CLOSE)
        book.take(at_a(lot("1"), lot("2")))
        book.act("alert-1", REOPEN)
        changes = book.take(at_a(lot("1"), lot("2")))
        assert kinds(changes) == [Update, MergeInto]
        assert (episodes(book, "alert-1"), episodes(book, "alert-2")) == ({"1", "2"}, set())
        assert book.alerts["alert-2"].support_note == (
            "merged into alert-1, which holds its cases now"
        )
        assert book.take(at_a(lot("1"), lot("2"))) == []

    def test_other_scopes_and_monitors_are_left_alone(self, book: AlertBook) -> None:
        book.take(at_a(lot("1")), linked(lot("1"), lot("2")))
        (at_b,) = sentinel_evaluations(SENTINEL_NTM, [], ["b"])
        assert book.take(at_b) == []
        assert len(book.standing()) == 2


class TestExcess:
    def test_severity_follows_the_evidence_both_ways(self, book: AlertBook) -> None:
        book.take(excess("warning"))
        (update,) = book.take(excess("critical"))
        assert isinstance(update, Update)
        assert update.what == ("severity warning is now critical",)
        assert book.alerts["alert-1"].severity == "critical"
        (update,) = book.take(excess("warning"))
        assert isinstance(update, Update)
        assert update.severity_before == "critical"

    def test_figures_that_move_on_are_no_news(self, book: AlertBook) -> None:
        book.take(excess("warning"))
        again = excess("warning")
        again.signals[0].evidence["expected"] = 1.5
        (update,) = book.take(again)
        assert isinstance(update, Update)
        assert not update.is_noteworthy
        assert book.alerts["alert-1"].latest_evidence["expected"] == 1.5

    def test_the_reason_for_lost_support_is_how_things_stand(self, book: AlertBook) -> None:
        book.take(excess("warning"))
        book.take(excess(None))
        assert book.alerts["alert-1"].support_note == "2 cases where 1.00 are expected"

    def test_evidence_starts_anew_on_the_day_after_closing(self, book: AlertBook) -> None:
        assert evidence_since([]) is None
        book.take(excess("warning"))
        assert evidence_since(book.alerts.values()) is None
        book.act("alert-1", Action("close", day=500, outcome="expected"))
        assert evidence_since(book.alerts.values()) == 501
        book.take(excess("warning", since="0002-05-16"))
        assert evidence_since(book.alerts.values()) == 501
        book.act("alert-1", REOPEN)
        assert evidence_since(book.alerts.values()) is None
        assert kinds(book.take(excess("critical"))) == [Update, MergeInto]


class TestClusters:
    def test_a_new_case_joins(self, book: AlertBook) -> None:
        book.take(linked(lot("1"), lot("2")))
        book.take(linked(lot("1"), lot("2"), lot("3")))
        assert list(book.alerts) == ["alert-1"]
        assert episodes(book, "alert-1") == {"1", "2", "3"}

    def test_clusters_far_apart_have_alerts_of_their_own(self, book: AlertBook) -> None:
        cases = [lot("1"), lot("2"), lot("3", lot="X"), lot("4", lot="X")]
        assert kinds(book.take(linked(*cases))) == [Open, Open]
        assert book.take(linked(*cases)) == []

    def test_two_alerts_that_become_linked_are_one(self, book: AlertBook) -> None:
        """A case that arrives late has the lot of the one cluster and the clinic of the other."""
        first = [lot("1"), lot("2")]
        second = [ntm_case(name, 200, "b", performed_at="Azul") for name in "34"]
        book.take(linked(*first))
        book.take(linked(*first, *second))
        bridge = lot("5", 150, performed_at="azul")
        changes = book.take(linked(*first, *second, bridge))
        assert kinds(changes) == [Update, MergeInto]
        assert episodes(book, "alert-1") == {"1", "2", "3", "4", "5"}
        assert episodes(book, "alert-2") == set()
        assert not book.alerts["alert-2"].supported
        assert len(book.standing()) == 1

    def test_a_cluster_that_falls_apart_leaves_its_other_part_to_a_new_alert(
        self, book: AlertBook
    ) -> None:
        first = [lot("1"), lot("2"), lot("6")]
        second = [ntm_case(name, 200, "b", performed_at="Azul") for name in "34"]
        bridge = lot("5", 150, performed_at="azul")
        book.take(linked(*first, *second, bridge))
        changes = book.take(linked(*first, *second))
        assert kinds(changes) == [Update, Open]
        assert episodes(book, "alert-1") == {"1", "2", "6"}
        assert episodes(book, "alert-2") == {"3", "4"}
        assert book.alerts["alert-2"].continues == "alert-1"

    def test_a_case_too_few_leaves_the_alert_unsupported_with_its_cases(
        self, book: AlertBook
    ) -> None:
        book.take(linked(lot("1"), lot("2")))
        assert kinds(book.take(linked(lot("1")))) == [Support]
        assert episodes(book, "alert-1") == {"1", "2"}
        changes = book.take(linked(lot("1"), lot("3")))
        assert kinds(changes) == [Support, Update]
        assert episodes(book, "alert-1") == {"1", "3"}

    def test_after_closing_a_new_linked_case_opens_an_alert_that_continues(
        self, book: AlertBook
    ) -> None:
        book.take(linked(lot("1"), lot("2")))
        book.act("alert-1", CLOSE)
        assert book.take(linked(lot("1"), lot("2"))) == []
        book.take(linked(lot("1"), lot("2"), lot("3")))
        assert episodes(book, "alert-2") == {"1", "2", "3"}
        assert book.alerts["alert-2"].continues == "alert-1"
        assert book.alerts["alert-1"].status == "closed"

    def test_without_its_new_case_such_an_alert_has_no_support(self, book: AlertBook) -> None:
        book.take(linked(lot("1"), lot("2")))
        book.act("alert-1", CLOSE)
        book.take(linked(lot("1"), lot("2"), lot("3")))
        assert kinds(book.take(linked(lot("1"), lot("2")))) == [Support]
        assert book.standing() == set()
        assert kinds(book.take(linked(lot("1"), lot("2"), lot("3")))) == [Support]

    def test_cases_of_two_closed_alerts_open_none_by_becoming_linked(self, book: AlertBook) -> None:
        cases = [lot("1"), lot("2"), lot("3", lot="X"), lot("4", lot="X", performed_at="Azul")]
        book.take(linked(*cases))
        book.act("alert-1", CLOSE)
        book.act("alert-2", CLOSE)
        corrected = lot("1", performed_at="Azul")
        assert book.take(linked(corrected, *cases[1:])) == []
