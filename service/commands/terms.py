"""`graftwatch terms`: list the terms that nobody could read, and decide what they mean.

In:     a term, by the id that `list` shows or by its words and kind.
Out:    a table; CSV for a spreadsheet; a ledger that counts the waiting events.
Source: docs/terms.md.
"""

import csv
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.console import say, show, tell
from service.commands.opening import opened
from service.errors import NotFound
from service.settings import read_settings

if TYPE_CHECKING:
    from service.domain.terms import Meaning
    from service.pipeline.surveillance import Surveillance
    from service.pipeline.term_list import ListedTerm
    from service.pipeline.terms import Named

app = typer.Typer(
    no_args_is_help=True, help="Decide what terms mean that the vocabulary does not know."
)

KINDS = ("organism", "agent", "site", "transplant_type")
COLUMNS = (
    *("id", "kind", "term", "facility", "events", "first_seen", "last_seen"),
    *("decision", "to", "candidates"),
)


def _known_kind(kind: str | None) -> str | None:
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"no such kind: use one of {', '.join(KINDS)}")
    return kind


Term = Annotated[
    str, typer.Argument(help="The id that `list` shows; with --kind the words as sent.")
]
Kind = Annotated[
    str | None, typer.Option(help=f"{', '.join(KINDS)}.", callback=_known_kind, metavar="KIND")
]
Facility = Annotated[
    str | None, typer.Option(help="For one facility; without it, for the network.")
]


@app.command("list")
def list_terms(
    kind: Kind = None,
    facility: Facility = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that are decided too, not only those that wait.")
    ] = False,
) -> None:
    """List the terms that wait, those with the most events first."""
    rows = [
        (
            term.term_id,
            term.kind,
            term.label,
            str(term.events),
            ", ".join(place.facility for place in term.places),
            "" if term.seen[1] is None else term.seen[1].isoformat(),
            "; ".join(_decided(term, where) for where in term.decisions),
            ", ".join(term.candidates()),
        )
        for term in _listed(kind, facility, everything=everything)
    ]
    if not rows:
        say("No term waits." if not everything else "No term came that nobody could read.")
        return
    heads = ("id", "kind", "term", "events", "facilities", "last seen", "decided", "candidates")
    show("Terms", heads, rows, right=("events",))


@app.command("map")
def map_term(
    term: Term,
    to: Annotated[str, typer.Argument(help="A known term of the kind, in any spelling.")],
    kind: Kind = None,
    facility: Facility = None,
) -> None:
    """Let a term mean a known one; the events that wait for it count at once."""
    _decide(term, kind, facility, to=to)


@app.command("ignore")
def ignore_term(
    term: Term,
    kind: Kind = None,
    facility: Facility = None,
    is_none: Annotated[
        bool, typer.Option("--none", help="It is nothing of its kind: no organism, no agent.")
    ] = False,
) -> None:
    """Put a term aside: it says nothing; with --none, what it names is no infection at all."""
    _decide(term, kind, facility, verdict="none" if is_none else "ignore")


@app.command("wait")
def let_wait(term: Term, kind: Kind = None, facility: Facility = None) -> None:
    """Take back what was decided of a term: it waits again."""
    _decide(term, kind, facility, verdict="wait")


@app.command()
def export(kind: Kind = None, facility: Facility = None) -> None:
    """Write all terms, those that are decided too, as CSV: one row for each facility."""
    from service.api.formats import STARTS_A_FORMULA

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for term in _listed(kind, facility, everything=True):
        for row in _exported(term):
            writer.writerow(
                [f"'{cell}" if cell.startswith(STARTS_A_FORMULA) else cell for cell in row]
            )


def _exported(term: "ListedTerm") -> list[list[str]]:
    near = "; ".join(term.candidates())
    rows = []
    for place in term.places:
        made = term.decision_for(place.facility)
        to = str(made.target[0]) if made and made.target else ""
        days = (place.first_seen.isoformat(), place.last_seen.isoformat())
        verdict = made.verdict if made else "wait"
        whose = (term.term_id, term.kind, term.label, place.facility, str(place.events))
        rows.append([*whose, *days, verdict, to, near])
    return rows


def _listed(kind: str | None, facility: str | None, *, everything: bool) -> "list[ListedTerm]":
    from service.pipeline.term_list import listed_terms

    with (
        opened(read_settings(), under_any_rules=True) as surveillance,
        surveillance.database.read() as connection,
    ):
        return listed_terms(
            connection,
            [facility] if facility else None,
            kinds=[kind] if kind else KINDS,
            states=() if everything else ("waiting",),
        )


def _decided(term: "ListedTerm", where: str | None) -> str:
    made = term.decisions[where]
    what = f"is {made.target[0]}" if made.target else made.verdict
    return f"{what} ({where})" if where else what


def _decide(
    term: str, kind: str | None, facility: str | None, *, to: str = "", verdict: str = "map"
) -> None:
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.terms import decide_term

    with opened(read_settings()) as surveillance:
        named = _named(surveillance, term, kind)
        meaning = _meaning(named, to, verdict)
        done = decide_term(surveillance, named, meaning, facility, COMMAND_LINE)
    say(f"{done.patients} patients counted again; position {done.position}")


def _named(surveillance: "Surveillance", term: str, kind: str | None) -> "Named":
    from service.pipeline.terms import term_named, term_seen

    with surveillance.database.read() as connection:
        try:
            return term_seen(connection, term, None)
        except NotFound:
            if kind is None:
                tell("No term of that id came; to name one by its words, add --kind.")
                raise
    return term_named(kind, term)  # type: ignore[arg-type]


def _meaning(term: "Named", to: str, verdict: str) -> "Meaning | None":
    from service.domain.terms import Meaning
    from service.pipeline.terms import meaning_of_name

    if verdict == "wait":
        return None
    if verdict == "map":
        return meaning_of_name(term.kind, to)
    return Meaning("none" if verdict == "none" else "ignore")
