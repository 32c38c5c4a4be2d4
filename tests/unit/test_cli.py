"""The parts of the commands that need no process, no database and no network."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from socket import socket
from zoneinfo import ZoneInfo

import msgspec
import pytest
import typer

from service.api.event_intake import EventFault, EventResult, Taken
from service.commands.baselines import described, short_source
from service.commands.feeding import Account, feed
from service.commands.granting import SCOPES, end_of
from service.commands.importing import FaultList, exit_code, summarise
from service.commands.serving import CannotListen, listen
from service.commands.simulating import write_events
from service.commands.sources import Format, format_of
from service.errors import Unreadable
from service.ingest.faults import Fault, Rejection
from service.reference.baselines import shipped_baselines
from service.settings import read_settings


def rejection(line: int) -> Rejection:
    return Rejection(line, None, (Fault("/agents/0", "unknown_term", "No known agent."),))


def result(line: int, status: str = "rejected", *codes: str) -> EventResult:
    faults = (EventFault("/agents/0", "unknown_term", "No known agent."),)
    return EventResult(
        index=line,
        event_id=None,
        status=status,
        errors=faults if status == "rejected" else (),
        warnings=tuple(EventFault("", code, "") for code in codes),
    )


class Batches:
    """Takes everything as rejected, and remembers how it came."""

    def __init__(self) -> None:
        self.lines: list[list[int]] = []

    def take(self, items: Sequence[Rejection]) -> Taken:
        self.lines.append([item.index for item in items])
        return Taken(tuple(result(item.index) for item in items), position=0)


def test_events_are_taken_in_batches_the_last_one_short():
    batches, account = Batches(), Account()
    feed(batches.take, map(rejection, range(1, 8)), account, batch_size=3)
    assert batches.lines == [[1, 2, 3], [4, 5, 6], [7]]
    assert account.counts == {"rejected": 7}


def test_feeding_reads_no_further_than_the_last_rejection_allowed():
    batches, account, heard = Batches(), Account(), []
    rest = iter(range(1, 100))
    feed(
        batches.take,
        map(rejection, rest),
        account,
        batch_size=3,
        most_rejected=4,
        told=lambda told: heard.append(told.index),
    )
    assert (batches.lines, heard) == ([[1, 2, 3], [4]], [1, 2, 3, 4])
    assert next(rest) == 5


def test_what_was_read_before_a_break_is_taken_first():
    def broken():
        yield rejection(1)
        raise Unreadable("The gzip file ends too early.")

    batches, account = Batches(), Account()
    with pytest.raises(Unreadable):
        feed(batches.take, broken(), account, batch_size=10)
    assert batches.lines == [[1]]
    assert account.counts.total() == 1


def test_the_account_counts_remarks_by_code():
    account = Account()
    account.add(
        Taken(
            (
                result(1, "accepted", "event_after_death", "implausible_age"),
                result(2, "accepted", "event_after_death"),
                result(3, "duplicate"),
                result(4),
            ),
            position=2,
        )
    )
    assert account.warnings == {"event_after_death": 2, "implausible_age": 1}
    assert str(account) == "4 received, 2 accepted, 1 known before, 1 rejected"


@pytest.mark.parametrize(
    ("statuses", "stopped", "code"),
    [
        (["accepted", "duplicate"], None, 0),
        (["duplicate"], None, 0),
        (["accepted", "rejected"], None, 1),
        (["rejected"], None, 2),
        ([], None, 2),
        (["accepted"], Unreadable("broken"), 2),
        (["accepted"], KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_tells_what_became_of_the_file(
    statuses: list[str], stopped: BaseException | None, code: int
):
    account = Account()
    account.add(Taken(tuple(result(n, status) for n, status in enumerate(statuses)), position=0))
    assert exit_code(account, stopped) == code


def test_a_thousand_rejected_events_are_told_and_the_rest_counted(
    capsys: pytest.CaptureFixture[str],
):
    faults, account = FaultList(), Account()
    for line in range(1, 1003):
        faults.tell(result(line))
    summarise(account, faults, None, dry_run=False)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "line 1: /agents/0: unknown_term: No known agent."
    assert told[999].startswith("line 1000: ")
    assert told[1000] == "2 more rejected events are not shown."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.ndjson", Format.NDJSON),
        ("a.jsonl.gz", Format.NDJSON),
        ("a.CSV", Format.CSV),
        ("b.csv.gz", Format.CSV),
        ("-", Format.NDJSON),
    ],
)
def test_the_ending_tells_the_format(name: str, expected: Format):
    assert format_of(name) is expected


def test_an_unknown_ending_asks_for_the_format():
    with pytest.raises(typer.BadParameter, match="--format"):
        format_of("events.xlsx")


def test_a_key_works_through_its_last_day_where_the_network_is():
    berlin = ZoneInfo("Europe/Berlin")
    assert end_of(date(2030, 3, 31), berlin) == datetime(2030, 3, 31, 22, tzinfo=UTC)


def test_keys_may_have_the_scopes_that_the_api_knows():
    from service.api.access import Scope

    assert tuple(Scope) == SCOPES


def test_events_are_written_one_a_line():
    stream = BytesIO()
    assert write_events(stream, ({"n": n} for n in range(2500))) == 2500
    lines = stream.getvalue().splitlines()
    assert [msgspec.json.decode(line)["n"] for line in lines] == list(range(2500))


def test_a_baseline_is_described_with_its_source_and_caveat():
    baseline = {each.id: each for each in shipped_baselines()}["cinicola-ntm-allo"]
    told = described(baseline)
    assert told["printed"] == "1.26% (0.72–1.93)"
    assert told["interval"] == "0.0072 to 0.0193 (95%)"
    assert "10.1007/s10875-023-01615-3" in told["source"]
    assert "never a rate" in told["caveat"]
    assert short_source(baseline.source).startswith("J Clin Immunol")


def test_every_shipped_baseline_can_be_described():
    assert all(
        {"id", "source", "verified"} <= described(each).keys() for each in shipped_baselines()
    )


def test_a_taken_port_is_told_with_another_one():
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = read_settings(port=taken.getsockname()[1], host="127.0.0.1")
        with pytest.raises(CannotListen, match="--port"):
            listen(settings)
