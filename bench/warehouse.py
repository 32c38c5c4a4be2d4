"""The same person-days from the raw events, by DuckDB: what a warehouse would do for each question.

In:     a database with events, and how many copies of it are wanted (`bench.copies`).
Out:    a DuckDB table of plain columns, and person-days by two dimensions over a window.
Source: docs/methods.md 2 and 3. Terms are resolved and JSON is read beforehand, untimed: only the
        events have to be put together, as DuckDB does best. A test of the figures: they must be
        Graftwatch's own, or the measurement stops.
"""

import csv
from contextlib import closing
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec
from sqlalchemy import select
from sqlmodel import col

from bench.copies import APART_DAYS
from service.domain.rules import FollowUpRules
from service.store.engine import Database
from service.store.tables import RecordedEvent

PersonDays = dict[tuple[str, str], int]
COLUMNS = {
    "facility": "VARCHAR",
    "patient": "VARCHAR",
    "event_id": "VARCHAR",
    "type": "VARCHAR",
    "day": "INTEGER",
    "strikes": "VARCHAR",
    "transplant_type": "VARCHAR",
    "entry_day": "INTEGER",
    "regimen": "VARCHAR",
    "outcome": "VARCHAR",
}

PERSON_DAYS = """
WITH standing AS (
    SELECT * FROM events WHERE type <> 'void' AND (facility, event_id) NOT IN (
        SELECT facility, strikes FROM events WHERE strikes IS NOT NULL)
), courses AS (
    SELECT facility, patient, day AS index_day,
        max_by(greatest(entry_day, day), event_id) AS entry_day,
        string_agg(DISTINCT transplant_type, '+' ORDER BY transplant_type) AS transplant_type,
        lead(day, 1, 4000000) OVER (PARTITION BY facility, patient ORDER BY day) - 1 AS last_day
    FROM standing WHERE type = 'transplant' GROUP BY facility, patient, day
), patients AS (
    SELECT facility, patient, max(day) AS last_contact,
        min(day) FILTER (outcome = 'death') AS death_day,
        list(DISTINCT day) FILTER (outcome IN ('lost_to_follow_up', 'withdrawn', 'transferred_out'))
            AS ends,
        list_sort(list(DISTINCT day) FILTER (outcome IS NULL OR outcome NOT IN
            ('death', 'lost_to_follow_up', 'withdrawn', 'transferred_out'))) AS seen
    FROM standing GROUP BY facility, patient
), begun AS (
    SELECT c.*, p.* EXCLUDE (facility, patient), unnest(list_distinct(list_prepend(c.entry_day,
        list_transform(list_filter(coalesce(ends, []), lambda e: e >= c.entry_day), lambda e:
            list_min(list_filter(seen, lambda s: s > e AND NOT list_contains(ends, s))) + 1)
        ))) AS start
    FROM courses AS c JOIN patients AS p USING (facility, patient)
), spells AS (
    SELECT facility, patient, transplant_type, entry_day, last_day, start,
        least(coalesce(list_min(list_filter(coalesce(ends, []), lambda e: e >= start)), 4000000),
            coalesce(death_day, 4000000), last_day,
            CASE WHEN death_day IS NULL
                AND coalesce(len(list_filter(ends, lambda e: e >= start)), 0) = 0
            THEN greatest(entry_day, last_contact) + $grace ELSE 4000000 END) AS "end"
    FROM begun WHERE start IS NOT NULL AND (death_day IS NULL OR start <= death_day)
), recorded AS (
    SELECT facility, patient, day, max_by(regimen, event_id) AS regimen
    FROM standing WHERE regimen IS NOT NULL GROUP BY facility, patient, day
), in_force AS (
    SELECT c.facility, c.patient, c.entry_day, c.entry_day AS from_day,
        coalesce(max_by(r.regimen, r.day), 'unrecorded') AS regimen
    FROM courses AS c LEFT JOIN recorded AS r
        ON r.facility = c.facility AND r.patient = c.patient AND r.day <= c.entry_day
    GROUP BY ALL
    UNION ALL
    SELECT c.facility, c.patient, c.entry_day, r.day + 1, r.regimen
    FROM courses AS c JOIN recorded AS r
        ON r.facility = c.facility AND r.patient = c.patient AND r.day > c.entry_day
), regimens AS (
    SELECT *, lead(from_day, 1, 4000000)
        OVER (PARTITION BY facility, patient, entry_day ORDER BY from_day) - 1 AS to_day
    FROM in_force
)
SELECT transplant_type, regimen,
    sum(1 + least("end", to_day, $last) - greatest(start, from_day, $first))::BIGINT
FROM spells JOIN regimens USING (facility, patient, entry_day)
WHERE least("end", to_day, $last) >= greatest(start, from_day, $first)
GROUP BY transplant_type, regimen
"""


class Warehouse:
    """The events in DuckDB's memory, in columns."""

    def __init__(self, url: str, times: int) -> None:
        """Read the events that are no copies, and copy them as `bench.copies` copies a ledger."""
        self._duckdb = duckdb.connect()
        with TemporaryDirectory() as folder:
            file = Path(folder) / "events.csv"
            _write(url, file)
            self._duckdb.execute(
                "CREATE TABLE events AS SELECT * FROM read_csv(?, columns = ?, header = false)",
                [str(file), COLUMNS],
            )
        for copy in range(1, times):
            back = copy * APART_DAYS % 365
            self._duckdb.execute(
                "INSERT INTO events SELECT * REPLACE (patient || '/copy-' || ? AS patient, "
                "event_id || '/copy-' || ? AS event_id, strikes || '/copy-' || ? AS strikes, "
                "day - ? AS day, entry_day - ? AS entry_day) "
                "FROM events WHERE patient NOT LIKE '%/copy-%'",
                [copy, copy, copy, back, back],
            )

    def person_days(self, first: int, last: int) -> PersonDays:
        """Days at risk by transplant type and regimen, both ends included."""
        asked = {"first": first, "last": last, "grace": FollowUpRules().followup_grace_days}
        rows = self._duckdb.execute(PERSON_DAYS, asked).fetchall()
        return {(transplant_type, regimen): days for transplant_type, regimen, days in rows}


def _write(url: str, file: Path) -> None:
    chosen = select(col(RecordedEvent.resolved)).where(
        col(RecordedEvent.patient).not_like("%/copy-%")
    )
    with (
        closing(Database(url)) as database,
        database.read() as connection,
        file.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out)
        for (resolved,) in connection.execution_options(yield_per=5000).execute(chosen):
            writer.writerow(_columns(msgspec.json.decode(resolved)))


def _columns(event: dict[str, object]) -> list[object]:
    agents = event.get("agents")
    regimen = ("+".join(sorted(set(agents))) or "none") if isinstance(agents, list) else None
    return [
        event["facility"],
        event["patient"],
        event["event_id"],
        event["type"],
        _ordinal(event["occurred_on"]),
        event.get("replaces") or event.get("voids"),
        event.get("transplant_type"),
        _ordinal(event.get("enrolled_on")),
        regimen,
        event.get("outcome"),
    ]


def _ordinal(day: object) -> int | None:
    return date.fromisoformat(day).toordinal() if isinstance(day, str) else None
