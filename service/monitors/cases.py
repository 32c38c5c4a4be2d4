"""Cases as the monitors see them, and when two of them are the same case.

In:     a facility, a patient's pseudonym and an episode of the ledger.
Out:    `Case`, its `CaseKey`, and `pair_up`, which finds known cases again after corrections.
Source: docs/methods.md 4 and 8.4; docs/decisions/0004-risk-sets.md for what counts.

An episode is named after the record that opened it, so a correction, or an earlier culture that
arrives late, gives it another name. For an alert it is still the same case.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from service.domain.contributions import Exposure, LedgerEpisode
from service.domain.episodes import COLONISATION
from service.domain.strata import Stratum
from service.reference.organisms import organisms

SAME_CASE_DAYS = 365
"""How far the onset of a case may move before it is another case: the NTM repeat window."""


class CaseKey(NamedTuple):
    """What an alert keeps of a case, to know it again."""

    facility: str
    patient: str
    episode_id: str
    onset_day: int
    organism: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """An episode of one patient at one facility, counted or not.

    `exposure` is None before any transplant; `stratum` is None where the episode does not count.
    """

    facility: str
    patient: str
    episode_id: str
    onset_day: int
    infection_type: str
    organism: str | None
    organism_group: str
    site: str
    site_class: str
    status: str
    certainty: str
    exposure: Exposure | None
    counted: bool
    course_index_day: int | None = None
    stratum: Stratum | None = None
    first_of_type: bool = False
    first_of_any: bool = False

    @property
    def event_id(self) -> str:
        """The event whose record opened the episode."""
        return self.episode_id.rpartition("#")[0]

    @property
    def key(self) -> CaseKey:
        """The case's name and what is needed to know it again under another."""
        return CaseKey(self.facility, self.patient, self.episode_id, self.onset_day, self.organism)

    @property
    def transplant_types(self) -> frozenset[str]:
        """The types of the course it falls into: several where they were done on one day."""
        return frozenset(self.exposure.transplant_type.split("+")) if self.exposure else frozenset()


def case_of(facility: str, patient: str, episode: LedgerEpisode) -> Case:
    """The episode of a patient as a case."""
    return Case(
        facility=facility,
        patient=patient,
        episode_id=episode.episode_id,
        onset_day=episode.onset_day,
        infection_type=episode.infection_type,
        organism=episode.organism,
        organism_group=episode.organism_group,
        site=episode.site,
        site_class=episode.site_class,
        status=episode.status,
        certainty=episode.certainty,
        exposure=episode.exposure,
        counted=episode.counted,
        course_index_day=episode.course_index_day,
        stratum=episode.stratum,
        first_of_type=episode.first_of_type,
        first_of_any=episode.first_of_any,
    )


def in_order(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases by onset, each once, in the same order whatever order they came in."""
    unique = {(case.facility, case.patient, case.episode_id): case for case in cases}
    return tuple(sorted(unique.values(), key=lambda case: (case.onset_day, *case.key[:3])))


def infections_after_transplant(
    cases: Iterable[Case], infection_type: str, *, without_contaminants: bool
) -> tuple[Case, ...]:
    """What sentinel and cluster rules look at: infections from the index date on, counted or not.

    Isolation without disease is no infection, and what is not yet identified has no type yet. An
    infection that brought a patient back is not counted in any rate, but must be seen here.
    """
    return in_order(
        case
        for case in cases
        if case.infection_type == infection_type
        and case.exposure is not None
        and case.status != COLONISATION
        and not (without_contaminants and case.organism in usual_contaminants())
    )


@cache
def usual_contaminants() -> frozenset[str]:
    """Organisms that seldom mean disease, such as M. gordonae."""
    return frozenset(organism.name for organism in organisms() if organism.usual_contaminant)


@cache
def contaminated_types() -> frozenset[str]:
    """The infection types to which such organisms belong."""
    return frozenset(
        organism.infection_type for organism in organisms() if organism.usual_contaminant
    )


@cache
def _groups() -> dict[str, str]:
    return {organism.name: organism.group for organism in organisms()}


def is_same_case(one: CaseKey, other: CaseKey) -> bool:
    """The same patient with the same episode, or one of the same organism group close in time.

    >>> first = CaseKey("ucd-01", "p1", "i1#0", 100, "Mycobacterium abscessus")
    >>> is_same_case(first, CaseKey("ucd-01", "p1", "i0#0", 80, "Mycobacterium abscessus"))
    True
    >>> is_same_case(first, CaseKey("ucd-01", "p1", "i9#0", 466, "Mycobacterium abscessus"))
    False
    """
    if one[:2] != other[:2]:
        return False
    if one.episode_id == other.episode_id:
        return True
    of_one_group = _group(one) == _group(other)
    return of_one_group and abs(one.onset_day - other.onset_day) <= SAME_CASE_DAYS


def _group(key: CaseKey) -> str | None:
    return _groups().get(key.organism, key.organism) if key.organism else None


def pair_up(keys: Iterable[CaseKey], known: Collection[CaseKey]) -> dict[CaseKey, CaseKey]:
    """Each case with the known case that it is, one to one: by name first, then by likeness."""
    by_name = {key[:3]: key for key in known}
    ordered = sorted(keys, key=lambda key: (key.onset_day, key[:3]))
    pairs = {key: by_name[key[:3]] for key in ordered if key[:3] in by_name}
    taken = set(pairs.values())
    free: dict[tuple[str, str], list[CaseKey]] = defaultdict(list)
    for key in sorted(known, key=lambda key: (key.onset_day, key[:3])):
        if key not in taken:
            free[key.facility, key.patient].append(key)
    for key in ordered:
        candidates = free[key.facility, key.patient]
        like = next((other for other in candidates if is_same_case(key, other)), None)
        if key not in pairs and like is not None:
            pairs[key] = like
            candidates.remove(like)
    return pairs
