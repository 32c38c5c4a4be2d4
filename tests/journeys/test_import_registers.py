"""A register's file at the command line."""

from pathlib import Path

from tests.journeys.conftest import PSEUDONYM_KEY
from tests.journeys.test_cli import graftwatch

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
MAPPING = str(EXAMPLES / "redcap-mapping.toml")
RAW = EXAMPLES / "redcap-raw.csv"


def test_a_redcap_export_is_rehearsed_imported_and_known_again(tmp_path):
    settings = {
        "database_url": f"sqlite:///{tmp_path / 'g.db'}",
        "pseudonym_key": PSEUDONYM_KEY,
    }
    assert graftwatch("migrate", **settings).returncode == 0
    command = ("import", str(RAW), "--mapping", MAPPING)
    rehearsed = graftwatch(*command, "--dry-run", **settings)
    assert rehearsed.stdout.startswith("Dry run, nothing stored: 10 rows, 11 events accepted")
    first = graftwatch(*command, **settings)
    assert (first.returncode, first.stderr) == (0, "")
    assert "10 rows, 11 events accepted, 0 known before" in first.stdout
    assert "0 events accepted, 11 known before" in graftwatch(*command, **settings).stdout


def test_every_fault_is_told_with_line_and_column(tmp_path):
    settings = {
        "database_url": f"sqlite:///{tmp_path / 'g.db'}",
        "pseudonym_key": PSEUDONYM_KEY,
    }
    graftwatch("migrate", **settings)
    broken = tmp_path / "broken.csv"
    broken.write_text(RAW.read_text().replace("2022-03-02", "2.3.22").replace("urine", "Jane Doe"))
    told = graftwatch("import", str(broken), "--mapping", MAPPING, **settings)
    assert told.returncode == 1
    places = [line.split(": ")[:3] for line in told.stderr.splitlines()]
    assert ["line 4", "inf_date", "not_a_date"] in places
    assert "warning: term_waits (1 rows)" in told.stderr
    assert "Jane" not in told.stderr + told.stdout


def test_a_mapping_that_cannot_be_used_is_told_by_its_places(tmp_path):
    settings = {"database_url": f"sqlite:///{tmp_path / 'g.db'}"}
    graftwatch("migrate", **settings)
    broken = tmp_path / "mapping.toml"
    broken.write_text(Path(MAPPING).read_text().replace("pseudonymise = true", 'colour = "red"'))
    told = graftwatch("import", str(RAW), "--mapping", str(broken), **settings)
    assert told.returncode == 2
    assert "patient.colour: unknown_name" in told.stderr
    assert "patient.pseudonymise: missing_field" in told.stderr
    keyless = graftwatch("import", str(RAW), "--mapping", MAPPING, **settings)
    assert keyless.returncode == 2
    assert "GRAFTWATCH_PSEUDONYM_KEY" in keyless.stderr
    elsewhere = ("--mapping", MAPPING, "--url", "http://localhost:1")
    assert "POST /v1/imports" in graftwatch("import", str(RAW), *elsewhere, **settings).stderr
