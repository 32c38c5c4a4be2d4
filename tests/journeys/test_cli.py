"""The command as it is typed: a process of its own, in a folder of its own."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.journeys.conftest import heed_ctrl_c

GRAFTWATCH = str(Path(sys.executable).with_name("graftwatch"))
PATIENCE_SECONDS = 120
Databases = Callable[..., AbstractContextManager[str]]

TRANSPLANT = {
    "type": "transplant",
    "event_id": "t1",
    "facility": "ucd-01",
    "patient": "p0001",
    "occurred_on": "2022-03-01",
    "transplant_type": "allo-HSCT",
}
ENDLESS_AGENT = {
    "type": "regimen",
    "event_id": "r1",
    "facility": "ucd-01",
    "patient": "named-by-mistake",
    "occurred_on": "2022-03-01",
    "agents": ["Zzyzx" * 30],
}
BEFORE_ENTRY = {
    "type": "infection",
    "event_id": "i1",
    "facility": "ucd-01",
    "patient": "p0001",
    "occurred_on": "2022-02-01",
    "organism": "M. abscessus",
}
VOIDS_NOTHING = {
    "type": "void",
    "event_id": "x1",
    "facility": "ucd-01",
    "patient": "p0001",
    "occurred_on": "2022-05-01",
    "voids": "i99",
    "reason": "wrong patient",
}


def environment(**settings: str) -> dict[str, str]:
    named = {name: text for name, text in os.environ.items() if not name.startswith("GRAFTWATCH_")}
    return named | {f"GRAFTWATCH_{name.upper()}": text for name, text in settings.items()}


def graftwatch(
    *words: str, sent: bytes | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [GRAFTWATCH, *words],
        input=sent,
        stdin=None if sent is not None else subprocess.DEVNULL,
        env=environment(**settings),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    told = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
    assert "Traceback" not in told.stderr, told.stderr
    return told


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@contextmanager
def served(*words: str, **settings: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [GRAFTWATCH, "serve", "--port", str(port), *words],
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            wait_for(client, process)
            yield client, process
    finally:
        process.kill()
        process.communicate()


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            if client.get("/health/live").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


def change_database(url: str, statement: str) -> int:
    """Do what no command does: change a row behind Graftwatch's back."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
            return database.execute(statement).rowcount
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        return connection.execute(statement).rowcount


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to type in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def migrated(workplace: Path, sqlite_databases: Databases) -> Path:
    """A folder with a migrated database where the settings look for it by default."""
    with sqlite_databases(migrated=True) as url:
        shutil.copyfile(url.removeprefix("sqlite:///"), workplace / "graftwatch.db")
    return workplace


def test_every_fault_is_told_by_line_and_pointer_and_no_value_is_repeated(migrated: Path):
    file = migrated / "events.ndjson"
    file.write_bytes(
        lines(TRANSPLANT, ENDLESS_AGENT, BEFORE_ENTRY) + b"no json\n" + lines(VOIDS_NOTHING)
    )

    rehearsed = graftwatch("import", "--dry-run", str(file))
    done = graftwatch("import", str(file))
    again = graftwatch("import", str(file))

    faults = [line for line in done.stderr.splitlines() if line.startswith("line ")]
    assert [fault.split(": ")[:3] for fault in faults if fault.count(": ") > 2 or "/" in fault] == [
        ["line 2", "/agents/0", "too_long"],
        ["line 5", "/voids", "unknown_event"],
    ]
    assert faults[1].startswith("line 4: malformed_json: ")
    assert "warning: infection_before_entry (1 events)" in done.stderr
    assert "named-by-mistake" not in done.stderr + done.stdout
    assert "Zzyzx" not in done.stderr + done.stdout
    assert done.stdout == "5 received, 2 accepted, 0 known before, 3 rejected\n"
    assert rehearsed.stdout == f"Dry run, nothing stored: {done.stdout}"
    assert [line for line in rehearsed.stderr.splitlines() if line.startswith("line ")] == faults
    assert again.stdout == "5 received, 0 accepted, 2 known before, 3 rejected\n"
    assert [rehearsed.returncode, done.returncode, again.returncode] == [1, 1, 1]


def test_a_clean_file_exits_0_and_a_hopeless_one_2(migrated: Path):
    assert graftwatch("import", "-", sent=lines(TRANSPLANT)).returncode == 0
    assert graftwatch("import", "-", sent=lines(ENDLESS_AGENT)).returncode == 2
    assert graftwatch("import", str(migrated / "not there.csv")).returncode == 2
    assert graftwatch("import", str(migrated / "events.docx")).returncode == 2


def test_rows_of_a_compressed_table_are_read(migrated: Path):
    file = migrated / "events.csv.gz"
    file.write_bytes(
        gzip.compress(
            b"type,event_id,facility,patient,occurred_on,transplant_type,outcome\n"
            b"transplant,t1,ucd-01,p0001,2022-03-01,RTx,\n"
            b"outcome,o1,ucd-01,p0001,2022-06-01,,death\n"
            b"outcome,o2,ucd-01,p0001,2022-06-01,,gone\n"
        )
    )

    done = graftwatch("import", str(file))

    assert (done.returncode, done.stdout) == (
        1,
        "3 received, 2 accepted, 0 known before, 1 rejected\n",
    )
    assert done.stderr.startswith("line 4: /outcome: ")


def test_what_came_before_a_break_is_kept(migrated: Path):
    events = [TRANSPLANT | {"event_id": f"t{n}", "patient": f"p{n}"} for n in range(3000)]
    file = migrated / "events.ndjson.gz"
    file.write_bytes(gzip.compress(lines(*events))[:-2000])

    done = graftwatch("import", str(file))

    assert done.returncode == 2
    assert "The gzip file ends too early." in done.stderr
    accepted = int(re.search(r"([\d,]+) accepted", done.stdout)[1].replace(",", ""))  # type: ignore[index]
    assert 0 < accepted < 3000
    assert graftwatch("rebuild").stdout.startswith(f"Patients replayed: {accepted:,}.\n")


def test_import_stops_after_as_many_rejections_as_allowed(migrated: Path):
    events = [ENDLESS_AGENT | {"event_id": f"r{n}"} for n in range(10)]
    done = graftwatch("import", "-", "--max-errors", "3", sent=lines(*events, TRANSPLANT))
    assert done.stdout == "3 received, 0 accepted, 0 known before, 3 rejected\n"


def test_ctrl_c_keeps_what_is_stored_and_says_how_much(migrated: Path):
    process = subprocess.Popen(
        [GRAFTWATCH, "import", "-"],
        env=environment(ingest_batch_size="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_ctrl_c,
    )
    assert process.stdin is not None
    process.stdin.write(lines(TRANSPLANT, BEFORE_ENTRY))
    process.stdin.flush()
    end = time.monotonic() + PATIENCE_SECONDS
    with closing(sqlite3.connect("graftwatch.db")) as database:
        while database.execute("SELECT count(*) FROM events").fetchone() != (2,):
            assert time.monotonic() < end
            time.sleep(0.1)

    process.send_signal(signal.SIGINT)
    told, faults = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert told == b"2 received, 2 accepted, 0 known before, 0 rejected\n"
    assert b"Stopped before the end." in faults
    assert b"Traceback" not in faults


def test_a_simulated_network_is_imported_and_its_ledger_proved(migrated_url: str, workplace: Path):
    network = graftwatch(
        *("simulate", "--patients", "30", "--facilities", "2", "--seed", "4"),
        *("--start", "2020-01-01", "--end", "2024-12-31", "--truth", "truth.json"),
    )
    assert json.loads((workplace / "truth.json").read_bytes())["raised"][0]["facility"] == "net-02"
    kept = {"database_url": migrated_url}

    imported = graftwatch("import", "-", sent=network.stdout.encode(), **kept)
    sound = graftwatch("rebuild", **kept)
    changed = change_database(migrated_url, "UPDATE risk_steps SET change = change + 1")
    change_database(
        migrated_url,
        "UPDATE segments SET end_day = end_day + 1 WHERE patient = 'p0000001'",
    )
    wrong = graftwatch("rebuild", **kept)
    righted = graftwatch("rebuild", "--apply", **kept)
    after = graftwatch("rebuild", **kept)

    assert imported.returncode == 0, imported.stderr
    assert ", 0 rejected" in imported.stdout
    assert sound.returncode == 0
    assert "The ledger is what the events say it is." in sound.stdout
    assert changed > 0
    assert wrong.returncode == 1
    assert "Patients that differ: 1; sums that differ: " in wrong.stdout
    assert righted.returncode == 0
    assert "The ledger has been put right." in righted.stdout
    assert (after.returncode, after.stdout) == (0, sound.stdout)


def test_two_migrations_at_once_then_back_and_forth_with_data(database_url: str, workplace: Path):
    kept = {"database_url": database_url}
    two = [
        subprocess.Popen([GRAFTWATCH, "migrate"], env=environment(**kept), stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    faults = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in two]
    assert ([process.returncode for process in two], faults) == ([0, 0], [b"", b""])
    assert graftwatch("import", "-", sent=lines(TRANSPLANT), **kept).returncode == 0

    back = graftwatch("migrate", "--to", "base", **kept)
    refused = graftwatch("rebuild", **kept)
    forward = graftwatch("migrate", **kept)
    again = graftwatch("import", "-", sent=lines(TRANSPLANT), **kept)

    assert (back.returncode, forward.returncode) == (0, 0)
    assert refused.returncode == 2
    assert "graftwatch migrate" in refused.stderr
    assert again.stdout == "1 received, 1 accepted, 0 known before, 0 rejected\n"
    assert "cinicola-ntm-allo" in graftwatch("baselines", **kept).stdout


def test_serve_refuses_a_database_that_is_not_ready(migrated: Path):
    missing = graftwatch("serve", database_url="sqlite:///not-there.db")
    graftwatch("import", "-", sent=lines(TRANSPLANT))
    other_rules = graftwatch("serve", followup_grace_days="30")

    assert (missing.returncode, other_rules.returncode) == (2, 2)
    assert missing.stderr.count("\n") == other_rules.stderr.count("\n") == 1
    assert "run `graftwatch migrate`" in missing.stderr
    assert "graftwatch rebuild --apply" in other_rules.stderr


def test_a_key_opens_what_it_is_made_for_until_it_is_revoked(migrated: Path):
    made = graftwatch(
        *("keys", "create", "lab", "--scope", "events:write", "--scope", "rates:read"),
        *("--facility", "ucd-01", "--expires", "2999-12-31"),
    )
    token = made.stdout.strip()
    assert re.fullmatch(r"gw_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", token)
    key_id = token.split("_")[1]
    bearer = {"Authorization": f"Bearer {token}"}
    elsewhere = TRANSPLANT | {"event_id": "t2", "facility": "ucd-02"}

    with served() as (client, process):
        assert client.get("/v1/rates").status_code == 401
        sent = client.post("/v1/events", json=[TRANSPLANT, elsewhere], headers=bearer)
        assert (sent.status_code, sent.json()["accepted"]) == (207, 1)
        assert client.get("/v1/rates", headers=bearer).status_code == 200

        listed = graftwatch("keys", "list").stdout
        assert key_id in listed
        assert token not in listed

        rotated = graftwatch("keys", "rotate", key_id, "--overlap", "0").stdout.strip()
        assert client.get("/v1/rates", headers=bearer).status_code == 401
        bearer = {"Authorization": f"Bearer {rotated}"}
        assert client.get("/v1/rates", headers=bearer).status_code == 200
        assert graftwatch("keys", "revoke", key_id).returncode == 0
        assert client.get("/v1/rates", headers=bearer).status_code == 401

        process.send_signal(signal.SIGINT)
        logs, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert all(json.loads(line)["level"] == "info" for line in logs.splitlines())


def test_a_taken_port_is_named_with_what_to_do(migrated: Path):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = graftwatch("serve", "--port", str(port))
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["rebuild"], {"port": "many"}),
        (["serve", "--host", "0.0.0.0"], {"auth": "off"}),
        (["rebuild"], {"database_url": "postgresql://u:hush@127.0.0.1:1/x"}),
        (["migrate", "--to", "nowhere"], {}),
        (["baselines", "show", "nothing"], {}),
    ],
    ids=["setting", "open door", "no server", "no revision", "no baseline"],
)
def test_what_cannot_be_done_is_said_in_a_line(
    workplace: Path, words: list[str], settings: dict[str, str]
):
    done = graftwatch(*words, **settings)
    assert done.returncode == 2
    assert done.stderr.startswith("graftwatch: ")
    assert done.stderr.count("\n") == 1
    assert "hush" not in done.stderr


def test_baselines_need_no_database(workplace: Path):
    listed = graftwatch("baselines", "list")
    shown = graftwatch("baselines", "show", "cinicola-ntm-allo")
    assert "1.26% (0.72–1.93)" in listed.stdout
    assert "10.1007/s10875-023-01615-3" in shown.stdout
    assert list(workplace.iterdir()) == []


def test_the_upgrade_can_be_read_as_sql(workplace: Path):
    written = graftwatch("migrate", "--sql", database_url="postgresql://nobody@nowhere.invalid/x")
    assert "CREATE TABLE events" in written.stdout
    assert graftwatch("--version").stdout.startswith("graftwatch ")


@pytest.mark.usefixtures("workplace")
def test_the_error_budget_is_shown_and_set():
    """Three shipped monitors of the network at an alpha of 0.05 each, before anybody reports."""
    assert graftwatch("migrate").returncode == 0
    shown = graftwatch("budget")
    assert shown.returncode == 0, shown.stderr
    assert "nobody has set it yet" in shown.stdout
    done = graftwatch("budget", "--false-alarms-ever", "0.1", "--false-discovery-rate", "0.2")
    assert "OVER the 0.1 allowed" in done.stdout
    again = graftwatch("budget", "--false-alarms-ever", "0")
    assert "no limit is set" in again.stdout
    assert "alerts that stand: 0.2" in again.stdout
    refused = graftwatch("budget", "--false-discovery-rate", "1")
    assert refused.returncode == 2
    assert "between 0 and 1" in refused.stderr


@pytest.mark.usefixtures("workplace")
def test_a_replay_sets_variants_side_by_side():
    assert graftwatch("migrate").returncode == 0
    Path("counts.csv").write_text(
        "date,cases,expected\n2024-01-01,1,0.05\n2024-02-01,3,0.05\n2024-03-01,9,0.05\n"
    )
    words = ("replay", "excess-tb-sot-spain", "--counts", "counts.csv")
    strict = ("--variant", "strict:alpha=0.0000000001")
    detector = ("--variant", "rise:method=e_detector,rate_ratios=2+5")
    shown = graftwatch(*words, *strict, *detector)
    assert shown.returncode == 0, shown.stderr
    table = {line.split()[0]: line.split() for line in shown.stdout.splitlines() if line.strip()}
    assert table["as_it_is"][1:7] == ["e_process", "yes", "2024-02-01", "31", "31", "4"]
    assert table["strict"][1:4] == ["e_process", "yes", "2024-03-01"]
    assert table["rise"][1] == "e_detector"
    assert "no alert is taken to have been closed" in shown.stdout

    told = json.loads(graftwatch(*words, *strict, "--json").stdout)
    assert [row["signalled_in"] for row in told["rows"]] == ["2024-02", "2024-03"]
    cannot = graftwatch("replay", "excess-tb-sot-spain", "--variant", "x:method=share_shift")
    assert "x cannot watch this" in cannot.stdout

    for wrong, said in (
        (("replay", "nothing"), "No monitor of that id"),
        ((*words, "--variant", "x:alpha=1"), "variants/0/alpha"),
        ((*words, "--variant", "x:alpha"), "SETTING=VALUE"),
        ((*words, "--variant", "x:method=cusum,alpha=0.1"), "days_between_false_alarms"),
        ((*words, "--start", "2024-02-01", "--end", "2024-01-01"), "must not be after"),
    ):
        refused = graftwatch(*wrong)
        assert refused.returncode == 2
        assert said in refused.stderr
    Path("counts.csv").write_text("date,cases,expected\n2024-01-01,-1,0.05\n")
    assert "counts/days/0/cases" in graftwatch(*words).stderr
