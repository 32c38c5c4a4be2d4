"""Whoever shows an alert or does something to it, and what is noted of that.

In:     an alert, or an action on one.
Out:    its document; who sees whose cases is entered before they are shown.
Source: docs/api-alerts.md; docs/audit.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends

from service.api.access import Principal, Scope
from service.api.alert_answers import AlertDocument, tell_alert
from service.api.dependencies import PrincipalDep, SightingsDep, SurveillanceDep
from service.monitors.actions import Action, ActionName
from service.pipeline.alerting import WholeAlert, act
from service.pipeline.discoveries import Judgement, judge
from service.pipeline.surveillance import Surveillance
from service.store.sightings import Sightings

Outcome = Literal["outbreak", "pseudo_outbreak", "data_error", "expected", "other"]


@dataclass(frozen=True, slots=True)
class AlertDesk:
    """The alerts as one holder of a key deals with them."""

    surveillance: Surveillance
    sightings: Sightings
    principal: Principal

    def show(self, alert: WholeAlert, judgement: Judgement) -> AlertDocument:
        """One alert."""
        self._note("alert_shown", [alert], alert=alert.kept.state.id)
        return self._told(alert, judgement)

    def show_all(self, alerts: Sequence[WholeAlert], judgement: Judgement) -> list[AlertDocument]:
        """A page of alerts."""
        self._note("alerts_shown", alerts, alerts=len(alerts))
        return [self._told(alert, judgement) for alert in alerts]

    def act(
        self,
        alert_id: str,
        name: ActionName,
        *,
        note: str | None = None,
        outcome: Outcome | None = None,
    ) -> AlertDocument:
        """Do something to an alert; the alert as it then stands."""
        today = self.surveillance.today().toordinal()
        found = act(
            self.surveillance,
            alert_id,
            Action(name, today, outcome=outcome, note=note),
            actor=self.principal.actor,
            reach=self.principal.facilities,
        )
        with self.surveillance.database.read() as connection:
            judgement = judge(connection, self.surveillance)
        return self.show(found, judgement)

    @property
    def _with_patients(self) -> bool:
        return self.principal.may(Scope.PATIENTS_READ)

    def _told(self, alert: WholeAlert, judgement: Judgement) -> AlertDocument:
        return tell_alert(alert, judgement, with_patients=self._with_patients)

    def _note(self, what: str, shown: Sequence[WholeAlert], **facts: str | int) -> None:
        seen = {key for alert in shown for key in alert.patients}
        if self._with_patients and seen:
            self.sightings.note(self.principal.actor, what, seen, **facts)


async def get_desk(
    surveillance: SurveillanceDep, sightings: SightingsDep, principal: PrincipalDep
) -> AlertDesk:
    """The desk of whoever asks; what a route is for is checked by the route's own dependency."""
    return AlertDesk(surveillance, sightings, principal)


AlertDeskDep = Annotated[AlertDesk, Depends(get_desk)]
