"""Charts for the monitors' tests: cases in one line, and the alerts that evaluations lead to.

In:     what matters to a test; all else has a default.
Out:    `ntm_case`, `cases_of` (through the real timeline), and `AlertBook`, the store in memory.
Source: `service.monitors`; nothing of it is replaced.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from service.domain.contributions import Exposure, contributions
from service.domain.events import AnyEvent
from service.domain.rules import FollowUpRules
from service.monitors.actions import Action, Refused, apply_action
from service.monitors.alerts import AlertState, Change, Open, after, opened
from service.monitors.cases import Case, case_of
from service.monitors.reconcile import reconcile
from service.monitors.signals import Evaluation


def ntm_case(name: str, onset_day: int, facility: str = "a", **differences: Any) -> Case:
    """An extrapulmonary M. abscessus infection after a stem cell injection.

    Fields of the exposure are given by their own names; the patient is named after the case.
    """
    exposure = Exposure(
        transplant_type=differences.pop("transplant_type", "stem_cell_injection"),
        performed_at=differences.pop("performed_at", None),
        performed_in=differences.pop("performed_in", None),
        product_lot=differences.pop("product_lot", None),
        product_supplier=differences.pop("product_supplier", None),
    )
    case = Case(
        facility=facility,
        patient=f"p-{name}",
        episode_id=f"{name}#0",
        onset_day=onset_day,
        infection_type="ntm",
        organism="Mycobacterium abscessus",
        organism_group="Mycobacterium abscessus complex",
        site="joint",
        site_class="extrapulmonary",
        status="disease",
        certainty="confirmed",
        exposure=exposure,
        counted=True,
        course_index_day=onset_day - 60,
    )
    return replace(case, **differences)


def cases_of(events: Iterable[AnyEvent]) -> list[Case]:
    """The cases of any number of patients, as the ledger would hold them."""
    by_patient: dict[tuple[str, str], list[AnyEvent]] = {}
    for event in events:
        by_patient.setdefault((event.facility, event.patient), []).append(event)
    return [
        case_of(facility, patient, episode)
        for (facility, patient), received in by_patient.items()
        for episode in contributions(received, FollowUpRules()).episodes
    ]


@dataclass
class AlertBook:
    """Keeps alerts as the store does: applies changes, gives out ids in order."""

    alerts: dict[str, AlertState] = field(default_factory=dict)

    def take(self, *evaluations: Evaluation) -> list[Change]:
        """Reconcile and apply; the changes, for the test to read."""
        changes = reconcile(evaluations, self.alerts.values())
        for change in changes:
            if isinstance(change, Open):
                number = len(self.alerts) + 1
                alert_id = f"alert-{number}"
                self.alerts[alert_id] = opened(change, alert_id=alert_id, opened_position=number)
            else:
                self.alerts[change.alert_id] = after(self.alerts[change.alert_id], change)
        return changes

    def act(self, alert_id: str, action: Action) -> None:
        """A person acts on an alert, and is not refused."""
        state = apply_action(self.alerts[alert_id], action)
        assert not isinstance(state, Refused), state
        self.alerts[alert_id] = state

    def standing(self) -> set[tuple[str, frozenset[str], str]]:
        """Of each open alert that the data support: the monitor, its episodes, its severity."""
        return {
            (alert.monitor_id, frozenset(key.episode_id for key in alert.cases), alert.severity)
            for alert in self.alerts.values()
            if alert.is_open and alert.supported
        }
