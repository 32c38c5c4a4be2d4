"""A patient's file, told.

In:     a `PatientFile` and today's date.
Out:    the documents of `service.api.patient_documents`.
Source: docs/api.md. Days become dates here and nowhere earlier.
"""

from collections.abc import Iterator
from datetime import date

import msgspec

from service.api import patient_documents as told
from service.domain.days import FAR_FUTURE_DAY
from service.domain.events import encode
from service.domain.explanation import REASONS
from service.domain.remarks import REMARKS
from service.domain.timeline import FollowedCourse, PlacedEpisode
from service.pipeline.patients import CountedRecord, PatientFile

HOW = {
    "opened_episode": "It opened this episode, which counts as a case.",
    "joined_episode": "It lies within the repeat window of this episode and is the same case.",
}


def tell_patient(file: PatientFile, today: date) -> told.Patient:
    """The whole timeline."""
    death_day = file.timeline.death_day
    return told.Patient(
        facility=file.key.facility,
        patient=file.key.patient,
        pseudonyms=[name.patient for name in file.pseudonyms],
        position=file.position,
        today=today,
        death=None if death_day is None else date.fromordinal(death_day),
        courses=[_course(followed, today) for followed in file.timeline.courses],
        episodes=[_episode(placed) for placed in file.timeline.episodes],
        records=[_record(counted) for counted in file.records],
        warnings=[
            told.Remark(event_id=event_id, code=code, message=REMARKS[code])
            for event_id, codes in file.remarks.items()
            for code in codes
        ],
    )


def tell_events(file: PatientFile) -> told.PatientEvents:
    """The events in order of receipt, those that no longer stand marked."""
    standing = {event.event_id for event in file.timeline.standing}
    return told.PatientEvents(
        facility=file.key.facility,
        patient=file.key.patient,
        position=file.position,
        items=[
            told.ReceivedEvent(
                event_id=row.event.event_id,
                position=row.position,
                recorded_at=row.recorded_at,
                standing=row.event.event_id in standing,
                struck_by=file.struck_by.get(row.event.event_id),
                received=msgspec.json.decode(row.received, type=dict),
                resolved=msgspec.json.decode(encode(row.event), type=dict),
            )
            for row in file.received
        ],
    )


def _course(followed: FollowedCourse, today: date) -> told.Course:
    course = followed.course
    begun = list(_spells(followed, today))
    return told.Course(
        index_date=date.fromordinal(course.index_day),
        entry=date.fromordinal(course.entry_day),
        ends=None
        if course.last_possible_day == FAR_FUTURE_DAY
        else date.fromordinal(course.last_possible_day),
        transplant_event_id=course.transplant.event_id,
        transplant_type=course.transplant_type,
        indication=course.transplant.indication,
        sex=course.transplant.sex,
        age_years=course.age_years,
        age_group=course.age_group,
        person_days=sum(spell.person_days for spell in begun),
        spells=begun,
        regimens=[
            told.RegimenInForce(start=date.fromordinal(entry.from_day), regimen=entry.regimen)
            for entry in followed.regimens
        ],
    )


def _spells(followed: FollowedCourse, today: date) -> Iterator[told.Spell]:
    """The spells that have begun, each up to today."""
    for spell in followed.spells:
        end_day = min(spell.end_day, today.toordinal())
        if end_day >= spell.start_day:
            yield told.Spell(
                start=date.fromordinal(spell.start_day),
                end=date.fromordinal(end_day),
                ended_by=spell.ended_by,
                open=spell.end_day > end_day,
                runs_until=date.fromordinal(spell.end_day),
                person_days=end_day - spell.start_day + 1,
            )


def _episode(placed: PlacedEpisode) -> told.Episode:
    episode, followed = placed.episode, placed.followed
    identified = episode.identified
    return told.Episode(
        episode_id=episode.episode_id,
        infection_type=episode.infection_type,
        organism=identified.organism,
        organism_group=identified.organism_group,
        site=identified.site,
        site_class=identified.site_class,
        status=episode.status,
        certainty=episode.certainty,
        onset=date.fromordinal(episode.onset_day),
        window_end=date.fromordinal(episode.window.end_day),
        records=[record.record_id for record in episode.records],
        course_index_date=date.fromordinal(followed.course.index_day) if followed else None,
        counted=placed.counts,
        reason=placed.reason,
        explanation=REASONS[placed.reason] if placed.reason else None,
        first_of_type=placed.first_of_type,
        first_of_any=placed.first_of_any,
        stratum=placed.stratum._asdict() if placed.stratum else None,
    )


def _record(counted: CountedRecord) -> told.Record:
    record, placed = counted.record, counted.placed
    finding = record.finding
    return told.Record(
        record_id=record.record_id,
        event_id=record.event_id,
        occurred_on=date.fromordinal(record.day),
        infection_type=finding.infection_type,
        organism=finding.organism,
        site=finding.site,
        specimen=finding.specimen,
        status=finding.status,
        certainty=finding.certainty,
        pending=finding.pending,
        how=counted.how,
        episode_id=placed.episode.episode_id,
        reason=placed.reason,
        explanation=REASONS[placed.reason] if placed.reason else HOW[counted.how],
    )
