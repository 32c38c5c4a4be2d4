"""The answer to a message: ACK with MSA and ERR.

In:     the message, what became of it, the instant.
Out:    the text of an ACK, and of a batch of them.
Source: HL7 v2.5.1, 2.9.2 (original mode), 2.15.5 (ERR), 2.15.8 (MSA); table 0008.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.ingest.hl7.faults import ERRORS, Flaw
from service.ingest.hl7.syntax import Delimiters, Message

ACCEPTED, IN_ERROR, REJECTED = "AA", "AE", "AR"
OWN_NAME = "GRAFTWATCH"
_PLAIN = Delimiters()


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message: its code of table 0008, and why."""

    code: str
    flaws: tuple[Flaw, ...] = ()


def acknowledgement(message: Message | None, fate: Fate, now: datetime) -> str:
    """One ACK; of a body that is no message it names none."""
    stamp = f"{now:%Y%m%d%H%M%S}+0000"
    control_id = message.header.text(10) if message else ""
    event = message.kind[1] if message else ""
    sender = [message.header.part(n).whole if message else "" for n in (3, 4)]
    receiver = [message.header.part(n).whole if message else "" for n in (5, 6)]
    version = (message.header.text(12) if message else "") or "2.5.1"
    mode = (message.header.text(11) if message else "") or "P"
    kind = f"ACK^{_escaped(event)}" if event else "ACK"
    told = ["MSH", "^~\\&", *map(_escaped, [receiver[0] or OWN_NAME, receiver[1], *sender])]
    told += [stamp, "", kind, f"GW{now:%Y%m%d%H%M%S%f}", *map(_escaped, [mode, version])]
    segments = ["|".join(told), f"MSA|{fate.code}|{_escaped(control_id)}"]
    segments += [_err(flaw) for flaw in fate.flaws]
    return "".join(f"{segment}\r" for segment in segments)


def batch(acknowledgements: Sequence[str], now: datetime) -> str:
    """The answers to a batch, as a batch."""
    stamp = f"{now:%Y%m%d%H%M%S}+0000"
    head = f"BHS|^~\\&|{OWN_NAME}||||{stamp}\r"
    return f"{head}{''.join(acknowledgements)}BTS|{len(acknowledgements)}\r"


def _err(flaw: Flaw) -> str:
    name = ERRORS.get(flaw.code, "")
    return f"ERR||{flaw.where}|{flaw.code}^{name}^HL70357|{flaw.severity}||||{_escaped(flaw.text)}"


def _escaped(text: str) -> str:
    signs = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
    return "".join(signs.get(sign, sign) for sign in text if sign.isprintable())
