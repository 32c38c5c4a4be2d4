"""What is wrong with a message, for the ERR segment of its answer.

In:     where it is (an ERL), an error code of HL7 table 0357, words.
Out:    `Refused`, raised by readers.
Source: HL7 v2.5.1, 2.15.5 (ERR). No value of the message is repeated.
"""

from dataclasses import dataclass

ERRORS = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "204": "Unknown key identifier",
    "207": "Application internal error",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One fault or remark; `where` is segment, sequence and field, like `PID^1^3`."""

    where: str
    code: str
    text: str
    severity: str = "E"


class Refused(Exception):
    """The message cannot be taken in; with `is_rejected` it never will be, as it stands."""

    def __init__(self, where: str, code: str, text: str, *, is_rejected: bool = False) -> None:
        """Keep what to answer."""
        super().__init__(text)
        self.flaw = Flaw(where, code, text)
        self.is_rejected = is_rejected
