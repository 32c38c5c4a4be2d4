"""A register's file in the store: taken again, corrected, withdrawn, and rehearsed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.domain.audit_chain import COMMAND_LINE
from service.domain.history import standing_events
from service.ingest.pseudonyms import Pseudonyms
from service.ingest.registers.mapping import read_mapping
from service.ingest.registers.rows import Reader, read_rows
from service.pipeline.imports import Importer, in_batches
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from service.store.events import PatientKey, events_of_patients

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
RAW = (EXAMPLES / "redcap-raw.csv").read_text()
NAMES = Pseudonyms("the simulated secret of a simulated network")
FIRST = PatientKey(
    "northside", NAMES.of_patient("northside", "101", assigned_by="transplant-register")
)


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    with closing(Database(migrated_url)) as database:
        yield Surveillance(database)


def take(surveillance, text, *, is_dry=False, reaches=lambda _: True):
    mapping = read_mapping((EXAMPLES / "redcap-mapping.toml").read_text())
    reader = Reader(mapping, NAMES, surveillance.latest_date_on_earth())
    importer = Importer(surveillance, COMMAND_LINE, reaches, is_dry=is_dry)
    counts, faults = Counter(), []
    for batch in in_batches(read_rows([text.encode()], reader), 4):
        account = importer.take(batch)
        counts += account.counts
        faults += account.faults
    return counts, faults


def standing(surveillance):
    with surveillance.database.read() as connection:
        rows = events_of_patients(connection, [FIRST])[FIRST]
    return standing_events([row.event for row in rows])


def test_a_file_sent_again_is_known_and_nothing_is_there_twice(surveillance):
    once, _ = take(surveillance, RAW)
    again, _ = take(surveillance, RAW)
    labels, _ = take(surveillance, (EXAMPLES / "redcap-labels.csv").read_text())
    assert once == {"rows": 10, "accepted": 11}
    assert again == labels == {"rows": 10, "duplicate": 11}


def test_a_corrected_row_corrects_and_an_emptied_one_takes_back(surveillance):
    take(surveillance, RAW)
    corrected = RAW.replace("2022-03-02,M. abscessus", "2022-03-04,M. abscessus")
    emptied = corrected.replace("2022-04-20,Aspergillus fumigatus,BAL,0", ",,,")
    counts, _ = take(surveillance, emptied)
    assert counts == {"rows": 10, "accepted": 1, "voided": 1, "duplicate": 9}
    onsets = [e.occurred_on.isoformat() for e in standing(surveillance) if hasattr(e, "finding")]
    assert onsets == ["2022-03-04"]


def test_a_rehearsal_tells_the_same_and_stores_nothing(surveillance):
    broken = RAW.replace("M. abscessus", "mixed flora")
    assert take(surveillance, broken, is_dry=True) == take(surveillance, broken, is_dry=True)
    assert standing(surveillance) == []
    rehearsed, told = take(surveillance, broken, is_dry=True)
    assert (rehearsed, told) == take(surveillance, broken)
    assert [(fault.line, fault.column) for fault in told] == [(4, "inf_organism")]


def test_rows_of_other_facilities_are_rejected(surveillance):
    counts, faults = take(surveillance, RAW, reaches=lambda _: False)
    assert counts == {"rows": 10, "rejected": 10}
    assert {fault.code for fault in faults} == {"facility_not_allowed"}
    assert standing(surveillance) == []
