"""The first look at the demonstration: its rates, its open alerts, where to go on.

In:     the surveillance, the address it is served at.
Out:    tables and a few lines on standard output.
Source: docs/methods.md 4 and 5; docs/example-data.md.
"""

from service.commands.console import say, show
from service.domain.figures import RateDefinition
from service.pipeline.rates import RateRow, rate_table
from service.pipeline.surveillance import Surveillance
from service.stats.interval import Interval
from service.store.alerts import alerts_of

HEADS = ("cases", "person-years", "per 100 person-years", "95% interval", "95%, watched for ever")
TRIAL_ARMS = ("CGD: placebo", "CGD: rIFN-g")
MOST_ALERTS = 12


def show_rates(surveillance: Surveillance) -> None:
    """Show a real trial's rates by arm, and the invented network's by agent."""
    today = surveillance.today().toordinal()
    trial = RateDefinition(
        None,
        today,
        filters={"indication": TRIAL_ARMS},
        by=("indication",),
        episodes="all",
        person_time="follow_up",
    )
    ntm = RateDefinition(None, today, filters={"infection_type": ("ntm",)}, by=("agent",))
    _show(surveillance, "Serious infections in the cgd trial, real data, all episodes", trial)
    _show(surveillance, "First NTM infections while on an agent, invented data", ntm)


def show_alerts(surveillance: Surveillance) -> None:
    """Show the alerts that wait for a person."""
    with surveillance.database.read() as connection:
        waiting = [kept.state for kept in alerts_of(connection) if kept.state.status == "open"]
    waiting.sort(key=lambda alert: (alert.severity != "critical", alert.kind != "cluster"))
    show(
        f"Open alerts ({len(waiting)})",
        ("severity", "kind", "what", "facilities", "cases"),
        [
            (
                alert.severity,
                alert.kind,
                alert.title,
                ", ".join(alert.facilities),
                str(len(alert.cases)),
            )
            for alert in waiting[:MOST_ALERTS]
        ],
        right=("cases",),
    )
    if len(waiting) > MOST_ALERTS:
        say(f"and {len(waiting) - MOST_ALERTS} more.")


def show_addresses(address: str) -> None:
    """Say where to look and what to ask."""
    say(f"""
Dashboard      {address}/
API reference  {address}/docs

curl '{address}/v1/rates?infection_type=ntm&by=agent'
curl '{address}/v1/rates/series?infection_type=bacterial&interval=quarter&start=2024-01-01'
curl '{address}/v1/alerts?status=open'
""")


def _show(surveillance: Surveillance, title: str, definition: RateDefinition) -> None:
    with surveillance.database.read() as connection:
        table = rate_table(connection, definition)
    rows = [
        (", ".join(row.stratum.values()), *_figures(row))
        for row in sorted(table.rows, key=lambda row: -row.estimate.person_days)
    ]
    show(title, (", ".join(definition.by), *HEADS), rows, right=HEADS)


def _figures(row: RateRow) -> tuple[str, ...]:
    estimate = row.estimate
    return (
        f"{estimate.cases:,}",
        f"{estimate.person_years:,.1f}",
        "none" if estimate.rate is None else f"{estimate.rate:.2f}",
        _limits(estimate.interval),
        _limits(row.anytime),
    )


def _limits(interval: Interval) -> str:
    if interval.upper is None:
        return "none"
    return f"{interval.lower or 0:.2f} to {interval.upper:.2f}"
