"""The error budget: what false alarms a network allows itself, and how they are spent.

In:     `GET|PUT /v1/error-budget`.
Out:    the budget, each enabled monitor's share of it, what is over, and what would fit.
Source: docs/api-alerts.md; docs/operations.md, "Error budget".
"""

from typing import Annotated

from fastapi import APIRouter, Depends

from service.api.access import Principal, Scope
from service.api.budget_answers import BudgetDocument, NewBudget, budget_of, tell_budget
from service.api.dependencies import PrincipalDep, RateReader, SurveillanceDep
from service.api.network_access import require_network
from service.errors import Forbidden
from service.pipeline.discoveries import judge
from service.pipeline.error_budget import report_budget, set_budget
from service.pipeline.surveillance import Surveillance

router = APIRouter(prefix="/v1/error-budget", tags=["monitors"])


def setter(principal: PrincipalDep) -> Principal:
    """Whoever manages alerts, or the service."""
    if not (principal.may(Scope.ALERTS_MANAGE) or principal.may(Scope.MANAGE)):
        raise Forbidden("This key lacks the scope `alerts:manage`.", code="scope_missing")
    return principal


BudgetSetter = Annotated[Principal, Depends(setter)]


@router.get("", summary="What false alarms are allowed, and how they are spent")
def get_budget(surveillance: SurveillanceDep, principal: RateReader) -> BudgetDocument:
    """Of the whole network, so not for a key bound to facilities."""
    _require_unbound(principal)
    return _told(surveillance)


@router.put("", summary="Set what false alarms are allowed")
def put_budget(
    body: NewBudget, surveillance: SurveillanceDep, principal: BudgetSetter
) -> BudgetDocument:
    """What is left out is as shipped: a false discovery rate of 0.05, and no other limit. The
    false discovery rate counts for `passes_fdr` at once; the limits change no monitor. The audit
    trail keeps who set what."""
    require_network(principal)
    with surveillance.database.write() as connection:
        set_budget(connection, surveillance, budget_of(body), principal.actor)
    return _told(surveillance)


def _told(surveillance: Surveillance) -> BudgetDocument:
    with surveillance.database.read() as connection:
        report = report_budget(connection)
        judgement = judge(connection, surveillance)
    return tell_budget(report, judgement, surveillance.today())


def _require_unbound(principal: Principal) -> None:
    if principal.facilities is not None:
        raise Forbidden(
            "This key is bound to facilities, and the budget is spent by all of them.",
            code="network_not_allowed",
        )
