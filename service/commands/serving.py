"""`graftwatch serve`: answer HTTP until told to stop.

In:     the settings.
Out:    one process, or several; each stops after answering what it has begun.
Source: uvicorn, "Running programmatically".
"""

import errno
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.collecting import keep_what_is_loaded
from service.commands.opening import opened
from service.errors import GraftwatchError
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_SECONDS = 10
"""For answers under way when the service is stopped; open event streams end then."""

CANNOT_START = 3
"""The exit code where the web server gives up before it serves; uvicorn's."""


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
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that serve, instead of GRAFTWATCH_WORKERS; PostgreSQL only."),
    ] = None,
) -> None:
    """Serve the API and the dashboard until stopped by Ctrl-C or SIGTERM."""
    from service.logs import configure_logging

    given = {"host": host, "port": port, "workers": workers}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    with opened(settings):
        pass  # refused here, a fault is one line; refused by the web server, it is a page
    configure_logging(settings.log_level, settings.log_format)
    if not (serve_together(settings) if settings.workers > 1 else serve_alone(settings)):
        raise typer.Exit(CANNOT_START)


def listen(settings: Settings, *, beside_others: bool = False) -> socket.socket:
    """A socket at the address of the settings; raises `CannotListen` where that cannot be.

    Sockets `beside_others` share the address, and the kernel spreads connections over them.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if beside_others:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()
    except OSError as fault:
        listener.close()
        raise CannotListen(_why_not(settings, fault)) from None
    return listener


def serve_alone(settings: Settings, *, beside_others: bool = False) -> bool:
    """Serve in this process until Ctrl-C or SIGTERM; False where it could not start."""
    from service.main import create_app

    listener = listen(settings, beside_others=beside_others)
    return run(create_app(settings), listener)


def run(app: "FastAPI", listener: socket.socket) -> bool:
    """Serve the application on the socket until Ctrl-C or SIGTERM; False if it could not start."""
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
    keep_what_is_loaded()
    with suppress(KeyboardInterrupt), listener:  # Ctrl-C is how it is meant to end
        server.run(sockets=[listener])
    return server.started


def serve_together(settings: Settings) -> bool:
    """Serve in several processes until Ctrl-C or SIGTERM; False where they could not start."""
    from service.commands.workers import supervise

    listen(settings).close()  # a program that is there already would get a share of connections
    return supervise(settings, partial(serve_alone, beside_others=True))


def _why_not(settings: Settings, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} is taken by another program: choose another, as in "
            f"`--port {settings.port % 65535 + 1}`, or set GRAFTWATCH_PORT."
        )
    reason = fault.strerror or "unknown reason"
    return f"Cannot listen on {settings.host} port {settings.port}: {reason}."
