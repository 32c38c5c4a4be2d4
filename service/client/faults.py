"""What can go wrong for a sender.

ClientError
├── Unreachable   nobody answered, or only "try again later", for as long as patience lasted
├── Refused       the service answered and will answer the same again: a key, an address, a question
├── SpoolFull     the spool holds as much as it may, or the disk has no room; nothing was kept
└── SpoolInUse    another process has the spool

No message holds an event, a patient or a key.
"""


class ClientError(Exception):
    """Something went wrong that has a name."""


class Unreachable(ClientError):
    """Nobody answered, or only with "try again later"; sending again is harmless.

    `wanted_pause` is the number of seconds after which the service asks to be tried again.
    """

    def __init__(self, message: str, *, wanted_pause: float | None = None) -> None:
        """Keep what the service asked for."""
        super().__init__(message)
        self.wanted_pause = wanted_pause


class Refused(ClientError):
    """The service will not do this; `status` and `code` are those of its problem document."""

    def __init__(self, message: str, *, status: int, code: str | None = None) -> None:
        """Keep the status and the stable code."""
        super().__init__(message)
        self.status = status
        self.code = code


class SpoolFull(ClientError):
    """Nothing of what was put was kept."""


class SpoolInUse(ClientError):
    """One process at a time."""
