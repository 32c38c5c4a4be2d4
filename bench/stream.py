"""Streams: rows per second over HTTP and by `graftwatch import`, beside COPY; memory above idle.

In:     a store and its server, and how many events.
Out:    rows per second of each, and how much memory they held at most above idle.
Source: docs/performance.md. COPY fills a table of the shape of `events`, with its indexes, from
        rows at hand; on SQLite, which has no COPY, one INSERT with many rows.
"""

import io
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx
import psycopg

from bench.running import resident_mib, serving
from bench.stores import GRAFTWATCH, environment, fresh
from bench.workload import key_for, write_events

LONGEST_SECONDS = 7200
PIECE_BYTES = 64 * 1024
COLUMNS = (
    "facility, event_id, patient, position, recorded_at, type, occurred_on, received, resolved"
)


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure each way in, for each number of events, on databases of their own."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for number in numbers:
            file = write_events(Path(folder) / f"{number}.ndjson", number)
            with fresh(store, server) as url:
                imported = by_import(url, file, number)
                copied = COPY[store](url, number)
            with fresh(store, server) as url:
                streamed = by_http(url, file, number)
            figures[f"{number} events"] = {
                "copy": copied,
                "import": imported,
                "http": streamed,
            }
    return figures


def by_import(url: str, file: Path, number: int) -> dict[str, float]:
    """`graftwatch import`, less what an empty import takes to start and end."""
    idle = run_import(url, Path("/dev/null"))
    found = run_import(url, file)
    return {
        "rows_per_second": number / (found["seconds"] - idle["seconds"]),
        "mib_above_idle": found["mib"] - idle["mib"],
    }


def run_import(url: str, file: Path) -> dict[str, float]:
    """How long an import takes and how much memory it holds at most."""
    began = perf_counter()
    process = subprocess.Popen(
        [GRAFTWATCH, "import", "--format", "ndjson", str(file)],
        env=environment(url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = 0.0
    while process.poll() is None:
        try:
            most = max(most, resident_mib(process.pid, "VmHWM"))
        except (OSError, StopIteration):
            break
        threading.Event().wait(0.05)
    process.wait()
    return {"seconds": perf_counter() - began, "mib": most}


def by_http(url: str, file: Path, number: int) -> dict[str, float]:
    """One request of many lines."""
    with serving("graftwatch", url) as served:
        headers = {
            "authorization": f"Bearer {key_for(url)}",
            "content-type": "application/x-ndjson",
        }
        address = f"http://127.0.0.1:{served.port}/v1/events"
        httpx.post(address, headers=headers, content=b"", timeout=60)
        idle = resident_mib(served.pid)
        began = perf_counter()
        answer = httpx.post(address, headers=headers, content=pieces(file), timeout=LONGEST_SECONDS)
        seconds = perf_counter() - began
        answer.raise_for_status()
        return {
            "rows_per_second": number / seconds,
            "mib_above_idle": resident_mib(served.pid, "VmHWM") - idle,
        }


def pieces(file: Path) -> Iterator[bytes]:
    """The file, piece by piece."""
    with file.open("rb") as source:
        while piece := source.read(PIECE_BYTES):
            yield piece


def by_copy(url: str, number: int) -> dict[str, float]:
    """COPY of the rows that the import left, into a table of the same shape."""
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        rows = io.BytesIO()
        with cursor.copy(
            f"COPY (SELECT {COLUMNS} FROM events ORDER BY position) TO STDOUT"  # noqa: S608
        ) as out:
            for piece in out:
                rows.write(piece)
        cursor.execute("CREATE TABLE copied (LIKE events INCLUDING ALL)")
        connection.commit()
        view = rows.getbuffer()
        began = perf_counter()
        with cursor.copy(f"COPY copied ({COLUMNS}) FROM STDIN") as into:
            for start in range(0, len(view), PIECE_BYTES):
                into.write(view[start : start + PIECE_BYTES])
        connection.commit()
        seconds = perf_counter() - began
    return {"rows_per_second": number / seconds}


def by_insert(url: str, number: int) -> dict[str, float]:
    """INSERT of the rows that the import left, into a table of the same shape."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY position").fetchall()  # noqa: S608
        (shape,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'events'"
        ).fetchone()
        connection.execute(shape.replace("events", "copied", 1))
        connection.execute("CREATE INDEX copied_patient ON copied (facility, patient, position)")
        connection.commit()
        marks = ", ".join("?" * len(COLUMNS.split(",")))
        began = perf_counter()
        connection.executemany(f"INSERT INTO copied ({COLUMNS}) VALUES ({marks})", rows)  # noqa: S608
        connection.commit()
        seconds = perf_counter() - began
    return {"rows_per_second": number / seconds}


COPY = {"postgresql": by_copy, "sqlite": by_insert}


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was measured, its target, and what came of it."""
    found = []
    for number, of_number in figures.items():
        copied = of_number["copy"]["rows_per_second"]
        for way in ("import", "http"):
            share = of_number[way]["rows_per_second"] / copied
            found += [
                (f"{number} by {way}: rows/s of COPY's", "≥ 25%", f"{share:.0%}"),
                (
                    f"{number} by {way}: MiB above idle",
                    "< 150",
                    f"{of_number[way]['mib_above_idle']:.0f}",
                ),
            ]
    return found
