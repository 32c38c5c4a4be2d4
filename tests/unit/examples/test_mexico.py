"""Three M. abscessus infections after injections in Mexico, as three hospitals send them."""

from datetime import date, timedelta
from itertools import pairwise

from service.examples.mexico import mexico_events


def test_three_facilities_each_see_one_patient_of_another_clinic() -> None:
    injections = [event for event in mexico_events() if event["type"] == "transplant"]
    assert [event["transplant_type"] for event in injections] == ["stem_cell_injection"] * 3
    assert {event["performed_in"] for event in injections} == {"MX"}
    for field in ("facility", "patient", "performed_at"):
        assert len({event[field] for event in injections}) == 3
    assert all("lot" not in event["product"] for event in injections)


def test_the_cluster_stands_only_once_the_acid_fast_bacilli_are_named() -> None:
    infections = [event for event in mexico_events() if event["type"] == "infection"]
    told = [(event["organism"], event["specimen"], event.get("replaces")) for event in infections]
    assert told == [
        ("AFB", "synovial fluid", None),
        ("Mycobacteroides abscessus subsp. massiliense", "CSF", None),
        ("Mycobacterium abscessus", "synovial fluid", "mx-b-culture-1"),
        ("M. abscessus", "knee aspirate", None),
    ]
    assert infections[0]["occurred_on"] == infections[2]["occurred_on"]


def test_the_onsets_are_months_apart_and_within_a_year_of_each_other() -> None:
    replaced = {event.get("replaces") for event in mexico_events()}
    onsets = sorted(
        date.fromisoformat(event["occurred_on"])
        for event in mexico_events()
        if event["type"] == "infection" and event["event_id"] not in replaced
    )
    gaps = [later - earlier for earlier, later in pairwise(onsets)]
    assert len(gaps) == 2
    assert all(timedelta(days=90) < gap < timedelta(days=365) for gap in gaps)
