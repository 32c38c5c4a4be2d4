"""A simulated transplant network whose true rates are known to the last digit.

In:     a seed, numbers of patients and facilities, the period.
Out:    `simulate(...)`, a `Simulation`: `events()` to send, `truth` to compare with.
Source: invented from end to end; see docs/example-data.md.

Every patient has a generator of chance of its own, so any of them can be generated alone, and
memory does not grow with their number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain
from typing import Any

from numpy.random import PCG64, Generator, SeedSequence

from service.examples.desk import Person, Sent
from service.examples.happenings import Life, Regimen
from service.examples.hazards import RateModel
from service.examples.lives import live
from service.examples.plans import PROGRAMMES, draw_plan
from service.examples.planted import (
    LotOutbreak,
    RaisedRate,
    outbreak_life,
    usual_outbreaks,
    usual_raised,
)
from service.examples.reports import reports
from service.examples.truth import PlantedCluster, Truth

SEXES = ("female", "male", "female", "male", "female", "male", "female", "male", "unknown")


@dataclass(frozen=True)
class Simulation:
    """A network; `patients` ordinary patients, then the recipients of the planted outbreaks."""

    seed: int
    patients: int
    facilities: tuple[str, ...]
    start: date
    end: date
    model: RateModel
    raised: tuple[RaisedRate, ...]
    outbreaks: tuple[LotOutbreak, ...]

    def events(self) -> Iterator[dict[str, Any]]:
        """Everything sent, patient after patient, each patient's events in order of sending.

        Flat in memory, whatever the number of patients.
        """
        for number in range(1, self.patients + 1):
            yield from self.patient_events(number)
        for sent in chain.from_iterable(self._outbreak_reports()):
            yield sent.event

    def events_by_day_sent(self) -> Iterator[dict[str, Any]]:
        """The same events in the order in which the whole network sends them; held in memory."""
        ordinary = (self._reports(number) for number in range(1, self.patients + 1))
        everything = chain.from_iterable(chain(ordinary, self._outbreak_reports()))
        for sent in sorted(everything, key=lambda sent: sent.day):
            yield sent.event

    def patient_events(self, number: int) -> list[dict[str, Any]]:
        """One patient's events in order of sending; patients are numbered from 1."""
        if not 1 <= number <= self.patients:
            raise ValueError(f"patients are numbered from 1 to {self.patients}")
        return [sent.event for sent in self._reports(number)]

    @cached_property
    def truth(self) -> Truth:
        """The rates and clusters behind the events."""
        clusters = [
            PlantedCluster(outbreak, tuple(self._cluster_cases(which)))
            for which, outbreak in enumerate(self.outbreaks)
        ]
        return Truth(self.model, self.raised, tuple(clusters))

    def _reports(self, number: int) -> list[Sent]:
        rng = self._chance(0, number)
        place = (number - 1) % len(self.facilities)
        facility = self.facilities[place]
        end_day = self.end.toordinal()
        plan = draw_plan(rng, PROGRAMMES[place % len(PROGRAMMES)], self.start.toordinal(), end_day)
        raised = [planted for planted in self.raised if planted.facility == facility]
        life = live(rng, plan, self._daily_chances, raised, end_day)
        person = self._person(rng, facility, f"p{number:07d}", life)
        return reports(life, person, rng, end_day)

    def _outbreak_reports(self) -> Iterator[list[Sent]]:
        for which, outbreak in enumerate(self.outbreaks):
            lot_fields = {
                "performed_at": outbreak.clinic,
                "product": {
                    "kind": "umbilical cord stem cells",
                    "lot": outbreak.lot,
                    "supplier": outbreak.supplier,
                },
            }
            for recipient in range(outbreak.recipients):
                rng, facility, patient, life = self._exposed(which, recipient)
                person = self._person(rng, facility, patient, life, lot_fields)
                yield reports(life, person, rng, self.end.toordinal())

    def _cluster_cases(self, which: int) -> list[tuple[str, str, date]]:
        found = []
        for recipient in range(self.outbreaks[which].recipients):
            _, facility, patient, life = self._exposed(which, recipient)
            found += [
                (facility, patient, date.fromordinal(happening.day))
                for happening in life.infections
            ]
        return sorted(found, key=lambda case: case[2])

    def _exposed(self, which: int, recipient: int) -> tuple[Generator, str, str, Life]:
        rng = self._chance(which + 1, recipient)
        life = outbreak_life(self.outbreaks[which], recipient, rng, self.end.toordinal())
        facility = self.facilities[recipient % len(self.facilities)]
        return rng, facility, f"lot{which + 1}-{recipient + 1:03d}", life

    def _person(
        self,
        rng: Generator,
        facility: str,
        patient: str,
        life: Life,
        lot_fields: dict[str, Any] | None = None,
    ) -> Person:
        index_year = date.fromordinal(life.happenings[0].day).year
        return Person(
            facility=facility,
            patient=patient,
            birth_year=index_year - int(rng.integers(1, 76)),
            sex=SEXES[int(rng.integers(len(SEXES)))],
            lot_fields=lot_fields or {},
        )

    def _chance(self, group: int, number: int) -> Generator:
        return Generator(PCG64(SeedSequence(self.seed, spawn_key=(group, number))))

    @cached_property
    def _known_chances(self) -> dict[tuple[str, int, Regimen], tuple[float, ...]]:
        return {}

    def _daily_chances(
        self, transplant_type: str, phase: int, regimen: Regimen
    ) -> tuple[float, ...]:
        key = (transplant_type, phase, regimen)
        if key not in self._known_chances:
            self._known_chances[key] = self.model.daily_chances(*key)
        return self._known_chances[key]


def simulate(
    seed: int,
    *,
    patients: int,
    facilities: int,
    start: date,
    end: date,
    model: RateModel | None = None,
    raised: Sequence[RaisedRate] | None = None,
    outbreaks: Sequence[LotOutbreak] | None = None,
) -> Simulation:
    """A network of facilities `net-01`, `net-02`, … from `start` to `end`, both included.

    The same arguments give the same events, and patient n is the same however many there are.
    Without `raised` and `outbreaks` the usual ones are planted; `()` plants none.
    """
    if seed < 0 or patients < 0 or facilities < 1 or end < start:
        raise ValueError("seed and patients from 0, facilities from 1, start not after end")
    names = tuple(f"net-{number:02d}" for number in range(1, facilities + 1))
    return Simulation(
        seed=seed,
        patients=patients,
        facilities=names,
        start=start,
        end=end,
        model=model or RateModel(),
        raised=usual_raised(names, start, end) if raised is None else tuple(raised),
        outbreaks=usual_outbreaks(start, end) if outbreaks is None else tuple(outbreaks),
    )
