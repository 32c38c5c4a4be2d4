"""Other repeat windows: the case definitions as they would be.

In:     the case definitions in force, one infection type, windows in days and rules.
Out:    `RepeatWindow`s, each with the definitions under it, and whether it is the one in force.
Source: docs/methods.md 4; docs/api-rates.md, under other repeat windows.

Varied is the row that holds for the whole infection type; an organism group with a definition of
its own keeps it, unless the rate is of such groups alone: then theirs is varied.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from service.reference.case_definitions import CaseDefinition, CaseDefinitions

Rule = Literal["fixed", "rolling"]


@dataclass(frozen=True, slots=True, order=True)
class RepeatWindow:
    """How long a record repeats a case, and from when that is counted."""

    repeat_rule: Rule
    repeat_days: int


@dataclass(frozen=True, slots=True)
class Variation:
    """A repeat window with the case definitions under it."""

    window: RepeatWindow
    definitions: CaseDefinitions
    in_force: bool


def variations(
    in_force: CaseDefinitions,
    infection_type: str,
    organism_groups: Iterable[str],
    windows: Iterable[RepeatWindow],
) -> list[Variation]:
    """The windows asked for and the one in force, each once, in order of rule and days.

    Where several rows are varied that differ, no single window is in force.

    >>> from service.reference.case_definitions import shipped_case_definitions
    >>> asked = [RepeatWindow("rolling", 30), RepeatWindow("fixed", 30)]
    >>> for one in variations(shipped_case_definitions(), "bacterial", (), asked):
    ...     print(one.window.repeat_rule, one.window.repeat_days, one.in_force)
    fixed 14 True
    fixed 30 False
    rolling 30 False
    """
    varied = varied_rows(in_force, infection_type, organism_groups)
    present = {RepeatWindow(row.repeat_rule, row.repeat_days) for row in varied}
    return [
        Variation(
            window,
            in_force.replaced_by(
                replace(row, repeat_days=window.repeat_days, repeat_rule=window.repeat_rule)
                for row in varied
            ),
            in_force=present == {window},
        )
        for window in sorted({*windows, *(present if len(present) == 1 else ())})
    ]


def varied_rows(
    in_force: CaseDefinitions, infection_type: str, organism_groups: Iterable[str]
) -> Sequence[CaseDefinition]:
    """The rows whose window is varied."""
    of_groups = {in_force.for_record(infection_type, group) for group in organism_groups}
    general = in_force.for_record(infection_type, None)
    if not of_groups or general in of_groups:
        return (general,)
    return sorted(of_groups, key=lambda row: row.organism_group or "")
