"""The network's error budget: read, set, and held against what is watched.

In:     what the operator allows, and who set it.
Out:    the budget in force, and what the enabled monitors spend of it.
Source: docs/operations.md, "Error budget"; docs/methods.md 8.6.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from service.domain.audit_chain import Actor
from service.monitors.discoveries import places_of
from service.monitors.error_budget import (
    Account,
    ErrorBudget,
    Share,
    account_ever,
    account_per_year,
    share_of,
)
from service.pipeline.surveillance import Surveillance
from service.store import audit, catalogue, network_settings
from service.store.audit import AuditEntry
from service.store.census import followed_facilities
from service.store.engine import Connection
from service.store.network_settings import Setting

SETTING = "error_budget"


@dataclass(frozen=True, slots=True)
class BudgetInForce:
    """The budget, and who set it when; None for both while it is the one that is shipped."""

    budget: ErrorBudget
    set_by: str | None = None
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """The budget beside what is spent of it."""

    in_force: BudgetInForce
    facilities: int
    shares: tuple[Share, ...]
    ever: Account
    per_year: Account


def budget_in_force(connection: Connection) -> BudgetInForce:
    """The budget as last set, or the one that is shipped."""
    kept = network_settings.find_setting(connection, SETTING)
    if kept is None:
        return BudgetInForce(ErrorBudget())
    return BudgetInForce(
        msgspec.json.decode(kept.body, type=ErrorBudget), kept.actor, kept.recorded_at
    )


def set_budget(
    connection: Connection, surveillance: Surveillance, budget: ErrorBudget, actor: Actor
) -> None:
    """Keep a budget from now on; the audit trail has what it was before."""
    before = budget_in_force(connection).budget
    if budget == before:
        return
    now = surveillance.clock()
    body = msgspec.json.encode(budget).decode()
    network_settings.put_setting(connection, SETTING, Setting(body, actor.name, now))
    changes = {"before": msgspec.structs.asdict(before), "after": msgspec.structs.asdict(budget)}
    audit.append(connection, [AuditEntry(now, actor, "error_budget_set", changes)])


def report_budget(connection: Connection) -> BudgetReport:
    """What the enabled monitors spend of the budget, at every facility that follows anybody."""
    facilities = followed_facilities(connection)
    in_force = budget_in_force(connection)
    shares = tuple(
        share_of(monitor, len(places_of(monitor, facilities)))
        for monitor in catalogue.current_monitors(connection)
        if monitor.enabled
    )
    return BudgetReport(
        in_force=in_force,
        facilities=len(facilities),
        shares=shares,
        ever=account_ever(shares, in_force.budget.false_alarms_ever),
        per_year=account_per_year(shares, in_force.budget.false_alarms_per_year),
    )
