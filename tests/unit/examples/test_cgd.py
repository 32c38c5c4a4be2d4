"""The cgd trial must count in Graftwatch as it counts in R survival.

Outside numbers: survival::pyears and Epi on data set cgd, 37,477 days and 76 infections, placebo
18,524 and 56, interferon gamma 18,953 and 20; 44 of 128 patients had at least one (30 and 14).
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date

from service.domain.contributions import FOLLOW_UP, Contributions
from service.domain.rules import FollowUpRules
from service.examples.cgd import CASE_DEFINITIONS_FILE, cgd_events
from service.reference.case_definitions import read_rows, shipped_case_definitions

Count = Callable[..., list[Contributions]]

PLACEBO, INTERFERON = "CGD: placebo", "CGD: rIFN-g"


def test_the_sums_of_the_events_are_those_of_the_trial() -> None:
    events = list(cgd_events())
    assert Counter(event["type"] for event in events) == {
        "transplant": 128,
        "infection": 76,
        "outcome": 128,
    }
    assert len({event["facility"] for event in events}) == 13

    arm, begun, person_days, infections = {}, {}, Counter(), Counter()
    for event in events:
        patient, day = event["patient"], date.fromisoformat(event["occurred_on"])
        if event["type"] == "transplant":
            arm[patient] = event["indication"]
            begun[patient] = date.fromisoformat(event["enrolled_on"])
            assert (begun[patient] - day).days == 1
        elif event["type"] == "outcome":
            person_days[arm[patient]] += (day - begun[patient]).days + 1
        else:
            assert day >= begun[patient]
            infections[arm[patient]] += 1
    assert person_days == {PLACEBO: 18524, INTERFERON: 18953}
    assert infections == {PLACEBO: 56, INTERFERON: 20}


def _person_days(counted: list[Contributions]) -> Counter[str]:
    days: Counter[str] = Counter()
    for patient in counted:
        for segment in patient.segments:
            if segment.risk_set == FOLLOW_UP:
                days[segment.stratum.indication] += segment.end_day - segment.start_day + 1
    return days


def _episodes(counted: list[Contributions], *, first: bool = False) -> Counter[str]:
    return Counter(
        episode.stratum.indication
        for patient in counted
        for episode in patient.episodes
        if episode.stratum is not None and (episode.first_of_type or not first)
    )


def test_the_time_at_risk_is_tstop_minus_tstart(contributions: Count) -> None:
    assert _person_days(contributions(cgd_events())) == {PLACEBO: 18524, INTERFERON: 18953}


def test_every_first_infection_counts(contributions: Count) -> None:
    counted = contributions(cgd_events())
    assert _episodes(counted, first=True) == {PLACEBO: 30, INTERFERON: 14}


def test_an_infection_on_the_last_day_of_follow_up_counts(contributions: Count) -> None:
    """cgd-087: randomised 3 Nov 1989, infected and out of the trial on 5 Sep 1990."""
    chart = [event for event in cgd_events() if event["patient"] == "cgd-087"]
    assert chart[-2]["occurred_on"] == chart[-1]["occurred_on"] == "1990-09-05"
    counted = contributions(chart)
    assert _episodes(counted).total() == 2


def test_the_shipped_definition_makes_one_episode_of_what_comes_within_14_days(
    contributions: Count,
) -> None:
    """Seven infections follow another within 2 to 13 days, all of them on placebo."""
    assert _episodes(contributions(cgd_events())) == {PLACEBO: 49, INTERFERON: 20}


def test_under_the_trials_own_definition_all_76_infections_count(contributions: Count) -> None:
    own = shipped_case_definitions().replaced_by(read_rows(CASE_DEFINITIONS_FILE.read_bytes()))
    counted = contributions(cgd_events(), FollowUpRules(case_definitions=own))
    assert _episodes(counted) == {PLACEBO: 56, INTERFERON: 20}


def test_the_seven_are_the_ones_the_documentation_names() -> None:
    dates: dict[str, list[date]] = defaultdict(list)
    for event in cgd_events():
        if event["type"] == "infection":
            dates[event["patient"]].append(date.fromisoformat(event["occurred_on"]))
    merged = []
    for patient, days in dates.items():
        onset = days[0]
        for day in days[1:]:
            if (day - onset).days < 14:
                merged.append((patient, day.isoformat()))
            else:
                onset = day
    assert merged == [
        ("cgd-002", "1990-02-11"),
        ("cgd-005", "1990-03-18"),
        ("cgd-014", "1990-04-12"),
        ("cgd-014", "1990-04-16"),
        ("cgd-052", "1989-11-18"),
        ("cgd-053", "1990-05-22"),
        ("cgd-119", "1990-01-15"),
    ]
