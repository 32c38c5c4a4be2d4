"""The events that are sent: an invented network, the same for everybody who is measured.

In:     how many events are wanted.
Out:    a file of them, one a line; and a key with which they may be sent.
Source: `graftwatch simulate`, about 15 events a patient, patient by patient.
"""

from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from service.examples.network import simulate
from service.store.engine import Database
from service.store.keys import create_key

EVENTS_PER_PATIENT = 13
"""A little fewer than there are, so that there are always enough."""
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC).date(), datetime(2024, 12, 31, tzinfo=UTC).date()


def write_events(file: Path, number: int, *, facilities: int = 50) -> Path:
    """Write that many events, one a line."""
    import msgspec

    patients = number // EVENTS_PER_PATIENT + 10
    network = simulate(1, patients=patients, facilities=facilities, start=FIRST, end=LAST)
    events = islice(network.events(), number)
    encoder = msgspec.json.Encoder()
    with file.open("wb") as out:
        while chunk := list(islice(events, 1000)):
            out.write(encoder.encode_lines(chunk))
    return file


def key_for(url: str, *scopes: str) -> str:
    """A key for any facility; without scopes, one that may send events."""
    chosen = scopes or ("events:write",)
    with closing(Database(url)) as database, database.write() as connection:
        _, key = create_key(connection, "bench", chosen, None, None, datetime.now(UTC))
    return key
