"""The demonstration: moderate in size, the same for the same day, NTM near its baseline."""

from collections import Counter
from collections.abc import Callable
from datetime import date

from service.domain.contributions import ENTERED, Contributions
from service.examples.demo import demo_events, demo_network

TODAY = date(2026, 11, 22)


def test_it_is_a_few_thousand_events_from_three_sources() -> None:
    events = list(demo_events(TODAY))
    assert 5_000 < len(events) < 12_000
    sources = Counter(event["facility"].split("-")[0] for event in events)
    assert sources["cgd"] == 332
    assert sources["mx"] == 11
    assert sources["net"] > 5_000


def test_the_same_day_shows_the_same_demonstration() -> None:
    assert list(demo_events(TODAY)) == list(demo_events(TODAY))


def test_before_the_cluster_was_reported_it_is_not_shown() -> None:
    events = list(demo_events(date(2020, 1, 31)))
    assert {event["facility"][:3] for event in events} == {"cgd", "net"}
    assert max(event["occurred_on"] for event in events) <= "2020-01-31"


def test_ntm_after_allogeneic_transplant_is_near_its_baseline(
    contributions: Callable[..., list[Contributions]],
) -> None:
    """Cinicola 2024: 1.26% (0.72 to 1.93) of recipients; ours not above the upper end."""
    counted = contributions(demo_network(TODAY).events())
    recipients = sum(
        segment.risk_set == ENTERED and segment.stratum.transplant_type == "allo_hsct"
        for patient in counted
        for segment in patient.segments
    )
    with_ntm = sum(
        episode.counted
        and episode.stratum is not None
        and episode.stratum.transplant_type == "allo_hsct"
        and episode.infection_type == "ntm"
        and episode.first_of_type
        and episode.status != "colonisation"
        for patient in counted
        for episode in patient.episodes
    )
    assert recipients > 150
    assert 1 <= with_ntm <= 0.0193 * recipients
