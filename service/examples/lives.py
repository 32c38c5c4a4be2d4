"""One simulated life: from transplant to death, silence or the end of the period.

In:     a generator of chance, the model of rates, what is planted at the facility, the period.
Out:    `live(...)`, a `Life`.
Source: competing risks with a constant chance per day between changes, drawn as geometric
        waiting times; what counts as time at risk: docs/methods.md 2 to 4.

Whether a day is at risk never depends on that day or a later one (a lost patient is lost from
the next day, a regimen holds from the next day, an episode blocks the days after it). That is
why cases over person-days estimate the model's rates without bias.

    day ----> until      chances are constant: how long until something happens?
    onset                an infection, death or loss; or nothing before `until`, then change
"""

from collections.abc import Callable, Sequence

from numpy.random import Generator

from service.examples.agenda import VISIT_GAP_DAYS, Walk, do_what_is_due
from service.examples.happenings import (
    Ended,
    Life,
    Regimen,
    Visited,
)
from service.examples.hazards import CAUSES, PHASE_STARTS, phase_number
from service.examples.plans import (
    Appointment,
    Force,
    Plan,
    draw_infection,
    pick,
    without_mycophenolate,
)
from service.examples.planted import RaisedRate

GRACE_DAYS = 90
"""Days at risk after the last contact: the service's default `followup_grace_days`."""
FURTHER_RECORD_DAYS = {"bacterial": (3, 11), "viral": (10, 50), "fungal": (10, 50), "ntm": (10, 80)}
DEATH, END_OF_CONTACT = len(CAUSES), len(CAUSES) + 1
ENDS_OF_CONTACT = {"lost_to_follow_up": 0.7, "transferred_out": 0.2, "withdrawn": 0.1}
DailyChances = Callable[[str, int, Regimen], Sequence[float]]
"""Transplant type, phase and regimen to the chances of a day, as `RateModel.daily_chances`."""


def live(
    rng: Generator, plan: Plan, chances: DailyChances, raised: Sequence[RaisedRate], end_day: int
) -> Life:
    """Live one life according to the plan, as far as chance lets it."""
    walk = _begun(rng, plan)
    while walk.day <= min(end_day, walk.last_contact_day + GRACE_DAYS):
        do_what_is_due(walk)
        until = _until(walk, raised, end_day)
        day, found = _next_occurrence(walk, chances, raised, until)
        if found is None:
            walk.day = until + 1
        elif found == DEATH:
            walk.note(Ended(day, "death"))
            break
        elif found == END_OF_CONTACT:
            walk.day = _lose(walk, day, end_day)
        else:
            _fall_ill(walk, day, CAUSES[found])
            walk.day = day + 1
    told = sorted((h for h in walk.happenings if h.day <= end_day), key=lambda h: h.day)
    return Life(entry_day=plan.entry_day, happenings=tuple(told))


def _begun(rng: Generator, plan: Plan) -> Walk:
    regimen = plan.first.regimen or ()
    walk = Walk(
        rng=rng,
        day=plan.entry_day,
        entry_day=plan.entry_day,
        index_day=plan.first.day,
        transplant_type=plan.first.transplant_type,
        regimen=regimen,
        written_regimen=regimen,
        written_on=plan.entry_day,
        last_contact_day=plan.entry_day,
        silent_from=plan.silent_from,
        agenda=[],
    )
    walk.note(plan.first)
    if plan.before_entry is not None:
        walk.record_infection(plan.before_entry)
    for item in plan.agenda:
        walk.plan(item)
    return walk


def _until(walk: Walk, raised: Sequence[RaisedRate], end_day: int) -> int:
    """The last day before any chance changes."""
    changes = [end_day + 1, walk.last_contact_day + GRACE_DAYS + 1]
    changes += [walk.index_day + start for start in PHASE_STARTS]
    changes += [day + 1 for day in walk.blocked_until.values()]
    changes += [planted.from_date.toordinal() for planted in raised]
    changes += [item.day for item in walk.agenda[:1]]
    return min(day for day in changes if day > walk.day) - 1


def _next_occurrence(
    walk: Walk, chances: DailyChances, raised: Sequence[RaisedRate], until: int
) -> tuple[int, int | None]:
    """When something happens by itself, and what; None when nothing does before chances change."""
    phase = phase_number(walk.day - walk.index_day)
    today = list(chances(walk.transplant_type, phase, walk.regimen))
    for planted in raised:
        if planted.from_date.toordinal() <= walk.day:
            today[CAUSES.index(planted.cause)] *= planted.ratio
    for cause, last_day in walk.blocked_until.items():
        if walk.day <= last_day:
            today[CAUSES.index(cause)] = 0.0
    day = walk.day + int(walk.rng.geometric(sum(today))) - 1
    if day > until:
        return until, None
    return day, pick(walk.rng, dict(enumerate(today)))


def _fall_ill(walk: Walk, day: int, cause: str) -> None:
    infection = draw_infection(walk.rng, day, cause)
    walk.record_infection(infection)
    if cause in FURTHER_RECORD_DAYS and walk.rng.random() < 0.2:
        later = day + int(walk.rng.integers(*FURTHER_RECORD_DAYS[cause]))
        walk.plan(infection._replace(day=later, is_repeat=True))
    # Immunosuppression is cut on the day an infection is found; docs/methods.md 3 says why that
    # matters.
    reduced = without_mycophenolate(walk.regimen)
    if reduced != walk.regimen and walk.written_on != day and walk.rng.random() < 0.1:
        walk.record_regimen(day, reduced)


def _lose(walk: Walk, day: int, end_day: int) -> int:
    """Out of contact, perhaps to come back; the next day at risk, after the period if none."""
    walk.note(Ended(day, pick(walk.rng, ENDS_OF_CONTACT)))
    back = day + int(walk.rng.integers(60, 400))
    if walk.rng.random() < 0.5 or back > end_day:
        return end_day + 1
    for item in [item for item in walk.agenda if item.day <= back]:
        walk.agenda.remove(item)
        if isinstance(item, Force):
            walk.regimen = item.regimen
    if walk.rng.random() < 0.3 and walk.blocked_until.get("bacterial", 0) < back:
        # What brought the patient back was not under observation: not counted (docs/methods.md 2).
        walk.record_infection(draw_infection(walk.rng, back, "bacterial"))
    else:
        walk.note(Visited(back, None))
    walk.agenda = [item for item in walk.agenda if not isinstance(item, Appointment)]
    walk.plan(Appointment(back + int(walk.rng.integers(*VISIT_GAP_DAYS))))
    return back + 1
