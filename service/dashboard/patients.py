"""One patient's page: at risk when, on what, which infections, what did not count and why.

In:     the API's timeline of a patient, for a viewer who may see patients.
Out:    lanes, and the same in tables; who saw whom is entered in the audit trail.
Source: docs/dashboard.md; docs/api.md, one patient.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.api.patient_documents import Course, Patient, Record
from service.api.patients import show_patient
from service.dashboard import words
from service.dashboard.lanes import Lane, Lanes, Mark, Stretch
from service.dashboard.rendering import page
from service.dashboard.routes import PageRoute
from service.dashboard.viewers import Viewer, sightings_of, surveillance_of, viewer_of
from service.errors import Forbidden

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/facilities/{facility}/patients/{patient}")
def show_patient_page(
    request: Request,
    facility: str,
    patient: str,
    viewer: Annotated[Viewer, Depends(viewer_of)],
) -> Response:
    """The timeline of one patient."""
    if not viewer.may_see_patients:
        raise Forbidden("To see patients, sign in with a key that has `patients:read`.")
    found = show_patient(
        facility, patient, surveillance_of(request), sightings_of(request), viewer.principal
    )
    return page("patient.html", viewer, patient=found, lanes=lanes_of(found))


def lanes_of(patient: Patient) -> Lanes | None:
    """The patient's lanes; None where nothing could be drawn."""
    days = [
        *(day for course in patient.courses for day in (course.index_date, course.entry)),
        *(record.occurred_on for record in patient.records),
    ]
    if not days:
        return None
    first, last = min(days), max([*days, patient.today])
    infections = tuple(_infection(record) for record in patient.records)
    died = [Mark(day.toordinal(), f"Died {day}", "death") for day in (patient.death,) if day]
    spells = [spell for course in patient.courses for spell in course.spells]
    return Lanes(
        id="lanes",
        title="The patient’s course",
        description=f"{words.counted(len(patient.courses), 'transplant')}, "
        f"{words.counted(sum(spell.person_days for spell in spells), 'day')} at risk, "
        f"{words.counted(len(patient.records), 'reported infection')}, from {first} to {last}.",
        first=first.toordinal(),
        last=last.toordinal(),
        lanes=(
            Lane(
                "Transplant",
                marks=(*map(_transplant, patient.courses), *died),
            ),
            Lane(
                "At risk",
                tuple(
                    Stretch(
                        spell.start.toordinal(),
                        spell.end.toordinal(),
                        f"At risk {spell.start} to {spell.end}, {spell.person_days} days",
                        "risk",
                    )
                    for spell in spells
                ),
            ),
            Lane("Regimen", tuple(one for course in patient.courses for one in _regimens(course))),
            Lane("Infections", marks=infections),
        ),
    )


def _transplant(course: Course) -> Mark:
    what = words.term(course.transplant_type)
    return Mark(course.index_date.toordinal(), f"{what}, {course.index_date}", "transplant")


def _regimens(course: Course) -> list[Stretch]:
    """The regimens in force, each until the next one or the end of the course's last spell."""
    if not course.spells:
        return []
    end = max(spell.end for spell in course.spells)
    starts = [one.start for one in course.regimens]
    ends = [*(start.toordinal() - 1 for start in starts[1:]), end.toordinal()]
    return [
        Stretch(one.start.toordinal(), until, words.term(one.regimen), "regimen")
        for one, until in zip(course.regimens, ends, strict=True)
        if until >= one.start.toordinal()
    ]


def _infection(record: Record) -> Mark:
    what = record.organism or words.term(record.infection_type)
    return Mark(
        record.occurred_on.toordinal(),
        f"{what}, {record.occurred_on}: {record.explanation}",
        "counted" if record.how == "opened_episode" else "uncounted",
    )
