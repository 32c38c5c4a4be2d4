"""Published standard populations, summed into the age groups of the house.

In:     `data/standard_populations.json`: people by the first age of each band.
Out:    `StandardPopulation`, and the share of each age group in it.
Source: each population names its own; docs/api-rates.md, Standardised rates.

Both are published in bands of five years, and ours part at 18: of the band 15-19 three fifths are
taken to be under 18, as if every age of it had as many people.
"""

from collections.abc import Mapping
from functools import cache

import msgspec

from service.reference.data_files import read_bytes
from service.reference.terms import AGE_GROUPS

ASSUMPTION = (
    "The band 15-19 is cut at 18 as if its people were spread evenly over its five ages; the ages "
    "are those at the index date."
)


class StandardPopulation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many people of each age a standard has.

    `ages` are the first ages of its bands, the last band being open; `people` are in any unit and
    need not add up to a round number: the printed percentages of WHO add up to 100.035.
    """

    id: str
    title: str
    cite: str
    unit: str
    ages: tuple[int, ...]
    people: tuple[float, ...]

    @property
    def shares(self) -> dict[str, float]:
        """The share of each age group, adding up to 1; nobody is of unknown age."""
        groups = [name for name in AGE_GROUPS if name != "unknown"]
        starts = [int(name.rstrip("+").split("-")[0]) for name in groups]
        ends = [*starts[1:], None]
        total = sum(self.people)
        return {
            name: self._between(start, end) / total
            for name, start, end in zip(groups, starts, ends, strict=True)
        }

    def _between(self, start: int, end: int | None) -> float:
        """The people from one age until before another; everybody above it without one."""
        found = 0.0
        bands = zip(self.ages, [*self.ages[1:], None], self.people, strict=True)
        for first, after, people in bands:
            if after is None:  # the open band is never cut: our last group begins below it
                found += people if end is None else 0.0
                continue
            years = min(after, end or after) - max(first, start)
            found += people * max(0, years) / (after - first)
        return found


@cache
def standard_populations() -> Mapping[str, StandardPopulation]:
    """The published standards of this release by id."""
    rows = msgspec.json.decode(
        read_bytes("standard_populations.json"), type=tuple[StandardPopulation, ...]
    )
    return {row.id: row for row in rows}
