"""The first page: open alerts, published figures, rates, and how fresh all of it is.

In:     the surveillance, and who is looking.
Out:    an `Overview`, read in one transaction, so that all of it speaks for one state.
Source: docs/api.md; docs/methods.md 5, 7 and 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from service.dashboard.alerts import AlertLine, line_of, open_lines
from service.dashboard.memory import Memory
from service.dashboard.published import PublishedSection, published_section
from service.dashboard.rates import RateSection, rate_section
from service.dashboard.trends import last_years
from service.dashboard.viewers import Viewer
from service.domain.figures import RateDefinition
from service.monitors.visibility import is_visible
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.comparisons import compare
from service.pipeline.look import look_at
from service.pipeline.provisional import outlook
from service.pipeline.rates import rate_table, rate_tables
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.alerts import KeptAlert
from service.store.census import take_census
from service.store.engine import Connection
from service.store.events import count_events

HEADINGS = {
    "agent": "NTM by immunosuppressive agent",
    "transplant_type": "NTM by transplant type",
}
INFECTION_TYPE = "ntm"
MOST_ALERTS = 500
PATIENCE_SECONDS = 0.3
"""How long whoever looks just after a start waits for the figures; alerts are shown at once."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How much is known, up to when; `facilities_bound` are those that the key is bound to."""

    position: int
    recorded_at: datetime | None
    today: date
    events: int
    patients: int
    facilities: int
    facilities_bound: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The alerts that wait for a person, and how many do not any more."""

    lines: tuple[AlertLine, ...]
    closed: int

    @property
    def critical(self) -> int:
        """How many are critical and stand on the data."""
        return sum(line.severity == "critical" and line.supported for line in self.lines)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page shows; figures only once what they are read from is in memory."""

    freshness: Freshness
    alerts: OpenAlerts
    published: PublishedSection | None
    rates: tuple[RateSection, ...]

    @property
    def is_empty(self) -> bool:
        """Has nothing arrived yet?"""
        return self.freshness.events == 0


def overview(
    surveillance: Surveillance, viewer: Viewer, memory: Memory[PublishedSection]
) -> Overview:
    """The first page as it stands, for one viewer.

    Published figures are compared anew only when an event came or went, the day changed, or a
    baseline or monitor did.
    """
    facilities, below = viewer.facilities, viewer.hidden_below
    is_ready = surveillance.database.is_ready.wait(PATIENCE_SECONDS)
    with look_at(surveillance) as look:
        connection = look.connection
        known = known_at(connection, surveillance, None)
        today = known.latest_day.toordinal()
        baselines = tuple(catalogue.current_baselines(connection).values())
        monitors = tuple(catalogue.current_monitors(connection))
        kept = alert_store.alerts_of(connection)
        census = take_census(connection, facilities)
        events = count_events(connection, facilities)
        published: PublishedSection | None = None
        rates: tuple[RateSection, ...] = ()
        if is_ready:
            published = memory.get(
                (known.position, events, today, facilities, baselines, monitors, below),
                lambda: published_section(compare(look, baselines, facilities, today), below),
            )
            rates = tuple(
                _rates(connection, surveillance, known, viewer, by, baselines) for by in HEADINGS
            )
    return Overview(
        freshness=Freshness(
            known.position,
            known.recorded_at,
            known.latest_day,
            events,
            census.patients,
            census.facilities,
            facilities,
        ),
        alerts=_alerts(viewer, kept),
        published=published,
        rates=rates,
    )


def _rates(
    connection: Connection,
    surveillance: Surveillance,
    known: KnownState,
    viewer: Viewer,
    by: str,
    baselines: Sequence[Baseline],
) -> RateSection:
    today = known.latest_day.toordinal()
    definition, windows = ntm_rates(by, viewer.facilities, today), last_years(today)
    return rate_section(
        rate_table(connection, definition),
        baselines,
        HEADINGS[by],
        provisional=outlook(connection, surveillance, definition, known).over_all.provisional,
        years=rate_tables(connection, definition, [window.days for window in windows]),
        windows=windows,
        hidden_below=viewer.hidden_below,
    )


def open_alerts(surveillance: Surveillance, viewer: Viewer) -> OpenAlerts:
    """The first section of the page alone, for when it changes."""
    with surveillance.database.read() as connection:
        kept = alert_store.alerts_of(connection)
    return _alerts(viewer, kept)


def all_alerts(surveillance: Surveillance, viewer: Viewer) -> tuple[AlertLine, ...]:
    """The latest alerts of all states, the newest first."""
    with surveillance.database.read() as connection:
        kept = alert_store.alerts_of(connection)
    visible = (one for one in kept if is_visible(one.state, viewer.facilities))
    return tuple(line_of(one) for one in islice(visible, MOST_ALERTS))


def _alerts(viewer: Viewer, kept: Sequence[KeptAlert]) -> OpenAlerts:
    visible = [one for one in kept if is_visible(one.state, viewer.facilities)]
    waiting = [one for one in visible if one.state.is_open]
    return OpenAlerts(tuple(open_lines(waiting)), len(visible) - len(waiting))


def ntm_rates(by: str, facilities: tuple[str, ...] | None, today: int) -> RateDefinition:
    """First NTM infections per 100 person-years at risk, from the first day to today."""
    within = {} if facilities is None else {"facility": facilities}
    return RateDefinition(
        None, today, filters={"infection_type": (INFECTION_TYPE,), **within}, by=(by,)
    )
