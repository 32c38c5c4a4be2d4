"""Episodes under case definitions that an operator has changed."""

from datetime import date

from service.domain.episodes import episodes, infection_records
from service.domain.events import Finding, Infection
from service.reference.case_definitions import CaseDefinition, shipped_case_definitions


def infection(event_id: str, day: date, organism: str, group: str) -> Infection:
    return Infection(
        event_id=event_id,
        facility="ucd-01",
        patient="p1",
        occurred_on=day,
        finding=Finding(
            infection_type="bacterial",
            organism=organism,
            organism_group=group,
            site="gastrointestinal",
        ),
    )


def test_an_organism_with_a_definition_of_its_own_is_never_mixed_with_others_of_its_site() -> None:
    """
    day 1   C. difficile, defined by site for this network
    day 5   E. coli, same site
    """
    by_site = CaseDefinition(
        infection_type="bacterial",
        organism_group="Clostridioides difficile",
        repeat_days=56,
        repeat_rule="fixed",
        same_episode_by="site",
        version=2,
        source="test",
    )
    records = infection_records(
        [
            infection("1", date(2020, 1, 1), *["Clostridioides difficile"] * 2),
            infection("2", date(2020, 1, 5), "Escherichia coli", "Escherichia"),
        ]
    )
    found = episodes(records, shipped_case_definitions().replaced_by([by_site]))
    assert [episode.definition.repeat_days for episode in found] == [56, 14]


def test_an_organism_still_pending_gives_way_to_the_first_that_is_identified() -> None:
    """
    2020-01-01  acid-fast bacilli, tuberculosis as the clinic says
    2020-02-01  M. tuberculosis
    """

    def tuberculosis(event_id: str, day: date, organism: str, *, pending: bool) -> Infection:
        finding = Finding(
            infection_type="tuberculosis",
            organism=organism,
            organism_group="Mycobacterium tuberculosis complex",
            pending=pending,
        )
        return Infection(
            event_id=event_id, facility="ucd-01", patient="p1", occurred_on=day, finding=finding
        )

    records = infection_records(
        [
            tuberculosis("1", date(2020, 1, 1), "Mycobacterium species", pending=True),
            tuberculosis("2", date(2020, 2, 1), "Mycobacterium tuberculosis", pending=False),
        ]
    )
    (episode,) = episodes(records, shipped_case_definitions())
    assert episode.identified.organism == "Mycobacterium tuberculosis"
