"""The settings: what is taken, what is refused and in which words, and that the manual lists all.

In: an environment. Out: settings, or a message for the operator. Source: docs/operations.md.
"""

import os
import re
from pathlib import Path

import pytest

from service.settings import PREFIX, Settings, SettingsError, read_settings

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings()
    return str(refused.value)


def test_without_any_variable_it_is_one_file_on_this_machine_behind_keys() -> None:
    settings = read_settings()
    assert settings.database_url == "sqlite:///graftwatch.db"
    assert (settings.host, settings.port, settings.auth) == ("127.0.0.1", 8000, "on")
    assert settings.followup_grace_days == 90
    assert settings.timezone == "UTC"


def test_nothing_changes_after_start() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().port = 1


def test_arguments_win_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, PORT="8001", LOG_LEVEL="debug")
    settings = read_settings(port=8002)
    assert (settings.port, settings.log_level) == (8002, "debug")


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("postgres://ann:pw@db/graft", "postgresql+psycopg://ann:pw@db/graft"),
        ("postgresql://ann@db:5433/graft", "postgresql+psycopg://ann@db:5433/graft"),
        ("postgresql+psycopg://db/graft", "postgresql+psycopg://db/graft"),
        ("sqlite:////data/graftwatch.db", "sqlite:////data/graftwatch.db"),
    ],
)
def test_a_database_url_names_its_driver(
    written: str, understood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, DATABASE_URL=written)
    assert read_settings().database_url == understood


@pytest.mark.parametrize(
    "written", ["mysql://ann:hunter2@db/graft", "hunter2", "", "postgresql+asyncpg://hunter2@db/x"]
)
def test_another_database_is_refused_without_repeating_its_password(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, DATABASE_URL=written)
    message = refusal()
    assert "GRAFTWATCH_DATABASE_URL: must begin with sqlite:/// or postgresql://" in message
    assert "hunter2" not in message


def test_a_password_is_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, DATABASE_URL="postgresql://ann:hunter2@db/graft")
    assert "hunter2" not in f"{read_settings()!r} {read_settings()}"


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, PORT="99999", TIMEZONE="Mars/Olympus", LOG_FORMAT="xml")
    lines = refusal().splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "GRAFTWATCH_PORT",
        "GRAFTWATCH_TIMEZONE",
        "GRAFTWATCH_LOG_FORMAT",
    ]
    assert "Europe/Berlin" in lines[1]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "UTC"])
def test_zones_of_the_iana_database_are_known(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, TIMEZONE=zone)
    assert read_settings().timezone == zone


@pytest.mark.parametrize("zone", ["", "../../etc/passwd", "/etc/localtime", "Europe", "CEST"])
def test_other_zones_are_refused(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, TIMEZONE=zone)
    assert refusal().startswith("GRAFTWATCH_TIMEZONE: must be an IANA time zone")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_keys_may_be_switched_off_where_only_this_machine_listens(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, AUTH="off", HOST=host)
    assert read_settings().auth == "off"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "graftwatch.example"])
def test_keys_may_not_be_switched_off_where_others_can_reach_it(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, AUTH="off", HOST=host)
    message = refusal()
    assert "GRAFTWATCH_AUTH=off is accepted only where GRAFTWATCH_HOST is a loopback" in message


def test_several_processes_need_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, WORKERS="2")
    assert "GRAFTWATCH_WORKERS above 1 needs PostgreSQL" in refusal()
    given(monkeypatch, DATABASE_URL="postgresql://ann@db/graft")
    assert read_settings().workers == 2


def test_any_setting_may_come_from_a_secret_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("postgresql://ann:hunter2@db/graft\n")
    (tmp_path / "port").write_text("8443\n")
    given(monkeypatch, DATABASE_URL_FILE=str(tmp_path / "url"), PORT_FILE=str(tmp_path / "port"))
    settings = read_settings()
    assert settings.database_url == "postgresql+psycopg://ann:hunter2@db/graft"
    assert settings.port == 8443


def test_a_variable_and_its_file_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("sqlite:///a.db")
    given(monkeypatch, DATABASE_URL="sqlite:///b.db", DATABASE_URL_FILE=str(tmp_path / "url"))
    assert refusal() == (
        "GRAFTWATCH_DATABASE_URL and GRAFTWATCH_DATABASE_URL_FILE are both set: unset one of them"
    )


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8 text")]
)
def test_a_secret_file_that_cannot_be_read_is_named_by_its_variable(
    content: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    given(monkeypatch, DATABASE_URL_FILE=str(tmp_path / "url"))
    message = refusal()
    assert message.startswith("GRAFTWATCH_DATABASE_URL_FILE names a file that cannot be read")
    assert reason in message


def test_the_manual_lists_every_setting_as_it_is() -> None:
    """docs/operations.md has one row for each field: variable, default, meaning; and no other."""
    rows = re.findall(rf"^\| `{PREFIX}.*$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [
        f"| `{PREFIX}{name.upper()}` | `{field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
