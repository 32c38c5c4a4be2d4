"""What one patient contributes to the ledger.

In:     the patient's timeline.
Out:    `Contributions`: days at risk and days taken out of risk, as segments, and episodes.
Source: docs/methods.md 4 and 6; docs/decisions/0004-risk-sets.md.

The one rule of the house stands on this: whatever happens to a patient's events, post
`contributions(after) - contributions(before)`. Late, out of order, corrected, voided, erased are
all the same line. Nothing here knows what day it is: follow-up that is still open ends on a day
in the future, and queries stop at today.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.days import FAR_FUTURE_DAY, Days, merge, overlap
from service.domain.events import AnyEvent, Outcome
from service.domain.follow_up import DEATH, NEXT_TRANSPLANT
from service.domain.rules import FollowUpRules
from service.domain.strata import Stratum
from service.domain.timeline import FollowedCourse, PatientTimeline, PlacedEpisode, timeline

FOLLOW_UP = "follow_up"
ENTERED = "entered"
DIED = "died"
RETRANSPLANTED = "retransplanted"
MARKER_OF = {"relapse": "relapsed", "graft_failure": "graft_failed"}
"""Outcomes that end nothing, and yet may come before an infection."""
MARKERS = frozenset({ENTERED, DIED, RETRANSPLANTED, *MARKER_OF.values()})
"""Not days but moments: a step up on the day, and none down."""
MARKER_OF_END = {DEATH: DIED, NEXT_TRANSPLANT: RETRANSPLANTED}
ANY = "any"


def not_at_risk_first(infection_type: str, *, colonisation: bool = False) -> str:
    """The risk set of days on which a first episode of the type could no longer, or not yet, occur.

    >>> not_at_risk_first("ntm"), not_at_risk_first("ntm", colonisation=True)
    ('not_at_risk_first:ntm', 'not_at_risk_first:ntm:colonisation')
    """
    return f"not_at_risk_first:{infection_type}{':colonisation' if colonisation else ''}"


def not_at_risk_repeat(infection_type: str, *, colonisation: bool = False) -> str:
    """The risk set of days after an onset on which a further record would be the same episode."""
    return f"not_at_risk_repeat:{infection_type}{':colonisation' if colonisation else ''}"


class Segment(NamedTuple):
    """Days of one course in one stratum and one risk set, both ends included.

    The risk set `follow_up` holds the days at risk; each `not_at_risk_…` those to take out of
    them; `entered` the single day on which the course entered follow-up, to count recipients;
    `died` the day on which a death ended it, `retransplanted` the last day before the transplant
    that did; `relapsed` and `graft_failed` the first such day at risk.
    """

    index_day: int
    stratum: Stratum
    risk_set: str
    start_day: int
    end_day: int


class Step(NamedTuple):
    """Where the number in a risk set changes."""

    stratum: Stratum
    risk_set: str
    day: int


class Exposure(NamedTuple):
    """What the course of an episode shares with others: the grounds for linking cases."""

    transplant_type: str
    performed_at: str | None
    performed_in: str | None
    product_lot: str | None
    product_supplier: str | None


class LedgerEpisode(NamedTuple):
    """An episode as the ledger keeps it, counted or not; one that counts has a stratum."""

    episode_id: str
    course_index_day: int | None
    exposure: Exposure | None
    stratum: Stratum | None
    counted: bool
    onset_day: int
    infection_type: str
    organism: str | None
    organism_group: str
    site: str
    site_class: str
    status: str
    certainty: str
    first_of_type: bool
    first_of_any: bool


@dataclass(frozen=True, slots=True)
class Contributions:
    """All that one patient adds to the ledger."""

    segments: frozenset[Segment] = frozenset()
    episodes: frozenset[LedgerEpisode] = frozenset()

    def __sub__(self, other: "Contributions") -> "Contributions":
        """What these hold that the others do not."""
        return Contributions(self.segments - other.segments, self.episodes - other.episodes)

    def __bool__(self) -> bool:
        """Is anything added?"""
        return bool(self.segments or self.episodes)


def steps(segments: Iterable[Segment], *, less: Iterable[Segment] = ()) -> Counter[Step]:
    """+1 on the first day of each segment, -1 on the day after its last; a marker never ends.

    The steps of the segments `less` are taken off; none is left that comes to nothing.
    """
    changes: Counter[Step] = Counter()
    for sign, some in ((1, segments), (-1, less)):
        for _, stratum, risk_set, start_day, end_day in some:
            changes[Step(stratum, risk_set, start_day)] += sign
            if risk_set not in MARKERS:
                changes[Step(stratum, risk_set, end_day + 1)] -= sign
    return Counter({step: change for step, change in changes.items() if change})


def contributions(received: Sequence[AnyEvent], rules: FollowUpRules) -> Contributions:
    """What the patient with these events, in order of receipt, contributes."""
    return contributions_of(timeline(received, rules))


def contributions_of(patient: PatientTimeline) -> Contributions:
    """What a timeline contributes."""
    segments: set[Segment] = set()
    for followed in patient.courses:
        segments.update(_follow_up(followed))
        segments.update(_marked(followed, patient.standing))
        for risk_set, out in _taken_out(followed, patient.episodes):
            segments.update(_within_follow_up(followed, risk_set, merge(out)))
    return Contributions(
        segments=frozenset(segments),
        episodes=frozenset(_ledger_episode(placed) for placed in patient.episodes),
    )


def _follow_up(followed: FollowedCourse) -> Iterator[Segment]:
    index_day = followed.course.index_day
    for number, (start, end, stratum) in enumerate(followed.stretches):
        if number == 0:
            yield Segment(index_day, stratum, ENTERED, start, start)
        yield Segment(index_day, stratum, FOLLOW_UP, start, end)


def _marked(followed: FollowedCourse, standing: Iterable[AnyEvent]) -> Iterator[Segment]:
    """What ended the course, if death or the next transplant did, and the first of each outcome."""
    index_day = followed.course.index_day
    if followed.spells and (marker := MARKER_OF_END.get(followed.spells[-1].ended_by)):
        _, last_day, stratum = followed.stretches[-1]
        yield Segment(index_day, stratum, marker, last_day, last_day)
    first: dict[str, Segment] = {}
    counted_elsewhere: set[str] = set()
    for event in sorted(standing, key=lambda event: event.occurred_on):
        if isinstance(event, Outcome) and (marker := MARKER_OF.get(event.outcome)):
            day = event.occurred_on.toordinal()
            if any(day in run for run in followed.elsewhere):
                counted_elsewhere.add(marker)
            elif (of_day := followed.stratum_on(day)) is not None and (
                marker not in counted_elsewhere
            ):
                first.setdefault(marker, Segment(index_day, of_day, marker, day, day))
    yield from first.values()


def _within_follow_up(
    followed: FollowedCourse, risk_set: str, out: Sequence[Days]
) -> Iterator[Segment]:
    for start, end, stratum in followed.stretches:
        for common in overlap(Days(start, end), out):
            yield Segment(followed.course.index_day, stratum, risk_set, *common)


def _taken_out(
    followed: FollowedCourse, placed: Sequence[PlacedEpisode]
) -> Iterator[tuple[str, list[Days]]]:
    """Each risk set with the days it takes out of the course, follow-up or not."""
    streams = {(p.episode.infection_type, p.episode.is_colonisation) for p in placed}
    for infection_type, colonisation in streams:
        of_stream = [
            p
            for p in placed
            if p.episode.infection_type == infection_type
            and p.episode.is_colonisation == colonisation
        ]
        first_out, repeat_out = [], []
        for item in of_stream:
            onset_day, window_end_day = item.episode.window
            repeat_out.append(Days(onset_day + 1, window_end_day))
            if item.followed is followed and (item.counts or item.counts_elsewhere):
                first_out.append(Days(onset_day + 1, FAR_FUTURE_DAY))
            else:
                first_out.append(Days(onset_day, window_end_day))
        yield not_at_risk_first(infection_type, colonisation=colonisation), first_out
        yield not_at_risk_repeat(infection_type, colonisation=colonisation), repeat_out
    counted_onsets = [
        p.episode.onset_day
        for p in placed
        if p.followed is followed
        and (p.first_of_any or (p.counts_elsewhere and not p.episode.is_colonisation))
    ]
    yield not_at_risk_first(ANY), [Days(day + 1, FAR_FUTURE_DAY) for day in counted_onsets]


def _ledger_episode(placed: PlacedEpisode) -> LedgerEpisode:
    episode, followed = placed.episode, placed.followed
    identified = episode.identified
    return LedgerEpisode(
        episode_id=episode.episode_id,
        course_index_day=followed.course.index_day if followed else None,
        exposure=_exposure(followed) if followed else None,
        stratum=placed.stratum,
        counted=placed.counts,
        onset_day=episode.onset_day,
        infection_type=episode.infection_type,
        organism=identified.organism,
        organism_group=identified.organism_group,
        site=identified.site,
        site_class=identified.site_class,
        status=episode.status,
        certainty=episode.certainty,
        first_of_type=placed.first_of_type,
        first_of_any=placed.first_of_any,
    )


def _exposure(followed: FollowedCourse) -> Exposure:
    transplant = followed.course.transplant
    return Exposure(
        transplant_type=followed.course.transplant_type,
        performed_at=transplant.performed_at,
        performed_in=transplant.performed_in,
        product_lot=transplant.product.lot,
        product_supplier=transplant.product.supplier,
    )
