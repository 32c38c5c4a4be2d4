"""Receivers of webhooks, as somebody elsewhere runs them.

In:     the secret that a recipient was given.
Out:    `Receiver`, a real HTTP server that keeps what it took; verified by the library of the
        specification's authors.
Source: https://www.standardwebhooks.com; PyPI `standardwebhooks`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from standardwebhooks import Webhook

PATIENCE_SECONDS = 30


class Receiver:
    """Takes what is sent to it, while it is up; answers with `status`."""

    def __init__(self) -> None:
        """Take a port; nobody listens yet."""
        self.status = 204
        self.headers: dict[str, str] = {}
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refused = 0
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self._port}/hook?token=of-ours"

    def start(self) -> None:
        """Listen, on the same port as before."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.status < 300:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.taken.append((headers, body))
                else:
                    receiver.refused += 1
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be down: connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """What came, each verified with the secret."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.taken]

    def ids(self) -> list[str]:
        """The ids of what came."""
        return [headers["webhook-id"] for headers, _ in self.taken]

    def wait_for(self, number: int) -> None:
        """Return once so much has come."""
        wait_until(lambda: len(self.taken) >= number)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that is up."""
    receiver = Receiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)
