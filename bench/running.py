"""Servers to measure, each a process of its own that is stopped at the end.

In:     what to serve, on which database.
Out:    its port and process.
Source: uvicorn; Graftwatch as `graftwatch serve` runs it.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.stores import GRAFTWATCH, environment

PATIENCE_SECONDS = 60
LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""
UVICORN = (
    sys.executable,
    "-m",
    "uvicorn",
    "--factory",
    "--no-access-log",
    "--log-level",
    "warning",
)
COMMANDS = {
    "graftwatch": (GRAFTWATCH, "serve"),
    "storing": (*UVICORN, "bench.rivals:storing"),
    "parsing": (*UVICORN, "bench.rivals:parsing"),
}


class Serving(NamedTuple):
    """A server that listens."""

    port: int
    pid: int


@contextmanager
def serving(name: str, url: str, workers: int = 1) -> Iterator[Serving]:
    """Serve until the block ends; only Graftwatch has several workers."""
    port = free_port()
    several = ["--workers", str(workers)] if workers > 1 else []
    command = [*COMMANDS[name], "--port", str(port), *several]
    process = subprocess.Popen(
        command, env=environment(url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, process, workers)
        yield Serving(port, process.pid)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def wait_for(port: int, process: "subprocess.Popen[bytes]", sockets: int = 1) -> None:
    """Return once so many sockets listen on the port."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if listening(port) >= sockets:
            return
        time.sleep(0.05)
    raise RuntimeError("the server did not come up")


def listening(port: int) -> int:
    """How many sockets listen on a port of 127.0.0.1."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    wanted = f"0100007F:{port:04X}"
    return sum(row[1] == wanted and row[3] == LISTENS for row in rows)


def resident_mib(pid: int, what: str = "VmRSS") -> float:
    """What a process holds in memory now (`VmRSS`) or held at most (`VmHWM`)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024
