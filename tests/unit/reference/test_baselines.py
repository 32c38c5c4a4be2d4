import doctest

import msgspec
import pytest

from service.reference import baseline_laws
from service.reference.baseline_laws import faults
from service.reference.baselines import Baseline, Numerator, Population, shipped_baselines

BY_ID = {baseline.id: baseline for baseline in shipped_baselines()}
ADULTS = ("18-39", "40-59", "60+")
NTM = Numerator(infection_type=("ntm",))


def test_the_worked_examples_hold():
    assert doctest.testmod(baseline_laws).failed == 0


def test_the_letters_own_numbers_come_first():
    assert [baseline.id for baseline in shipped_baselines()[:5]] == [
        "cinicola-ntm-allo",
        "cinicola-share-adults",
        "cinicola-share-lung",
        "calm-early-bacterial",
        "mmwr-mabs-mexico",
    ]


def test_the_ntm_figure_is_a_pooled_proportion_of_recipients_and_watched():
    baseline = BY_ID["cinicola-ntm-allo"]
    assert (baseline.measure, baseline.value) == ("proportion", 0.0126)
    assert (baseline.ci_lower, baseline.ci_upper) == (0.0072, 0.0193)
    assert baseline.printed == "1.26% (0.72–1.93)"
    assert (baseline.denominator, baseline.denominator_unit) == (15798, "recipients")
    assert (baseline.horizon_days, baseline.numerator) == (None, NTM)
    assert baseline.population.transplant_type == ("allo_hsct",)
    assert baseline.source.doi == "10.1007/s10875-023-01615-3"
    assert baseline.verified
    assert baseline.monitored


def test_adults_and_lungs_are_shares_of_its_175_cases():
    adults, lung = BY_ID["cinicola-share-adults"], BY_ID["cinicola-share-lung"]
    assert (adults.measure, adults.value, adults.cases) == ("share", 0.829, 145)
    assert (lung.measure, lung.value, lung.cases) == ("share", 0.44, 77)
    assert adults.denominator == lung.denominator == 175
    assert adults.among == lung.among == NTM
    assert adults.numerator == Numerator(infection_type=("ntm",), age_group=ADULTS)
    assert lung.numerator == Numerator(infection_type=("ntm",), site_class=("pulmonary",))


def test_the_early_bacterial_rate_has_its_caveat_and_no_monitor():
    """Days 0-100 over all follow-up: over days 0-100 it would contradict the paper's own 45.7%."""
    baseline = BY_ID["calm-early-bacterial"]
    assert (baseline.measure, baseline.value) == ("rate", 0.065)
    assert baseline.numerator == Numerator(infection_type=("bacterial",), phase=("0-30", "31-100"))
    assert baseline.denominator_phase == ()
    assert "multiple myeloma" in baseline.population.indication
    assert (baseline.verified, baseline.monitored) == (False, False)
    assert "45.7%" in baseline.caveat


def test_the_three_city_cluster_has_no_denominator():
    baseline = BY_ID["mmwr-mabs-mexico"]
    assert (baseline.measure, baseline.value, baseline.cases) == ("cluster", None, 3)
    assert baseline.denominator is None
    assert not baseline.comparable


def test_isolation_of_ntm_is_never_watched_and_disease_is():
    isolation, disease = BY_ID["ntm-lung-isolation"], BY_ID["ntm-lung-disease"]
    assert "colonisation" in isolation.numerator.status
    assert not isolation.monitored
    assert (disease.numerator.status, disease.monitored) == (("disease",), True)


def test_nothing_that_mixes_colonisation_or_was_not_read_is_watched():
    for baseline in shipped_baselines():
        if baseline.monitored:
            assert baseline.verified
            assert "colonisation" not in baseline.numerator.status


@pytest.mark.parametrize("baseline", shipped_baselines(), ids=lambda baseline: baseline.id)
def test_every_shipped_baseline_keeps_the_laws(baseline):
    assert faults(baseline) == []
    assert baseline.title
    assert baseline.printed
    assert baseline.monitored_reason
    assert baseline.source.title
    assert baseline.source.journal or baseline.source.pmid or baseline.source.cite
    assert baseline.verified or baseline.caveat


@pytest.mark.parametrize("baseline", shipped_baselines(), ids=lambda baseline: baseline.id)
def test_every_shipped_baseline_survives_json(baseline):
    assert msgspec.json.decode(msgspec.json.encode(baseline), type=Baseline) == baseline


@pytest.mark.parametrize(
    "baseline",
    [
        baseline
        for baseline in shipped_baselines()
        if baseline.cases is not None and baseline.denominator is not None
        if not (baseline.measure == "rate" and baseline.denominator_unit == "recipients")
    ],
    ids=lambda baseline: baseline.id,
)
def test_cases_over_denominator_is_the_printed_value(baseline):
    """Within half a percentage point: papers round, to whole percents at the coarsest."""
    assert baseline.cases / baseline.denominator == pytest.approx(baseline.value, abs=0.005)


def test_ids_are_unique():
    assert len(BY_ID) == len(shipped_baselines())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": 1.26}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": None}, "value"),
        ({"ci_upper": None}, "ci_lower"),
        ({"ci_lower": 0.013}, "ci_lower"),
        ({"ci_upper": 0.012}, "ci_upper"),
        ({"ci_level": 95.0}, "ci_level"),
        ({"version": 0}, "version"),
        ({"cases": -1}, "cases"),
        ({"denominator": 0.0}, "denominator"),
        ({"horizon_days": 100}, "horizon_days"),
        ({"measure": "cumulative_incidence", "horizon_days": 0}, "horizon_days"),
        ({"among": NTM}, "among"),
        ({"measure": "share"}, "among"),
        ({"measure": "cluster", "value": None}, "comparable"),
        ({"comparable": False}, "monitored"),
        ({"denominator_phase": ("0-100",)}, "denominator_phase"),
        ({"numerator": Numerator(infection_type=("mould",))}, "numerator.infection_type"),
        ({"numerator": Numerator(organism=("M. abscessus",))}, "numerator.organism"),
        ({"population": Population(transplant_type=("ASCT",))}, "population.transplant_type"),
        ({"population": Population(transplant_type=("b+a",))}, "population.transplant_type"),
        ({"population": Population(age_group=("adults",))}, "population.age_group"),
    ],
)
def test_a_broken_law_is_named_by_its_field(change, field):
    broken = msgspec.structs.replace(BY_ID["cinicola-ntm-allo"], **change)
    assert field in [fault.field for fault in faults(broken)]


def test_organs_of_one_day_are_a_population_of_their_own():
    assert BY_ID["pjp-kidney-wisconsin"].population.transplant_type == ("kidney", "kidney+pancreas")
