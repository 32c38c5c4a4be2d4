"""What is shipped: locks that hold on any mirror, images from anywhere, no secret, the licence.

In: the files of the repository. Out: nothing. Source: docs/decisions/0001.
"""

import re
import stat
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [
    "requirements.lock",
    "requirements-docs.lock",
    "requirements-dev.lock",
    "requirements-uv.lock",
]
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==(?P<version>[^ ;]+)", re.M)


def pins(lock: str) -> dict[str, str]:
    """Each locked package and its version; a package that differs by platform keeps the last."""
    return {found["name"]: found["version"] for found in PINNED.finditer(read(lock))}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_path(lock: str) -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|@ |^/|^\.", read(lock), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    requirements = re.split(r"(?m)^(?=[a-z0-9])", read(lock))[1:]
    assert requirements
    assert [text.split()[0] for text in requirements if "--hash=sha256:" not in text] == []


def test_what_is_tested_is_what_is_shipped() -> None:
    development = pins("requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-docs.lock"):
        shipped = pins(lock)
        assert {name: development.get(name) for name in shipped} == shipped


def test_the_locks_hold_every_declared_dependency() -> None:
    groups = project()["dependency-groups"]
    for lock, declared in {
        "requirements.lock": project()["project"]["dependencies"],
        "requirements-docs.lock": groups["docs"],
        "requirements-dev.lock": [line for line in groups["dev"] if isinstance(line, str)],
    }.items():
        names = [re.split(r"[\[<>=~! ]", line)[0] for line in declared]
        assert [name for name in names if name not in pins(lock)] == []


def test_uv_itself_can_build_the_package() -> None:
    """Then installing it fetches nothing that no lock pins."""
    (requirement,) = project()["build-system"]["requires"]
    least = re.fullmatch(r"uv_build>=([\d.]+)(,<[\d.]+)?", requirement)
    assert least
    assert version_of(pins("requirements-uv.lock")["uv"]) >= version_of(least[1])


def version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_images_are_named_without_a_registry() -> None:
    names = re.findall(r"^FROM (\S+)", read("Dockerfile"), re.MULTILINE)
    names += re.findall(r"^\s+image: (\S+)", read("docker-compose.yml"), re.MULTILINE)
    assert sorted(set(names)) == [
        "caddy:2",
        "citusdata/citus:13.1.0",
        "grafana/grafana:12.1.0",
        "graftwatch",
        "postgres:18",
        "prom/alertmanager:v0.28.1",
        "prom/prometheus:v3.5.0",
        "python:3.13-slim",
    ]


def test_the_container_is_nobody_in_particular() -> None:
    users = re.findall(r"^USER (.+)$", read("Dockerfile"), re.MULTILINE)
    assert users == ["10001:10001"]


def test_the_image_and_the_repository_ignore_secrets() -> None:
    assert "/secrets/" in read(".gitignore").splitlines()
    shown = [line for line in read(".dockerignore").splitlines() if line and line[0] not in "#"]
    assert shown[0] == "*"
    assert "!secrets" not in shown


def test_secrets_are_made_once_and_fit_together(tmp_path: Path) -> None:
    """`make secrets` writes one password into two files, and a second run changes neither."""
    make = ["make", "-s", "-f", str(ROOT / "Makefile"), "secrets"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    password = (tmp_path / "secrets" / "database_password").read_text()
    url = (tmp_path / "secrets" / "database_url").read_text()
    assert len(password.strip()) >= 32
    assert url == f"postgresql://graftwatch:{password.strip()}@database/graftwatch\n"
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert (tmp_path / "secrets" / "metrics_key").read_text() == ""
    pseudonyms = (tmp_path / "secrets" / "pseudonym_key").read_text()
    assert len(pseudonyms.strip()) >= 32
    grafana = (tmp_path / "secrets" / "grafana_password").read_text()
    assert len(grafana.strip()) >= 24
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "secrets" / "database_password").read_text() == password
    assert (tmp_path / "secrets" / "pseudonym_key").read_text() == pseudonyms
    assert (tmp_path / "secrets" / "grafana_password").read_text() == grafana


def test_the_licence_is_whole() -> None:
    licence = read("LICENSE")
    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert project()["project"]["license"] == "Apache-2.0"


def test_the_command_is_called_graftwatch() -> None:
    (command,) = distribution("graftwatch").entry_points
    assert (command.group, command.name) == ("console_scripts", "graftwatch")
    assert command.value == "service.cli:app"
