"""The readers of HL7 and FHIR under a coverage-guided fuzzer, for as long as a build may take.

In:     `GRAFTWATCH_FUZZ_SECONDS` for each reader (8 unless said otherwise).
Out:    passes while nothing that was tried makes a reader fail, hang (5 s) or swell (1 GiB).
Source: tests/fuzzing/reader.py.
"""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.test_fhir_clients import DATA

SECONDS = os.environ.get("GRAFTWATCH_FUZZ_SECONDS", "8")


CULTURE = (
    "OBR|1|A7|L9^LAB|^Blood culture^L|||20240301|||||||20240301|^Blood||||||||MB|F",
    (
        "OBX|1|CWE|600-7^Bacteria identified in Blood by Culture^LN||112283007^Escherichia coli^SCT"
        "||||||F|||20240303"
    ),
    "OBX|2|NM|^Colony count^L||13700|/mL||A|||C",
    "SPM|1|||119297000^Blood specimen^SCT^^^^||||368208006^Left arm^SCT|||||||||20240301083000",
)
PERSON = "PID|1||4711^^^UCD^MR~99^^^OTHER||Doe^Jane\\T\\A||19700101|F|||||||||||||||||||20240305|Y"
MESSAGES = tuple(
    "\r".join((f"MSH|^~\\&|LAB|ucd-01|GW|GW|20240301083000||{kind}|17|P|2.5.1", *segments, ""))
    for kind, segments in (
        ("ORU^R01^ORU_R01", (PERSON, *CULTURE)),
        (
            "ADT^A01",
            ("EVN|A01|20240301", PERSON, "PV1|1|I|||||||||||||||||V1" + "|" * 25 + "20240301"),
        ),
        ("ADT^A40", ("EVN|A40|20240301", PERSON, "MRG|4712^^^UCD^MR")),
    )
)


def seeds_of(reader: str) -> list[bytes]:
    """Real documents from which the fuzzer begins."""
    if reader == "hl7":
        return [message.encode() for message in MESSAGES]
    patient = json.loads(gzip.decompress((DATA / "fhir_synthea.json.gz").read_bytes()))
    few = [
        json.dumps({**patient, "entry": patient["entry"][start : start + 4]}).encode()
        for start in range(0, 40, 4)
    ]
    return [(DATA / "fhir_lung_recipient.json").read_bytes(), *few]


@pytest.mark.parametrize("reader", ["hl7", "fhir"])
def test_nothing_makes_a_reader_fail_hang_or_swell(reader: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="no wheel of atheris for this Python")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for place, seed in enumerate(seeds_of(reader)):
        (corpus / str(place)).write_bytes(seed)
    limits = [f"-max_total_time={SECONDS}", "-timeout=5", "-rss_limit_mb=1024", "-max_len=20000"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzzing.reader", reader, *limits, str(corpus)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "ASAN_OPTIONS": ""},
        capture_output=True,
        timeout=int(SECONDS) + 120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-6000:]
    assert b"DONE" in done.stderr or b"Done" in done.stderr
