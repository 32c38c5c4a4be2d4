"""The logs: one JSON object a line, from every logger, and no patient in any of them.

In: log calls. Out: lines. Source: docs/operations.md, "Watching it".
"""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any, Literal

import pytest
import structlog

from service.logs import QUIETENED, REROUTED, SILENCED, configure_logging


@pytest.fixture
def written() -> Iterator[StringIO]:
    """Where the lines go; afterwards every logger is as it was."""
    names = [None, *REROUTED, *QUIETENED, *SILENCED]
    loggers = [logging.getLogger(name) for name in names]
    before = [(log, log.handlers[:], log.level, log.propagate, log.disabled) for log in loggers]
    yield StringIO()
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    for log, handlers, level, propagate, disabled in before:
        log.handlers[:], log.propagate, log.disabled = handlers, propagate, disabled
        log.setLevel(level)


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ours_and_uvicorns_messages_are_lines_of_one_shape(written: StringIO) -> None:
    configure_logging("info", "json", written)
    structlog.get_logger("service.pipeline").info("batch recorded", events=3)
    logging.getLogger("uvicorn.error").info("Started %s", "here", extra={"color_message": "!"})
    ours, theirs = lines(written)
    assert (ours["event"], ours["events"], ours["logger"]) == (
        "batch recorded",
        3,
        "service.pipeline",
    )
    assert (theirs["event"], theirs["level"]) == ("Started here", "info")
    assert set(theirs) == {"event", "level", "logger", "timestamp"}
    assert ours["timestamp"].endswith("Z")


def test_less_severe_messages_are_left_out(written: StringIO) -> None:
    configure_logging("warning", "json", written)
    structlog.get_logger().info("quiet")
    logging.getLogger("uvicorn.error").info("quiet")
    structlog.get_logger().warning("heard")
    assert [line["event"] for line in lines(written)] == ["heard"]


def test_paths_and_addresses_of_requests_are_not_logged(written: StringIO) -> None:
    configure_logging("info", "json", written)
    logging.getLogger("uvicorn.access").info("GET /v1/facilities/A/patients/P-1")
    logging.getLogger("httpx").info("POST https://hooks.example/secret")
    assert lines(written) == []


def test_an_exception_is_logged_without_its_words_and_variables(written: StringIO) -> None:
    configure_logging("info", "json", written)
    patient = "P-4711"
    try:
        raise KeyError(patient)
    except KeyError:
        structlog.get_logger().exception("not recorded")
    (line,) = lines(written)
    (fault,) = line["exception"]
    assert fault["type"] == "KeyError"
    assert "test_logs.py" in fault["at"][-1]
    assert patient not in written.getvalue()


def test_what_is_broken_outside_is_said(written: StringIO) -> None:
    """A connection's fault in its first line; the statement that SQL libraries append is not."""
    configure_logging("info", "json", written)
    try:
        raise ConnectionRefusedError("port 5432 refused\n[parameters: ('P-4711',)]")
    except ConnectionRefusedError:
        logging.getLogger("any").exception("no database")
    (line,) = lines(written)
    assert line["exception"][0]["text"] == "port 5432 refused"
    assert "P-4711" not in written.getvalue()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_configuring_twice_does_not_say_things_twice(
    log_format: Literal["json", "console"], written: StringIO
) -> None:
    configure_logging("info", log_format, written)
    configure_logging("info", log_format, written)
    structlog.get_logger().info("once")
    assert written.getvalue().count("once") == 1


def test_statements_are_not_logged_at_the_level_of_requests(written: StringIO) -> None:
    configure_logging("info", "json", written)
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")
    logging.getLogger("sqlalchemy.pool").warning("the pool is empty")
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == [
        "the pool is empty"
    ]
