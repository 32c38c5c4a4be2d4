"""`graftwatch budget`: what false alarms the network allows itself, and how they are spent.

In:     nothing, or the limits to set.
Out:    the budget beside what is spent of it, on standard output.
Source: docs/operations.md, "Error budget".
"""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import say, show, tell
from service.commands.opening import opened
from service.settings import read_settings

if TYPE_CHECKING:
    from service.monitors.error_budget import Account, ErrorBudget, Share


def budget(
    false_discovery_rate: Annotated[
        float | None,
        typer.Option(help="Set the share of false ones among alerts that stand, 0 to 1."),
    ] = None,
    false_alarms_ever: Annotated[
        float | None,
        typer.Option(
            help="Set how many places may be expected ever to alarm falsely; 0: no limit."
        ),
    ] = None,
    false_alarms_per_year: Annotated[
        float | None,
        typer.Option(help="Set how many false alarms may be expected a year; 0: no limit."),
    ] = None,
) -> None:
    """Show the error budget and how it is spent; with options, set it first."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.error_budget import budget_in_force, report_budget, set_budget

    sent = {
        "false_discovery_rate": false_discovery_rate,
        "false_alarms_ever": false_alarms_ever,
        "false_alarms_per_year": false_alarms_per_year,
    }
    asked = {name: value for name, value in sent.items() if value is not None}
    with opened(read_settings(), under_any_rules=True) as surveillance:
        if asked:
            with surveillance.database.write() as connection:
                wanted = changed(budget_in_force(connection).budget, asked)
                set_budget(connection, surveillance, wanted, COMMAND_LINE)
            tell("The error budget is set.")
        with surveillance.database.read() as connection:
            report = report_budget(connection)
    show(
        "Error budget",
        ("monitor", "method", "places", "alpha", "days between", "ever", "a year"),
        [_row(share) for share in report.shares],
        right=("places", "alpha", "days between", "ever", "a year"),
    )
    in_force = report.in_force
    say(f"False discovery rate among alerts that stand: {in_force.budget.false_discovery_rate:g}")
    say(f"False alarms ever: {_spent(report.ever, 'An alpha of')}")
    say(f"False alarms a year: {_spent(report.per_year, 'Days between of')}")
    say(
        f"Set by {in_force.set_by} at {in_force.set_at:%Y-%m-%d %H:%M} UTC."
        if in_force.set_by
        else "As shipped: nobody has set it yet."
    )


def changed(before: "ErrorBudget", asked: dict[str, float]) -> "ErrorBudget":
    """The budget with what was asked for; 0 takes a limit away."""
    import msgspec

    limits = {
        name: None if value == 0 and name != "false_discovery_rate" else value
        for name, value in asked.items()
    }
    try:
        return msgspec.structs.replace(before, **limits)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None


def _row(share: "Share") -> tuple[str, ...]:
    return (
        share.monitor_id,
        share.method,
        str(share.places),
        "" if share.alpha is None else f"{share.alpha:g}",
        "" if share.days_between is None else f"{share.days_between:g}",
        "no promise" if not share.has_promise else f"{share.false_alarms_ever:g}",
        "" if share.days_between is None else f"{share.false_alarms_per_year:.3g}",
    )


def _spent(account: "Account", what: str) -> str:
    spent = f"{account.spent:.3g} expected at most"
    if account.allowed is None:
        return f"{spent}; no limit is set."
    state = "OVER the" if account.is_over else "within the"
    fitting = f" {what} {account.fitting:.3g} each would fit." if account.fitting else ""
    return f"{spent}, {state} {account.allowed:g} allowed.{fitting}"
