"""Regimens in force, stated as a whole or drug by drug."""

from datetime import date

from service.domain.courses import courses
from service.domain.events import AnyEvent, Medication, Regimen, Transplant
from service.domain.strata import regimen_records, regimens_in_force

WHO = {"facility": "ucd-01", "patient": "p1"}
KIDNEY = Transplant(
    event_id="t", occurred_on=date(2024, 1, 1), transplant_type="kidney", indication="", **WHO
)


def drug(name: str, agent: str, start: date, end: date | None = None) -> Medication:
    return Medication(event_id=name, occurred_on=start, agent=agent, ended_on=end, **WHO)


def in_force(*events: AnyEvent) -> list[tuple[str, str]]:
    standing = [KIDNEY, *events]
    (course,) = courses(standing)
    found = regimens_in_force(course, regimen_records(standing))
    return [(date.fromordinal(one.from_day).isoformat(), one.regimen) for one in found]


def test_drugs_come_and_go_one_by_one() -> None:
    assert in_force(
        drug("1", "tacrolimus", date(2023, 12, 30)),
        drug("2", "mycophenolic acid", date(2024, 1, 1), date(2024, 3, 31)),
        drug("3", "sirolimus", date(2024, 6, 1), date(2024, 6, 30)),
    ) == [
        ("2024-01-01", "mycophenolic acid+tacrolimus"),
        ("2024-04-01", "tacrolimus"),
        ("2024-06-02", "sirolimus+tacrolimus"),
        ("2024-07-01", "tacrolimus"),
    ]


def test_a_whole_regimen_speaks_for_what_began_before_it_and_a_later_end_still_ends() -> None:
    whole = Regimen(
        event_id="r", occurred_on=date(2024, 5, 1), agents=("prednisolone", "tacrolimus"), **WHO
    )
    assert in_force(
        drug("1", "tacrolimus", date(2024, 1, 1), date(2024, 8, 1)),
        drug("2", "sirolimus", date(2024, 2, 1)),
        whole,
    ) == [
        ("2024-01-01", "tacrolimus"),
        ("2024-02-02", "sirolimus+tacrolimus"),
        ("2024-05-02", "prednisolone+tacrolimus"),
        ("2024-08-02", "prednisolone"),
    ]


def test_a_drug_whose_next_prescription_has_begun_does_not_end() -> None:
    found = in_force(
        drug("1", "tacrolimus", date(2024, 1, 1), date(2024, 2, 1)),
        drug("2", "tacrolimus", date(2024, 1, 25), date(2024, 3, 1)),
    )
    assert [regimen for _, regimen in found][-2:] == ["tacrolimus", "none"]
    assert found[-1][0] == "2024-03-02"
