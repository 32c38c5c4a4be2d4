"""What the ledger shows of the figure that a baseline speaks of.

In:     a baseline, and the facilities to look at (None: all).
Out:    its cases, and the series they are held against: person-time or recipients.
Source: docs/methods.md 7 and 8: signals are functions of daily series taken from the ledger.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from service.monitors.cases import Case, case_of
from service.monitors.day_counts import Whole
from service.monitors.questions import Filters, Question
from service.monitors.series import LedgerSeries, cohort_series, daily_series, share_series
from service.reference import INFECTION_TYPES
from service.reference.baselines import Baseline
from service.store import holdings, sums
from service.store.engine import Connection


@dataclass
class CaseFile:
    """The cases of some facilities (None: all), read once however many baselines ask.

    Where `without_contaminants`, organisms that seldom mean disease are left out of the counts.
    """

    connection: Connection
    facilities: Collection[str] | None = None

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._read: dict[tuple[str, bool], tuple[Case, ...]] = {}
        self._counted: dict[tuple[str, int, str, bool], Mapping[str, tuple[Case, ...]]] = {}
        self._of_facility: dict[str, CaseFile] = {}

    def at(self, facility: str | None, question: Question) -> "CaseFile":
        """What holds a facility's cases (None: all): its own, unless all were read already."""
        if facility is None or question.key in self._counted:
            return self
        own = CaseFile(self.connection, (facility,))
        return self._of_facility.setdefault(facility, own)

    def infections(
        self, infection_types: Collection[str], *, with_colonisation: bool = False
    ) -> list[Case]:
        """The infections of the types (none named: of all), counted or not."""
        found: list[Case] = []
        for infection_type in infection_types or INFECTION_TYPES:
            key = (infection_type, with_colonisation)
            if key not in self._read:
                rows = holdings.infections(
                    self.connection,
                    [infection_type],
                    self.facilities,
                    with_colonisation=with_colonisation,
                )
                self._read[key] = tuple(case_of(*who, row) for who, row in rows)
            found += self._read[key]
        return found

    def counted(self, question: Question) -> Mapping[str, tuple[Case, ...]]:
        """The cases that the question counts, by facility; of a share, all it is a share of."""
        if question.key not in self._counted:
            candidates = self.infections(
                question.numerator.infection_type, with_colonisation=question.with_colonisation
            )
            by_facility: dict[str, list[Case]] = defaultdict(list)
            for case in question.all_of(candidates):
                by_facility[case.facility].append(case)
            self._counted[question.key] = {
                name: tuple(cases) for name, cases in by_facility.items()
            }
        return self._counted[question.key]


def cases_for(
    case_file: CaseFile,
    baseline: Baseline,
    facilities: Collection[str] | None,
    *,
    without_contaminants: bool = True,
) -> tuple[Case, ...]:
    """The counted cases at some facilities, or at all that the case file holds.

    Of a share those of its kind.
    """
    question = Question(baseline, without_contaminants)
    return question.own_of(_all_for(case_file, question, facilities))


def cases_among(
    case_file: CaseFile,
    baseline: Baseline,
    facilities: Collection[str] | None,
    *,
    without_contaminants: bool = True,
) -> tuple[Case, ...]:
    """The cases that a share is a share of, the first of each course."""
    return _all_for(case_file, Question(baseline, without_contaminants), facilities)


def _all_for(
    case_file: CaseFile, question: Question, facilities: Collection[str] | None
) -> tuple[Case, ...]:
    counted = case_file.counted(question)
    names = counted if facilities is None else facilities
    return tuple(case for name in sorted(names) for case in counted.get(name, ()))


def series_for(
    case_file: CaseFile,
    baseline: Baseline,
    cases: Collection[Case],
    facilities: Collection[str] | None,
    end_day: int,
    *,
    without_contaminants: bool = True,
) -> LedgerSeries:
    """The cases beside what they are held against, up to a day."""
    connection = case_file.connection
    if baseline.measure == "share":
        among = cases_among(
            case_file, baseline, facilities, without_contaminants=without_contaminants
        )
        return share_series(cases, among)
    if baseline.measure == "proportion":
        return cohort_series(cases, entered_days(connection, baseline, facilities, end_day))
    days, changes = risk_steps(
        connection, baseline, facilities, end_day, without_contaminants=without_contaminants
    )
    return daily_series(cases, days, changes)


def entered_days(
    connection: Connection,
    baseline: Baseline,
    facilities: Collection[str] | None,
    end_day: int,
) -> Whole:
    """For each recipient of the population the day of entry, up to a day."""
    return np.repeat(*_steps(connection, Question(baseline), facilities, end_day))


def risk_steps(
    connection: Connection,
    baseline: Baseline,
    facilities: Collection[str] | None,
    end_day: int,
    *,
    without_contaminants: bool = True,
) -> tuple[Whole, Whole]:
    """The steps in the number at risk: follow-up, less what a first episode takes out."""
    return _steps(connection, Question(baseline, without_contaminants), facilities, end_day)


def _steps(
    connection: Connection,
    question: Question,
    facilities: Collection[str] | None,
    end_day: int,
) -> tuple[Whole, Whole]:
    filters = at_facilities(question.denominator, facilities)
    signs = question.risk_sets
    steps = list(sums.daily_steps(connection, filters, (), list(signs), end_day=end_day))
    days = np.array([step.day for step in steps], dtype=np.int64)
    changes = [step.change * signs[step.risk_set] for step in steps]
    return days, np.array(changes, dtype=np.int64)


def population_filters(baseline: Baseline, facilities: Collection[str] | None) -> Filters:
    """Whom the baseline speaks of, as filters on strata."""
    return at_facilities(Question(baseline).population, facilities)


def at_facilities(filters: Filters, facilities: Collection[str] | None) -> Filters:
    """The filters, for some facilities only or for all (None)."""
    return filters if facilities is None else {**filters, "facility": tuple(sorted(facilities))}
