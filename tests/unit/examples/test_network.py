"""The simulated network is the same for the same seed, and its true rates are found by counting."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice, pairwise
from math import sqrt
from typing import NamedTuple

import pytest

from service.domain.contributions import (
    FOLLOW_UP,
    Contributions,
    LedgerEpisode,
    Segment,
    not_at_risk_first,
    not_at_risk_repeat,
)
from service.examples.hazards import CAUSES, DAYS_PER_100_YEARS, PHASE_STARTS
from service.examples.network import Simulation, simulate
from service.examples.planted import LotOutbreak, RaisedRate
from service.reference import PHASES

Count = Callable[..., list[Contributions]]

START, END = date(2019, 1, 1), date(2024, 12, 31)
PHASE_START = dict(zip(PHASES, PHASE_STARTS, strict=True))


def small(seed: int = 1, patients: int = 60) -> Simulation:
    return simulate(seed, patients=patients, facilities=4, start=START, end=END)


def test_the_same_seed_gives_the_same_events_and_another_does_not() -> None:
    assert list(small().events()) == list(small().events())
    assert list(small().events()) != list(small(seed=2).events())


def test_any_patient_can_be_generated_alone_whatever_their_number() -> None:
    in_the_crowd = [event for event in small().events() if event["patient"] == "p0000041"]
    million = simulate(1, patients=1_000_000, facilities=4, start=START, end=END)
    assert in_the_crowd == small().patient_events(41) == million.patient_events(41)


def test_a_million_patients_begin_to_arrive_at_once() -> None:
    million = simulate(1, patients=1_000_000, facilities=4, start=START, end=END)
    assert len(list(islice(million.events(), 100))) == 100


def test_by_day_sent_the_same_events_come_in_another_order() -> None:
    by_patient = [(event["facility"], event["event_id"]) for event in small().events()]
    by_day = [(event["facility"], event["event_id"]) for event in small().events_by_day_sent()]
    assert sorted(by_patient) == sorted(by_day)
    assert by_patient != by_day


def test_everything_that_happens_in_a_registry_happens_here() -> None:
    events = list(small(patients=600).events())
    kinds = Counter(event["type"] for event in events)
    assert set(kinds) == {"transplant", "regimen", "infection", "follow_up", "outcome", "void"}
    outcomes = {event["outcome"] for event in events if event["type"] == "outcome"}
    assert outcomes >= {"death", "lost_to_follow_up", "transferred_out", "withdrawn", "gvhd"}
    assert any("replaces" in event for event in events)
    assert any("infections" in event for event in events)
    assert any("enrolled_on" in event for event in events)
    transplants = Counter(event["patient"] for event in events if event["type"] == "transplant")
    assert max(transplants.values()) == 2
    days = [event["occurred_on"] for event in events]
    assert days != sorted(days)


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"patients": -1}, {"facilities": 0}, {"end": date(2018, 12, 31)}],
)
def test_impossible_networks_are_refused(wrong: dict[str, int | date]) -> None:
    asked = {"seed": 1, "patients": 1, "facilities": 1, "start": START, "end": END} | wrong
    with pytest.raises(ValueError, match="seed and patients from 0"):
        simulate(asked.pop("seed"), **asked)


def test_an_empty_network_has_nothing_to_send() -> None:
    nothing = simulate(1, patients=0, facilities=1, start=START, end=END, outbreaks=())
    assert list(nothing.events()) == []


# --- The truth is found by counting --------------------------------------------------------------


class Cell(NamedTuple):
    """Cases observed and expected under the truth, in one cell."""

    observed: int
    expected: float

    @property
    def z(self) -> float:
        """Distance in standard deviations of a count."""
        return (self.observed - self.expected) / sqrt(self.expected)


RAISED = RaisedRate("net-02", date(2021, 7, 1), ratio=3.0, cause="bacterial")


@pytest.fixture(scope="module")
def network() -> Simulation:
    return simulate(
        11,
        patients=3000,
        facilities=3,
        start=START,
        end=END,
        raised=(RAISED, RaisedRate("net-02", date(2021, 7, 1), ratio=8.0)),
    )


@pytest.fixture(scope="module")
def counted(network: Simulation, contributions: Count) -> list[Contributions]:
    """The whole network counted, without the outbreak, which stands outside the model."""
    events = (event for event in network.events() if not event["patient"].startswith("lot"))
    return contributions(events)


def _regimen(stratum_regimen: str) -> tuple[str, ...]:
    return () if stratum_regimen == "none" else tuple(stratum_regimen.split("+"))


def _expected(network: Simulation, cause: str, segment: Segment) -> float:
    """Cases expected over the days of a segment, cut where a planted rate begins and at the end."""
    total = 0.0
    cuts = sorted({planted.from_date.toordinal() for planted in network.raised})
    start, end = segment.start_day, min(segment.end_day, network.end.toordinal())
    for cut in [*cuts, end + 1]:
        days = min(cut - 1, end) - start + 1
        if days <= 0:
            continue
        rate = network.truth.rate_per_100_person_years(
            cause,
            transplant_type=segment.stratum.transplant_type,
            days_since_index=PHASE_START[segment.stratum.phase],
            regimen=_regimen(segment.stratum.regimen),
            facility=segment.stratum.facility,
            on=date.fromordinal(start),
        )
        total += days * rate / DAYS_PER_100_YEARS
        start = max(start, cut)
    return total


def _cells(
    network: Simulation,
    counted: list[Contributions],
    cause: str,
    out: Callable[..., str],
    counts: Callable[[LedgerEpisode], bool],
    by: Callable[[Segment | LedgerEpisode], object],
) -> Iterator[Cell]:
    """Cases against person-days x truth, with the days of a risk set taken out."""
    infection_type, colonisation = cause.removesuffix("_colonisation"), "_" in cause
    taken_out = out(infection_type, colonisation=colonisation)
    observed: Counter[object] = Counter()
    expected: dict[object, float] = {}
    for patient in counted:
        for segment in patient.segments:
            sign = {FOLLOW_UP: 1, taken_out: -1}.get(segment.risk_set, 0)
            if sign:
                key = by(segment)
                expected[key] = expected.get(key, 0) + sign * _expected(network, cause, segment)
        for episode in patient.episodes:
            of_cause = (episode.infection_type, episode.status == "colonisation")
            if episode.counted and of_cause == (infection_type, colonisation) and counts(episode):
                observed[by(episode)] += 1
    assert set(observed) <= set(expected)
    for key, cases in expected.items():
        yield Cell(observed[key], cases)


FIRST = (not_at_risk_first, lambda episode: episode.first_of_type)
ALL_AT_RISK = (not_at_risk_repeat, lambda episode: True)


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize(("out", "counts"), [FIRST, ALL_AT_RISK], ids=["first", "all"])
def test_cases_over_person_days_give_the_true_rate(
    network: Simulation,
    counted: list[Contributions],
    cause: str,
    out: Callable[..., str],
    counts: Callable[[LedgerEpisode], bool],
) -> None:
    [whole] = _cells(network, counted, cause, out, counts, by=lambda item: "whole")
    assert whole.expected > 20
    assert abs(whole.z) < 3


@pytest.mark.parametrize("dimension", ["transplant_type", "phase", "regimen", "facility"])
def test_the_true_rate_holds_in_every_stratum(
    network: Simulation, counted: list[Contributions], dimension: str
) -> None:
    """The squared distances of n cells add up to about n (chi-square, 3 standard deviations)."""
    cells = [
        cell
        for cause in CAUSES
        for cell in _cells(
            network, counted, cause, *FIRST, by=lambda item: getattr(item.stratum, dimension)
        )
        if cell.expected >= 5
    ]
    assert len(cells) >= 12
    assert sum(cell.z**2 for cell in cells) < len(cells) + 3 * sqrt(2 * len(cells))


def test_a_raised_rate_is_raised_by_what_the_truth_says(
    network: Simulation, counted: list[Contributions]
) -> None:
    """Had the planted rates been left out of the expected number, the facility would stand out."""

    def by_facility(item: Segment | LedgerEpisode) -> str:
        return item.stratum.facility if item.stratum else ""

    unraised = simulate(11, patients=0, facilities=3, start=START, end=END, raised=())
    facilities = ("net-01", "net-02", "net-03")
    cells = dict(
        zip(facilities, _cells(unraised, counted, "ntm", *FIRST, by=by_facility), strict=True)
    )
    assert cells["net-02"].z > 5
    assert abs(cells["net-01"].z) < 3
    assert abs(cells["net-03"].z) < 3


# --- The planted outbreak ------------------------------------------------------------------------


def test_an_outbreak_links_its_cases_by_lot_and_clinic() -> None:
    outbreak = LotOutbreak(date(2023, 3, 1), recipients=6, cases=4, lot="L-9", clinic="clinic-z")
    network = simulate(
        3, patients=0, facilities=3, start=START, end=END, outbreaks=[outbreak], raised=()
    )
    events = list(network.events())
    injections = [event for event in events if event["type"] == "transplant"]
    assert len(injections) == 6
    assert {(e["product"]["lot"], e["performed_at"]) for e in injections} == {("L-9", "clinic-z")}
    assert len({event["facility"] for event in injections}) == 3

    [cluster] = network.truth.clusters
    replaced = {event.get("replaces") or event.get("voids") for event in events}
    standing = {
        (event["facility"], event["patient"], date.fromisoformat(event["occurred_on"]))
        for event in events
        if (event["type"] == "infection" or "infections" in event)
        and event["event_id"] not in replaced
    }
    assert standing == set(cluster.cases)
    assert len(cluster.cases) == 4
    onsets = [onset for _, _, onset in cluster.cases]
    assert all((b - a).days <= 365 for a, b in pairwise(onsets))


def test_an_outbreak_cannot_have_more_cases_than_recipients() -> None:
    with pytest.raises(ValueError, match="more cases than recipients"):
        LotOutbreak(START, recipients=2, cases=3)


def test_only_a_known_cause_can_be_raised() -> None:
    with pytest.raises(ValueError, match="cause must be one of"):
        RaisedRate("net-01", START, ratio=2.0, cause="plague")
