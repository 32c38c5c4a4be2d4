"""A service that watches: the shipped baselines and monitors, and charts to send.

In:     a database of one's own.
Out:    `watching`, a running service; `send`, which sends events and sees them accepted; charts.
Source: `graftwatch migrate` adds what is shipped; here it is added the same way.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from service.commands.migrating import add_what_is_shipped
from service.settings import read_settings
from service.store.engine import Database
from service.store.tables import (
    AlertCaseRow,
    AlertEventRow,
    AlertRow,
    BaselineRow,
    DeliveryAttemptRow,
    EpisodeRow,
    LedgerCommit,
    LedgerHead,
    MonitorReadingRow,
    MonitorRow,
    NetworkSettingRow,
    OutboxRow,
    RecipientRow,
    RecordedEvent,
    RiskStepRow,
    SegmentRow,
    StratumRow,
)
from tests.journeys.conftest import Service, running
from tests.journeys.receivers import wait_until

REPORTED = (
    AlertEventRow,
    AlertCaseRow,
    AlertRow,
    LedgerCommit,
    RecordedEvent,
    StratumRow,
    SegmentRow,
    RiskStepRow,
    EpisodeRow,
    MonitorReadingRow,
    NetworkSettingRow,
    DeliveryAttemptRow,
    OutboxRow,
    RecipientRow,
)


@contextmanager
def watching(database_url: str, log_file: Path, **settings: Any) -> Iterator[Service]:
    """Serve a migrated database with everything that is shipped in it."""
    add_what_is_shipped(read_settings(database_url=database_url))
    with running(database_url, log_file, sse_poll_seconds=0.1, **settings) as service:
        yield service


def forget_everything(service: Service) -> None:
    """Empty the store but for the catalogue, which is cheaper than to start another service."""
    database = Database(service.database_url)
    let_senders_finish(database)
    with database.write() as connection:
        for table in REPORTED:
            connection.execute(delete(table))
        connection.execute(update(LedgerHead).values(position=0))
        for row in (BaselineRow, MonitorRow):
            connection.execute(delete(row))
    database.close()
    add_what_is_shipped(read_settings(database_url=service.database_url))


def let_senders_finish(database: Database) -> None:
    """Begin no delivery more, and let what is under way be noted before its row is gone."""
    with database.write() as connection:
        connection.execute(update(RecipientRow).values(is_enabled=False))

    def is_sending() -> bool:
        leased = select(func.count()).where(col(RecipientRow.leased_by).is_not(None))
        with database.read() as connection:
            return connection.execute(leased).scalar_one() > 0

    wait_until(lambda: not is_sending())


def send(client: httpx.Client, events: Iterable[dict[str, Any]]) -> None:
    """Send events in one batch; all must be accepted."""
    answer = client.post("/v1/events", json=list(events))
    assert answer.status_code == 201, answer.text


def send_lines(client: httpx.Client, events: Iterable[dict[str, Any]]) -> None:
    """Send many events as lines; all must be accepted."""
    body = b"\n".join(msgspec.json.encode(event) for event in events)
    answer = client.post(
        "/v1/events", content=body, headers={"content-type": "application/x-ndjson"}
    )
    assert answer.status_code == 201, answer.text


def injected(
    facility: str, patient: str, index_date: str, infected_after_days: int | None = 60, **more: Any
) -> list[dict[str, Any]]:
    """A stem cell injection in Mexico and, so many days later, M. abscessus in a joint."""
    who = {"facility": facility, "patient": patient}
    events = [
        {
            "type": "transplant",
            "event_id": f"{patient}-injection",
            **who,
            "occurred_on": index_date,
            "transplant_type": "stem_cell_injection",
            **more,
        }
    ]
    if infected_after_days is not None:
        onset = date.fromisoformat(index_date) + timedelta(days=infected_after_days)
        events.append(
            {
                "type": "infection",
                "event_id": f"{patient}-culture",
                **who,
                "occurred_on": onset.isoformat(),
                "organism": "M. abscessus",
                "specimen": "synovial fluid",
                "status": "disease",
            }
        )
    return events
