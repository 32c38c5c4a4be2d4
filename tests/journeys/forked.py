"""The service as a process of its own, forked from one that has loaded everything already.

In:     the socket to listen on, the environment, the file that takes what the service writes.
Out:    a process, as `graftwatch serve` would be but for the second and a half of loading.
Source: multiprocessing, "Contexts and start methods", forkserver; what it preloads it loads once.

Loading itself, with warnings as errors, is left to tests that start the service by a command.
"""

import gc
import os
import socket
import sys
import warnings
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from service.commands.collecting import collect_seldom
from service.commands.serving import run
from service.logs import configure_logging
from service.main import create_app
from service.settings import read_settings

gc.freeze()


def start(
    listening: socket.socket, environment: Mapping[str, str], log_file: Path
) -> ForkServerProcess:
    """Begin to serve."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    given = (listening, dict(environment), log_file)
    process = context.Process(target=serve, args=given, daemon=True)
    process.start()
    return process


def serve(listening: socket.socket, environment: dict[str, str], log_file: Path) -> None:
    """Serve until told to stop."""
    with log_file.open("wb", buffering=0) as log:
        for output in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), output.fileno())
    os.environ.clear()
    os.environ.update(environment)
    warnings.simplefilter("error")
    collect_seldom()
    settings = read_settings()
    configure_logging(settings.log_level, settings.log_format)
    sys.exit(0 if run(create_app(settings), listening) else 3)
