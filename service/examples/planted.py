"""What is planted in the simulated network for the monitors to find.

In:     the network's period and facilities.
Out:    `RaisedRate` (one facility's rate, multiplied from a date) and `LotOutbreak` (cases that
        share a product lot and a clinic), with the usual ones of each.
Source: invented; the outbreak's shape after CDC's reports of medical tourism (docs/methods.md 8.4).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from numpy.random import Generator

from service.examples.happenings import Happening, Infected, Life, Transplanted, Visited
from service.examples.hazards import CAUSES
from service.examples.spellings import ABSCESSUS, JOINT, WOUND

OUTBREAK_TRANSPLANT_TYPE = "stem_cell_injection"


@dataclass(frozen=True, slots=True)
class RaisedRate:
    """From a date on, one facility's rate of one cause is `ratio` times that of the model."""

    facility: str
    from_date: date
    ratio: float
    cause: str = "ntm"

    def __post_init__(self) -> None:
        if self.cause not in CAUSES or self.ratio < 0:
            raise ValueError(f"cause must be one of {', '.join(CAUSES)}, the ratio not negative")


@dataclass(frozen=True, slots=True)
class LotOutbreak:
    """Recipients of one contaminated lot at one clinic, followed at several facilities.

    All are injected within `EXPOSURE_DAYS` of `first_date`; the first `cases` of them fall ill
    20 to 120 days later, so that onsets follow each other well within a year.
    """

    first_date: date
    recipients: int = 8
    cases: int = 5
    lot: str = "L-0417"
    supplier: str = "Example Cells (fictional)"
    clinic: str = "clinic-example-north"

    def __post_init__(self) -> None:
        if not 0 <= self.cases <= self.recipients:
            raise ValueError("an outbreak cannot have more cases than recipients")


EXPOSURE_DAYS = 45
LONGEST_INCUBATION_DAYS = 120


class Planted(NamedTuple):
    """Everything planted in one network."""

    raised: tuple[RaisedRate, ...]
    outbreaks: tuple[LotOutbreak, ...]


def usual_raised(facilities: tuple[str, ...], start: date, end: date) -> tuple[RaisedRate, ...]:
    """NTM eightfold at the second facility (or the only one) during the last year."""
    facility = facilities[min(1, len(facilities) - 1)]
    return (RaisedRate(facility, max(start, end - timedelta(days=365)), ratio=8.0),)


def usual_outbreaks(start: date, end: date) -> tuple[LotOutbreak, ...]:
    """Five cases among eight recipients of one lot, 240 days before the end, if there is room."""
    first_date = end - timedelta(days=240)
    return (LotOutbreak(first_date),) if first_date >= start else ()


def outbreak_life(outbreak: LotOutbreak, recipient: int, rng: Generator, end_day: int) -> Life:
    """What happens to the `recipient`-th (from 0) of an outbreak, up to `end_day`."""
    index_day = outbreak.first_date.toordinal() + int(rng.integers(0, EXPOSURE_DAYS))
    onset_day = index_day + int(rng.integers(20, LONGEST_INCUBATION_DAYS + 1))
    happenings: list[Happening] = [Transplanted(index_day, OUTBREAK_TRANSPLANT_TYPE, None)]
    if recipient < outbreak.cases:
        specimen = (JOINT, WOUND)[recipient % 2]
        happenings.append(Infected(onset_day, "ntm", ABSCESSUS, specimen, is_repeat=False))
    happenings += [Visited(day, None) for day in _visit_days(index_day, rng, end_day)]
    told = [happening for happening in happenings if happening.day <= end_day]
    return Life(
        entry_day=index_day, happenings=tuple(sorted(told, key=lambda happening: happening.day))
    )


def _visit_days(index_day: int, rng: Generator, end_day: int) -> Iterator[int]:
    day = index_day + int(rng.integers(20, 60))
    while day <= end_day:
        yield day
        day += int(rng.integers(60, 86))
