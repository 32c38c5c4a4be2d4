"""What a monitor asks of the ledger: the figure of a baseline, patient by patient.

In:     a baseline, and whether organisms that seldom mean disease are left out.
Out:    which strata and risk sets its denominator takes in, and which episodes are its cases.
Source: docs/methods.md 7 and 8; docs/decisions/0004-risk-sets.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import msgspec

from service.domain.contributions import ANY, ENTERED, FOLLOW_UP, LedgerEpisode, not_at_risk_first
from service.domain.episodes import COLONISATION
from service.domain.strata import Stratum
from service.monitors.cases import Case, case_of
from service.monitors.nulls import (
    counted_against,
    counts_first_matching,
    matches,
    of_colonisation,
    phases_at_risk,
    statuses_of,
)
from service.reference import INFECTION_TYPES
from service.reference.baselines import Baseline, Numerator

Filters: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Question:
    """The figure that a baseline speaks of."""

    baseline: Baseline
    without_contaminants: bool = True

    @cached_property
    def key(self) -> tuple[str, int, str, bool]:
        """What tells it from other questions; of a baseline another measure may be asked."""
        baseline = self.baseline
        return (baseline.id, baseline.version, baseline.measure, self.without_contaminants)

    @cached_property
    def population(self) -> Filters:
        """Whom the baseline speaks of, as filters on strata."""
        stated = self.baseline.population
        filters = {
            "transplant_type": stated.transplant_type,
            "indication": stated.indication,
            "age_group": stated.age_group,
        }
        return {name: values for name, values in filters.items() if values}

    @cached_property
    def denominator(self) -> Filters:
        """Whose segments count, as filters on strata."""
        if self.baseline.measure in ("proportion", "share"):
            return self.population
        return {**self.population, "phase": phases_at_risk(self.baseline)}

    @cached_property
    def risk_sets(self) -> Mapping[str, int]:
        """The risk sets whose steps are added (+1) or taken off (-1); none where a share is asked.

        Time at risk is follow-up, less what a first episode takes out; of a proportion it is the
        recipients that entered.
        """
        if self.baseline.measure == "share":
            return {}
        if self.baseline.measure == "proportion":
            return {ENTERED: 1}
        out = self._taken_out()
        return {FOLLOW_UP: 1} | ({out: -1} if out else {})

    @cached_property
    def numerator(self) -> Numerator:
        """The cases counted; of a share, those it is a share of."""
        return self._whole.numerator

    def takes(self, stratum: Stratum) -> bool:
        """Does the denominator take the stratum in?"""
        return all(getattr(stratum, name) in values for name, values in self.denominator.items())

    def all_of(self, candidates: Iterable[Case]) -> tuple[Case, ...]:
        """The candidates that count, in order of onset; of a share, those it is a share of."""
        return counted_against(
            self._whole, candidates, without_contaminants=self.without_contaminants
        )

    def own_of(self, cases: Iterable[Case]) -> tuple[Case, ...]:
        """Of the cases that count, those of the share's kind; all where no share is asked."""
        if self.baseline.measure != "share":
            return tuple(cases)
        return tuple(case for case in cases if matches(self.baseline.numerator, case))

    def candidates(
        self, facility: str, patient: str, episodes: Iterable[LedgerEpisode]
    ) -> list[Case]:
        """A patient's episodes that may count."""
        types = self.numerator.infection_type or INFECTION_TYPES
        return [
            case_of(facility, patient, episode)
            for episode in episodes
            if episode.infection_type in types
            and (self.with_colonisation or episode.status != COLONISATION)
        ]

    @cached_property
    def with_colonisation(self) -> bool:
        """Does isolation without disease count?"""
        return COLONISATION in statuses_of(self.numerator)

    @cached_property
    def _whole(self) -> Baseline:
        """Of recipients, and of cases that a share is of, the first of each course counts."""
        variant, baseline = msgspec.structs.replace, self.baseline
        if baseline.measure == "proportion":
            return variant(baseline, episodes="first")
        if baseline.measure == "share":
            among = baseline.among or baseline.numerator
            return variant(baseline, numerator=among, measure="proportion", episodes="first")
        return baseline

    def _taken_out(self) -> str | None:
        """The risk set behind a first episode; several types, or part of one, have none."""
        baseline, numerator = self.baseline, self.baseline.numerator
        types, statuses = numerator.infection_type, statuses_of(numerator)
        alone = of_colonisation(numerator)
        if (
            baseline.episodes != "first"
            or len(types) > 1
            or counts_first_matching(baseline, without_contaminants=self.without_contaminants)
            or (COLONISATION in statuses and not (alone and types))
        ):
            return None
        return not_at_risk_first(types[0] if types else ANY, colonisation=alone)


@dataclass(frozen=True)
class CasesOf:
    """The cases themselves that a question counts: what an alert names."""

    question: Question

    @property
    def key(self) -> tuple[str, tuple[str, int, str, bool]]:
        """What tells it from other questions."""
        return ("cases", self.question.key)


@dataclass(frozen=True)
class Infections:
    """All infections of a type, counted or not: what rules look at that know no time at risk."""

    infection_type: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other questions."""
        return ("infections", self.infection_type)

    def among(
        self, facility: str, patient: str, episodes: Iterable[LedgerEpisode]
    ) -> Iterator[Case]:
        """A patient's infections of the type; isolation without disease is none."""
        for episode in episodes:
            if episode.infection_type == self.infection_type and episode.status != COLONISATION:
                yield case_of(facility, patient, episode)
