"""Where commands write: results to standard output, the rest to standard error.

In:     text, tables, a number of steps.
Out:    colours and a moving bar on a terminal, plain lines anywhere else.
Source: rich.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from service.errors import GraftwatchError

PLAIN_WIDTH = 160
"""Columns of a table that is written to a file or a pipe, which has no width of its own."""


class Bar:
    """A bar that moves on a terminal and is silent elsewhere."""

    def __init__(self, progress: Progress, total: int | None, title: str) -> None:
        """Begin at nothing of `total`; None where the end is not known."""
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def advance(self, steps: int) -> None:
        """Move on by so many steps."""
        self._progress.advance(self._task, steps)

    def reach(self, place: int) -> None:
        """Move to a place."""
        self._progress.update(self._task, completed=place)


def say(text: str = "") -> None:
    """Write a line of the result."""
    _console().print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def tell(text: str) -> None:
    """Write a line beside the result, to standard error."""
    console = _console(stderr=True)
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def show(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Write a table; the columns named in `right` are flush right."""
    console = _console()
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(head, justify="right" if head in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_escaped(cell) for cell in row))
    console.print(table, highlight=False, emoji=False)


@contextmanager
def bar(title: str, total: int | None, *, in_bytes: bool = False) -> Iterator[Bar]:
    """Show how far a long step is, on standard error."""
    console = _console(stderr=True)
    amount: ProgressColumn = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield Bar(progress, total, title)


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PLAIN_WIDTH)


def _escaped(cell: str) -> str:
    return cell.replace("[", r"\[")


def tell_details(fault: GraftwatchError, place: str) -> None:
    """Every single fault, a line each, on standard error."""
    for detail in fault.details:
        tell(f"{place}: {detail.pointer}: {detail.code}: {detail.message}")
