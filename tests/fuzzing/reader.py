"""Feed a reader whatever finds new ways through it: `python -m tests.fuzzing.reader hl7 …`.

In:     the reader's name, and the options of libFuzzer (`-max_total_time=60 -timeout=5 CORPUS`).
Out:    exit code 0 while the reader answers or refuses; else a traceback, and the input.
Source: https://github.com/google/atheris (coverage-guided, on libFuzzer).
"""

import sys
from datetime import UTC, date, datetime

import atheris

with atheris.instrument_imports(include=["service.ingest"]):
    from service.ingest.fhir.elements import Malformed
    from service.ingest.fhir.interactions import bundle
    from service.ingest.fhir.kinds import read
    from service.ingest.fhir.readings import Surroundings
    from service.ingest.hl7.acknowledgement import ACCEPTED, REJECTED, Fate, acknowledgement
    from service.ingest.hl7.faults import Refused
    from service.ingest.hl7.messages import read_message
    from service.ingest.hl7.syntax import read_parcel
    from service.ingest.json_text import parse

from service.errors import BadRequest

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def read_hl7(body: bytes) -> None:
    """All messages of a body, each read as far as it can be."""
    try:
        parcel = read_parcel(body)
    except BadRequest:
        return
    for message in parcel.messages:
        try:
            read_message(message, TODAY)
            fate = Fate(ACCEPTED)
        except Refused as refused:
            fate = Fate(REJECTED, (refused.flaw,))
        answer = acknowledgement(message, fate, NOW)
        assert answer.startswith("MSH|"), "an ACK is a message"


def read_fhir(body: bytes) -> None:
    """A Bundle, and what each of its entries says."""
    try:
        parcel = bundle(parse(body))
    except (Malformed, BadRequest):
        return
    around = Surroundings(parcel.references, TODAY)
    for interaction in parcel.interactions:
        if interaction.resource is not None:
            try:
                read(interaction.resource, around)
            except Malformed:
                continue


READERS = {"hl7": read_hl7, "fhir": read_fhir}

if __name__ == "__main__":
    _, reader, *options = sys.argv
    atheris.Setup([sys.argv[0], *options], READERS[reader])
    atheris.Fuzz()
