"""`graftwatch export`: figures for other systems.

In:     the database that the settings name, and a mapping file.
Out:    a DHIS2 data value set on standard output or in a file.
Source: docs/dhis2.md.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import say, tell, tell_details
from service.commands.opening import opened
from service.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from service.api.dhis2_mapping import Dhis2Mapping

app = typer.Typer(no_args_is_help=True, help="Write figures for other systems.")
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


@app.callback()
def export() -> None:
    """Write figures for other systems."""


@app.command()
def dhis2(
    mapping: Annotated[
        Path | None,
        typer.Option(help="The mapping file; else that of GRAFTWATCH_DHIS2_MAPPING_FILE."),
    ] = None,
    start: Day = None,
    end: Day = None,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; else standard output.")
    ] = None,
) -> None:
    """Write counts and person-time by organisation unit and period, of whole periods."""
    import msgspec

    from service.api.access import LOCAL
    from service.api.dhis2_values import data_value_set, unmapped
    from service.store.holdings import facilities_with_sums

    settings = read_settings()
    read = _mapping(settings, mapping)
    with opened(settings) as surveillance:
        body = data_value_set(
            surveillance,
            read,
            LOCAL,
            start=start.date() if start else None,
            end=end.date() if end else None,
        )
        with surveillance.database.read() as connection:
            left_out = unmapped(facilities_with_sums(connection), read)
    if left_out:
        tell(f"Left out, without an organisation unit: {', '.join(left_out)}")
    text = msgspec.json.format(msgspec.json.encode(body), indent=2)
    if output is None:
        say(text.decode())
    else:
        output.write_bytes(text + b"\n")
    units = {value["orgUnit"] for value in body["dataValues"]}
    tell(f"{len(body['dataValues']):,} data values of {len(units):,} organisation units")


def _mapping(settings: Settings, file: Path | None) -> "Dhis2Mapping":
    from service.api.dhis2_mapping import read_dhis2_mapping
    from service.ingest.toml_tables import BadMapping, text_of

    chosen = file or settings.dhis2_mapping_file
    if chosen is None:
        raise SettingsError("Name a mapping file: --mapping or GRAFTWATCH_DHIS2_MAPPING_FILE")
    try:
        return read_dhis2_mapping(text_of(chosen))
    except BadMapping as fault:
        tell_details(fault, str(chosen))
        raise
