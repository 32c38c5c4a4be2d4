"""`graftwatch baselines`: the published figures that observed ones are compared with.

In:     the database's baselines, or the shipped ones where there is no database.
Out:    a table, or one baseline with everything that is known of it.
Source: docs/methods.md 7.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import say, show, tell
from service.commands.opening import is_missing_file
from service.errors import NotFound
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from service.reference.baselines import Baseline, Numerator, Population, Source

app = typer.Typer(help="Show the published figures that observed ones are compared with.")


@app.callback(invoke_without_command=True)
def _list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_all()


@app.command("list")
def list_all() -> None:
    """List the baselines in force."""
    show(
        "Baselines",
        ("id", "version", "measure", "printed", "title", "source", "verified", "monitored"),
        [
            (
                baseline.id,
                str(baseline.version),
                baseline.measure,
                baseline.printed,
                baseline.title,
                short_source(baseline.source),
                yes_or_no(baseline.verified),
                yes_or_no(baseline.monitored),
            )
            for baseline in in_force(read_settings()).values()
        ],
    )


@app.command("show")
def show_one(
    baseline_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `list` shows.")],
) -> None:
    """Show one baseline with its population, source and caveats."""
    found = in_force(read_settings()).get(baseline_id)
    if found is None:
        raise NotFound("There is no such baseline: `graftwatch baselines list` shows all.")
    for name, text in described(found).items():
        say(f"{name:<20}{text}")


def in_force(settings: Settings) -> "dict[str, Baseline]":
    """The latest version of every baseline: the database's, or the shipped ones without it."""
    from service.reference.baselines import shipped_baselines
    from service.store.catalogue import current_baselines
    from service.store.engine import Database
    from service.store.migrate import is_at_head
    from service.store.unavailable import UNAVAILABLE

    shipped = {baseline.id: baseline for baseline in shipped_baselines()}
    if is_missing_file(settings):
        return shipped
    database = Database(settings.database_url)
    try:
        with database.read() as connection:
            if is_at_head(connection):
                return current_baselines(connection) or shipped
        tell("The database is not migrated: these are the shipped baselines.")
    except UNAVAILABLE:
        tell("The database cannot be reached: these are the shipped baselines.")
    finally:
        database.close()
    return shipped


def described(baseline: "Baseline") -> dict[str, str]:
    """Everything known of a baseline, by name; what is not known is left out."""
    limits = None
    if baseline.ci_lower is not None and baseline.ci_upper is not None:
        limits = f"{baseline.ci_lower} to {baseline.ci_upper} ({baseline.ci_level:.0%})"
    texts = {
        "id": f"{baseline.id}, version {baseline.version}",
        "title": baseline.title,
        "printed": baseline.printed,
        "measure": baseline.measure.replace("_", " "),
        "value": _text(baseline.value),
        "interval": limits,
        "cases": _text(baseline.cases),
        "denominator": _joined(baseline.denominator, baseline.denominator_unit),
        "horizon_days": _text(baseline.horizon_days),
        "population": _filters(baseline.population),
        "numerator": _filters(baseline.numerator),
        "among": _filters(baseline.among) if baseline.among else None,
        "denominator_phase": ", ".join(baseline.denominator_phase) or None,
        "episodes": baseline.episodes,
        "source": whole_source(baseline.source),
        "verified": yes_or_no(baseline.verified),
        "comparable": yes_or_no(baseline.comparable),
        "monitored": _reasoned(baseline),
        "caveat": baseline.caveat,
    }
    return {name: text for name, text in texts.items() if text}


def short_source(source: "Source") -> str:
    """A source in a few words: first author or journal, and year."""
    parts = [part for part in (source.journal or source.title, source.cite) if part]
    return f"{' '.join(parts)} ({source.year})" if source.year else " ".join(parts)


def whole_source(source: "Source") -> str:
    """A source with all that is known of it."""
    names = (source.authors, source.title, source.journal, _text(source.year), source.cite)
    marks = (
        f"doi {source.doi}" if source.doi else None,
        f"PMID {source.pmid}" if source.pmid else None,
    )
    return ". ".join(part for part in (*names, *marks) if part)


def yes_or_no(answer: bool) -> str:
    """The word for it."""
    return "yes" if answer else "no"


def _reasoned(baseline: "Baseline") -> str:
    word = yes_or_no(baseline.monitored)
    return f"{word}: {baseline.monitored_reason}" if baseline.monitored_reason else word


def _filters(chosen: "Population | Numerator") -> str:
    named = ((name, getattr(chosen, name)) for name in chosen.__struct_fields__)
    return "; ".join(f"{name} {', '.join(values)}" for name, values in named if values) or "all"


def _joined(*parts: object) -> str | None:
    known = [_text(part) for part in parts if part is not None]
    return " ".join(text for text in known if text) or None


def _text(value: object) -> str | None:
    return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
