"""Logs as one JSON object a line, uvicorn's own messages included.

In: a level and a format, from the settings.
Out: the process's logging, configured once by whoever starts it; nothing happens at import.
Source: structlog's guide to standard library logging (`ProcessorFormatter`).
"""

import logging
import sys
from typing import Any, Literal, TextIO

import structlog

# uvicorn's access lines carry the path as sent, and with it patient identifiers: the API's own
# middleware logs the route's template instead.
SILENCED = ("uvicorn.access",)
REROUTED = ("uvicorn", "uvicorn.error", "alembic")
# httpx names every URL it calls, and a webhook's URL may hold its owner's secret.
QUIETENED = ("httpx", "httpcore", "sqlalchemy")
# Exceptions whose first line tells an operator what is broken outside. The words of any other
# may repeat an event ("Key (facility, patient)=(...) already exists"), so they are not logged.
SPEAKING = frozenset(
    {
        "ConnectionError",
        "ConnectionRefusedError",
        "FileNotFoundError",
        "OperationalError",
        "OSError",
        "PermissionError",
        "PoolTimeout",
        "SettingsError",
        "TimeoutError",
    }
)


def configure_logging(
    level: Literal["debug", "info", "warning", "error"] = "info",
    log_format: Literal["json", "console"] = "json",
    stream: TextIO | None = None,
) -> None:
    """Send every logger of the process to `stream` (standard error) in one format."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_annotations(), processors=_renderers(log_format)
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in REROUTED:
        _hand_to_root(name, logging.NOTSET)
    for name in QUIETENED:
        _hand_to_root(name, max(threshold, logging.WARNING))
    for name in SILENCED:
        silenced = logging.getLogger(name)
        silenced.handlers.clear()
        silenced.propagate = False
        silenced.disabled = True
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_annotations(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a later configuration must reach loggers already used
    )


def _hand_to_root(name: str, level: int) -> None:
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(level)


def _annotations() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderers(log_format: Literal["json", "console"]) -> list[Any]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format == "console":
        plain = structlog.dev.plain_traceback  # the default one prints local variables
        colors = sys.stderr.isatty()
        console = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)
        return [strip, _drop_colour, console]
    return [
        strip,
        _drop_colour,
        structlog.processors.ExceptionRenderer(_describe_fault),
        structlog.processors.JSONRenderer(default=str),
    ]


def _describe_fault(exc_info: Any) -> list[dict[str, Any]]:
    """Return each exception of the chain: its type, the way to it, and words only if harmless."""
    chain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)(exc_info)
    return [
        {
            "type": link["exc_type"],
            "text": link["exc_value"].partition("\n")[0] if link["exc_type"] in SPEAKING else "",
            "at": [f"{at['filename']}:{at['lineno']} {at['name']}" for at in link["frames"]],
        }
        for link in chain
    ]


def _drop_colour(_logger: Any, _method: str, event: Any) -> Any:
    event.pop("color_message", None)  # uvicorn says each sentence a second time, for terminals
    return event
