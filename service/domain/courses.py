"""Courses: what one transplant, or several on one day, opens.

In:     a patient's standing events.
Out:    `Course` values in order of index date; each ends on the day before the next begins.
Source: docs/methods.md 2 (index date, entry, two transplants on one day) and 3 (age group).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from service.domain.days import FAR_FUTURE_DAY
from service.domain.events import AnyEvent, Demographics, Transplant
from service.reference import AGE_GROUPS


@dataclass(frozen=True, slots=True)
class Course:
    """One index date and the days that belong to it.

    `transplant` is the day's event with the greatest event_id, completed by what is known of the
    person; `transplant_type` joins the types of all of them.
    """

    index_day: int
    last_possible_day: int
    transplant_type: str
    transplant: Transplant

    @property
    def entry_day(self) -> int:
        """First day under observation: the index date, or later where enrolment was later."""
        enrolled_on = self.transplant.enrolled_on
        return max(self.index_day, enrolled_on.toordinal() if enrolled_on else self.index_day)

    @property
    def age_years(self) -> int | None:
        """Age at the index date; a stated age wins over the year of birth."""
        transplant = self.transplant
        if transplant.age_years is not None:
            return transplant.age_years
        if transplant.birth_year is not None:
            return transplant.occurred_on.year - transplant.birth_year
        return None

    @property
    def age_group(self) -> str:
        """Age at the index date in the published bands."""
        return age_group(self.age_years)


def age_group(age_years: int | None) -> str:
    """The band of an age in whole years.

    >>> [age_group(age) for age in (0, 17, 18, 59, 60, None)]
    ['0-17', '0-17', '18-39', '40-59', '60+', 'unknown']
    """
    children, young, middle, old, unknown = AGE_GROUPS
    if age_years is None:
        return unknown
    if age_years < 18:
        return children
    if age_years < 40:
        return young
    return middle if age_years < 60 else old


def courses(standing: Sequence[AnyEvent]) -> list[Course]:
    """The patient's courses in order of index date."""
    transplants = sorted(
        (event for event in standing if isinstance(event, Transplant)),
        key=lambda event: (event.occurred_on, event.event_id),
    )
    told = sorted(
        (event for event in standing if isinstance(event, Demographics)),
        key=lambda event: (event.occurred_on, event.event_id),
    )
    days = [
        (day.toordinal(), list(of_the_day))
        for day, of_the_day in groupby(transplants, key=lambda event: event.occurred_on)
    ]
    next_index_days = [*(index_day for index_day, _ in days[1:]), FAR_FUTURE_DAY + 1]
    return [
        Course(
            index_day=index_day,
            last_possible_day=next_index_day - 1,
            transplant_type="+".join(sorted({event.transplant_type for event in of_the_day})),
            transplant=_completed(of_the_day[-1], told),
        )
        for (index_day, of_the_day), next_index_day in zip(days, next_index_days, strict=False)
    ]


def _completed(transplant: Transplant, told: Sequence[Demographics]) -> Transplant:
    """The transplant with what it does not say itself, from the last report that says it.

    Nobody is born after the transplant.
    """
    born = next((one.birth_year for one in reversed(told) if one.birth_year is not None), None)
    sex = next((one.sex for one in reversed(told) if one.sex != "unknown"), "unknown")
    is_ageless = transplant.age_years is None and transplant.birth_year is None
    if is_ageless and born is not None and born <= transplant.occurred_on.year:
        transplant = msgspec.structs.replace(transplant, birth_year=born)
    if transplant.sex == "unknown" and sex != "unknown":
        transplant = msgspec.structs.replace(transplant, sex=sex)
    return transplant
