"""`graftwatch doctor`: is everything as it should be, and if not, what to do.

In:     the settings, and the database they name.
Out:    one line for each check, or JSON; exit code 1 where a check failed.
Source: docs/operations.md, "Doctor".
"""

import json
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.commands.console import say
from service.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from service.pipeline.doctor import CheckUp

MOST_PATIENTS = 100_000


def doctor(
    patients: Annotated[
        int,
        typer.Option(min=0, max=MOST_PATIENTS, help="Patients to replay, others each time."),
    ] = 200,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people, or for programs.")
    ] = "text",
) -> None:
    """Look at settings, database, clock, disk, keys and ledger; change nothing."""
    found = _check_up(patients)
    if output == "json":
        say(json.dumps(_document(found)))
    else:
        _tell(found)
    if found.status == "fail":
        raise typer.Exit(1)


def _check_up(patients: int) -> "CheckUp":
    from service.pipeline.doctor import check_up, unusable_settings
    from service.pipeline.opening import open_surveillance

    try:
        settings = read_settings()
        surveillance = open_surveillance(settings)
    except SettingsError as fault:
        return unusable_settings(str(fault))
    with closing(surveillance.database):
        return check_up(settings, surveillance, patients)


def _tell(found: "CheckUp") -> None:
    width = max(len(name) for name in found.found)
    for name, (status, seen, advice) in found.found.items():
        say(f"{status:<4}  {name:<{width}}  {seen} {advice}".rstrip())
    if found.not_run:
        say(f"Not looked at, because of what failed: {', '.join(found.not_run)}.")


def _document(found: "CheckUp") -> dict[str, object]:
    return {
        "status": found.status,
        "checks": [
            {"check": name, **judgement._asdict()} for name, judgement in found.found.items()
        ],
        "not_run": list(found.not_run),
    }
