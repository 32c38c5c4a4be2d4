"""`graftwatch serve`: answer HTTP until told to stop.

In:     the settings.
Out:    one process; it stops after answering what it has begun.
Source: uvicorn, "Running programmatically".
"""

import errno
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.opening import opened
from service.errors import GraftwatchError
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

SWITCH_SECONDS = 0.0005
"""The writer's thread hands over to the web server's and back many times in a transaction; at
Python's usual 5 ms each would wait that long for the other."""
GRACE_SECONDS = 10
"""For answers under way when the service is stopped; open event streams end then."""


class CannotListen(GraftwatchError):
    """The address cannot be had."""

    code = "cannot_listen"


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, instead of GRAFTWATCH_HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="TCP port to listen on, instead of GRAFTWATCH_PORT.")
    ] = None,
) -> None:
    """Serve the API and the dashboard until stopped by Ctrl-C or SIGTERM."""
    from service.logs import configure_logging
    from service.main import create_app

    given = {"host": host, "port": port}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    with opened(settings):
        pass  # refused here, a fault is one line; refused by the web server, it is a page
    listener = listen(settings)
    configure_logging(settings.log_level, settings.log_format)
    run(create_app(settings), listener)


def listen(settings: Settings) -> socket.socket:
    """A socket at the address of the settings; raises `CannotListen` where that cannot be."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()
    except OSError as fault:
        listener.close()
        raise CannotListen(_why_not(settings, fault)) from None
    return listener


def run(app: "FastAPI", listener: socket.socket) -> None:
    """Serve the application on the socket until Ctrl-C or SIGTERM."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    sys.setswitchinterval(SWITCH_SECONDS)
    with suppress(KeyboardInterrupt), listener:  # Ctrl-C is how it is meant to end
        server.run(sockets=[listener])
    if not server.started:
        raise typer.Exit(3)


def _why_not(settings: Settings, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} is taken by another program: choose another, as in "
            f"`--port {settings.port % 65535 + 1}`, or set GRAFTWATCH_PORT."
        )
    reason = fault.strerror or "unknown reason"
    return f"Cannot listen on {settings.host} port {settings.port}: {reason}."
