"""The demonstration: what a visitor sees in the first minute, and again the next day."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.journeys.conftest import heed_ctrl_c

GRAFTWATCH = str(Path(sys.executable).with_name("graftwatch"))
PATIENCE_SECONDS = 120


def environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith("GRAFTWATCH_")}


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GRAFTWATCH, "demo", *words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def first_visit(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which the demonstration has run once, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder, "--no-serve")


@pytest.fixture
def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def figures(told: str) -> list[str]:
    """Everything said after the line that tells how the data came to be there."""
    return told.splitlines()[1:]


def test_the_first_visit_shows_rates_alerts_and_where_to_go_on(first_visit):
    _, done = first_visit
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Loaded into graftwatch-demo.db: ")
    assert ", 0 rejected." in done.stdout.splitlines()[0]
    placebo = next(line for line in done.stdout.splitlines() if "CGD: placebo" in line)
    treated = next(line for line in done.stdout.splitlines() if "CGD: rIFN-g" in line)
    # 18,524 and 18,953 person-days and 56 and 20 infections, as R counts them.
    assert placebo.split()[2:5] == ["56", "50.7", "110.42"]
    assert treated.split()[2:5] == ["20", "51.9", "38.54"]
    assert "mx-traveller-az-1, mx-traveller-co-1, mx-traveller-co-2" in done.stdout
    assert "http://127.0.0.1:8000/docs" in done.stdout
    assert done.stdout.count("curl '") == 3
    assert "\x1b" not in done.stdout


def test_the_second_visit_finds_everything_there(first_visit):
    folder, before = first_visit
    began = time.monotonic()
    again = demo(folder, "--print-only")
    assert time.monotonic() - began < PATIENCE_SECONDS / 4
    assert again.returncode == 0
    assert "loaded already" in again.stdout.splitlines()[0]
    assert figures(again.stdout) == figures(before.stdout)


def test_it_is_served_without_keys_until_ctrl_c(first_visit, free_port: int):
    folder, _ = first_visit
    process = subprocess.Popen(
        [GRAFTWATCH, "demo", "--port", str(free_port)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        base_url = f"http://127.0.0.1:{free_port}"
        with httpx.Client(base_url=base_url, trust_env=False) as client:
            end = time.monotonic() + PATIENCE_SECONDS
            while True:
                assert process.poll() is None
                assert time.monotonic() < end
                try:
                    client.get("/health/live")
                    break
                except httpx.TransportError:
                    time.sleep(0.2)
            rates = client.get("/v1/rates?infection_type=ntm&by=agent").json()
            assert {row["stratum"]["agent"] for row in rates["rows"]} >= {"tacrolimus", "sirolimus"}
        process.send_signal(signal.SIGINT)
        told, faults = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, faults) == (0, b"")
    assert f"{base_url}/docs".encode() in told


def test_an_interrupted_loading_is_gone_on_with(tmp_path: Path, first_visit):
    process = subprocess.Popen(
        [GRAFTWATCH, "demo", "--no-serve"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_ctrl_c,
    )
    file = tmp_path / "graftwatch-demo.db"
    end = time.monotonic() + PATIENCE_SECONDS
    while not stored_events(file):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_SECONDS)
    stored = stored_events(file)

    gone_on = demo(tmp_path, "--no-serve")

    assert process.returncode != 0
    assert f", {stored:,} known before, 0 rejected." in gone_on.stdout.splitlines()[0]
    assert figures(gone_on.stdout) == figures(first_visit[1].stdout)


def stored_events(file: Path) -> int:
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as database:
        try:
            found: int = database.execute("SELECT count(*) FROM events").fetchone()[0]
        except sqlite3.OperationalError:
            return 0
    return found


def test_a_taken_port_is_told_before_anything_is_loaded(tmp_path: Path):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = demo(tmp_path, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "choose another" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_other_file_is_touched(tmp_path: Path):
    """A file of another program, and a Graftwatch database that holds something else."""
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE precious (id)")
        database.execute("INSERT INTO precious VALUES (1)")
    for words in ([], ["--reset"]):
        done = demo(tmp_path, "--no-serve", "--database", "other.db", *words)
        assert done.returncode == 2
        assert "another program" in done.stderr
    with closing(sqlite3.connect(file)) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
        assert (tables, database.execute("SELECT id FROM precious").fetchall()) == (
            [("precious",)],
            [(1,)],
        )
