"""Every public statistic at the edges: no NaN, no overflow, no warning (warnings are errors here).

A new function of service/stats gets a row in CALLS, of calls at its edges; a test insists.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from importlib import import_module
from itertools import product
from math import isinf, isnan
from typing import Any

import numpy as np
import pytest

from service import stats
from service.stats import (
    completeness,
    conditional_binomial,
    conditional_maxsprt,
    confidence_sequence,
    cumulative_incidence,
    curve,
    cusum,
    direct_standardisation,
    e_bh,
    e_detector,
    e_process,
    empirical_bayes,
    funnel,
    g_chart,
    gray_test,
    interval,
    mantel_haenszel,
    maxsprt,
    mean_cumulative,
    p_values,
    person_time,
    poisson_limits,
    proportions,
    rate_ratios,
    rates,
    reporting_lag,
    scaled_gamma,
    share_shift,
    sir,
    step_grid,
    time_to_detect,
    time_to_detect_chain,
    time_to_detect_simulated,
    varying_cusum,
)

MILLION = 10**6
COUNTS = (0, 1, MILLION)
EXPECTED = (0.0, 1e-9, 0.5, 1e6)
LEVELS = (0.5, 0.95, 0.9999)
NO_DAYS = np.array([], dtype=np.int64)

Call = Callable[[], Any]


def calls(function: Callable[..., Any], *choices: Any, **named: Any) -> list[Call]:
    """The function with every combination of one choice for each of its arguments."""
    return [lambda args=args: function(*args, **named) for args in product(*choices)]


def methods(function: Callable[..., Any], names: Any, *choices: Any) -> list[Call]:
    return [call for name in names for call in calls(function, *choices, method=name)]


def detections(function: Callable[..., Any], *settings: Any) -> list[Call]:
    return [
        lambda per_day=per_day, ratio=ratio: function(
            *settings, expected_per_day=per_day, rate_ratio=ratio
        )
        for per_day, ratio in product((0.0, 1e-9, 0.5, 1e6), (2.0, 5.0))
    ]


# One patient censored at once, one infected; a thousand on one day; a cause nobody has.
ROWS = (
    ([], [], []),
    ([-1], [0], [0]),
    ([-1], [0], [1]),
    ([-1] * 1000, [0] * 1000, [1] * 1000),
    ([-1] * 1000, [5] * 1000, [1, 2] * 500),
    ([-1, MILLION], [MILLION, MILLION + 1], [2, 1]),
    ([-1, MILLION], [MILLION, MILLION + 1], [1, 1]),
)
# Nobody; one dead at once; a thousand infected and dead on one day; one infected a thousand times.
RECURRENT = (
    ([], [], [], [], [], []),
    ([-1], [0], [0], [True], [], []),
    ([-1] * 1000, [0] * 1000, range(1000), [True] * 1000, [0] * 1000, range(1000)),
    ([-1], [MILLION], [0], [False], [0] * 1000, [0] * 1000),
)
# An excess at once, none ever, and a million cases where a million were expected.
SERIES = (
    ([], []),
    ([0], [0.0]),
    ([0] * 5, [1e-9] * 5),
    ([1] + [0] * 4, [0.0] + [0.5] * 4),
    ([MILLION] * 3, [1e6] * 3),
)
FACILITIES = (
    ([], []),
    ([0], [0.0]),
    ([0, 0, 0], [0.5, 0.5, 0.5]),
    ([1], [0.5]),
    ([0, MILLION, 3], [1e6, 1e6, 3.0]),
)
STRATA = [
    [rate_ratios.Counts(a, t, b, u)]
    for a, t, b, u in product(COUNTS, (0.0, 1e-9, 1e6), COUNTS, (0.0, 1e6))
    if (t or not a) and (u or not b)
]
PLAN = maxsprt.MaxsprtPlan(horizon=0.5)
PAST = conditional_maxsprt.ConditionalPlan(past_cases=1, most_cases=5)

CALLS: Mapping[Callable[..., Any], list[Call]] = {
    completeness.completeness: calls(completeness.completeness, (0,), (0, 1, MILLION)),
    conditional_binomial.at_least: calls(
        conditional_binomial.at_least, COUNTS, (MILLION,), (1e-9, 1.0, 1e9)
    ),
    conditional_binomial.at_most: calls(
        conditional_binomial.at_most, COUNTS, (MILLION,), (1e-9, 1.0, 1e9)
    ),
    conditional_binomial.log_probability: calls(
        conditional_binomial.log_probability, COUNTS, (MILLION,), (1e-9, 1.0, 1e9)
    ),
    conditional_binomial.no_likelier: calls(
        conditional_binomial.no_likelier, COUNTS, (MILLION,), (1e-9, 1.0, 1e9)
    ),
    conditional_binomial.exact_odds: calls(conditional_binomial.exact_odds, COUNTS, COUNTS, LEVELS),
    conditional_binomial.midp_odds: calls(conditional_binomial.midp_odds, COUNTS, COUNTS, LEVELS),
    conditional_maxsprt.conditional_log_likelihood_ratio: calls(
        conditional_maxsprt.conditional_log_likelihood_ratio, COUNTS, (1, MILLION), (1e-9, 1.0, 1e6)
    ),
    conditional_maxsprt.latest_signal_ratio: calls(
        conditional_maxsprt.latest_signal_ratio, (1, 1000), (1, MILLION), (0.01, 20.0)
    ),
    conditional_maxsprt.conditional_power: calls(
        conditional_maxsprt.conditional_power, (PAST,), (0.01, 3.0, 50.0)
    ),
    conditional_maxsprt.conditional_critical_value: calls(
        conditional_maxsprt.conditional_critical_value, (PAST,), (0.05, 0.001)
    ),
    confidence_sequence.log_evidence_against: calls(
        confidence_sequence.log_evidence_against, (1e-9, 1.0, 1e6), COUNTS, (0.0, 1e-9, 1e6)
    ),
    confidence_sequence.anytime_rate_interval: calls(
        confidence_sequence.anytime_rate_interval, COUNTS, (1 / 365.25, 1e6)
    )
    + calls(confidence_sequence.anytime_rate_interval, (0,), (0.0,)),
    cumulative_incidence.cumulative_incidence: [
        lambda rows=rows, limits=limits, form=form: cumulative_incidence.cumulative_incidence(
            *rows, interval=limits, variance=form
        )
        for rows, limits, form in product(ROWS, ("loglog", "log", "plain"), ("aalen", "gray"))
    ],
    cumulative_incidence.checked_rows: [
        lambda rows=rows: cumulative_incidence.checked_rows(*rows) for rows in ROWS
    ],
    curve.number_or_none: calls(curve.number_or_none, (float("nan"), 0.0)),
    cusum.run_length: calls(cusum.run_length, (1.0, 5.0), (0.1,), (0.001, 0.05)),
    cusum.cusum_design: calls(cusum.cusum_design, (0.05, 0.5, 20.0), (2.0,), (3650.0,)),
    cusum.cusum_path: calls(cusum.cusum_path, ([], [0], [MILLION] * 3), (0.0, 1e6), (1e-9, 5.0)),
    direct_standardisation.direct_rate: [
        lambda cases=cases, time=time: direct_standardisation.direct_rate(
            [cases, cases], [time, 1.0], [1.0, 1e6]
        )
        for cases, time in product(COUNTS, (1e-9, 1e6))
    ]
    + [lambda: direct_standardisation.direct_rate([0, 1], [0.0, 1.0], [1.0, 1.0])],
    e_bh.standing: calls(e_bh.standing, ([], [0.0], [-1e6, 1e6])),
    e_detector.log_step: [
        lambda path=path: e_detector.log_step(
            np.full(len(e_detector.RATE_RATIOS), -np.inf), path[0], path[1]
        )
        for path in ((0, 0.0), (1, 1e-9), (MILLION, 1e6))
    ],
    e_detector.log_mean: calls(e_detector.log_mean, (np.array([0.0, 1e6]),)),
    e_detector.rise_path: [lambda s=s: e_detector.rise_path(*s) for s in SERIES],
    e_detector.first_rise: [
        lambda s=s: e_detector.first_rise(e_detector.rise_path(*s)) for s in SERIES
    ],
    e_process.log_e_value: calls(e_process.log_e_value, COUNTS, (0.0, 1e-9, 0.5, 1e6)),
    e_process.excess_path: [
        lambda s=s: e_process.excess_path(
            np.arange(len(s[0])), np.cumsum(np.array(s[0], dtype=np.int64)), np.cumsum(s[1])
        )
        for s in SERIES
    ],
    e_process.first_crossing: [
        lambda: e_process.first_crossing(
            e_process.excess_path(np.arange(1), np.array([MILLION]), np.array([0.5])), 3.0
        )
    ],
    empirical_bayes.prior: [lambda f=f: empirical_bayes.prior(*f) for f in FACILITIES],
    empirical_bayes.posterior: [
        lambda f=f, o=o, e=e: empirical_bayes.posterior(o, e, empirical_bayes.prior(*f))
        for f, o, e in product(FACILITIES, COUNTS, (1e-9, 0.5, 1e6))
    ],
    empirical_bayes.log_likelihood: [
        lambda d=d: empirical_bayes.log_likelihood(
            d, 1.0, np.array([0.0, 1e6]), np.array([0.5, 1e6])
        )
        for d in (1e-9, 1.0, 1e6)
    ],
    funnel.control_limits: calls(funnel.control_limits, (1e-9, 0.5, 1e6), LEVELS),
    funnel.position: calls(funnel.position, COUNTS, (1e-9, 0.5, 1e6)),
    funnel.expected_grid: calls(funnel.expected_grid, ([], [0.5], [1e-9, 1e6])),
    funnel.overdispersion: [lambda f=f: funnel.overdispersion(*f) for f in FACILITIES],
    g_chart.expected_gap_limits: calls(g_chart.expected_gap_limits, (1e-9, 0.001, 0.1)),
    g_chart.day_gap_limits: calls(g_chart.day_gap_limits, (0.0, 1e-9, 0.5, 1e6)),
    gray_test.gray_test: [
        lambda rows=rows, group=group: gray_test.gray_test(*rows, group[: len(rows[0])])
        for rows, group in product(ROWS, ([0] * 1000, [0, 1] * 500, [0] * 500 + [1] * 500))
    ],
    interval.tail_of: calls(interval.tail_of, LEVELS),
    interval.normal_deviate: calls(interval.normal_deviate, LEVELS),
    mantel_haenszel.mantel_haenszel: calls(mantel_haenszel.mantel_haenszel, [[], *STRATA])
    + [lambda s=s: mantel_haenszel.mantel_haenszel(s * 3) for s in STRATA],
    maxsprt.log_likelihood_ratio: calls(maxsprt.log_likelihood_ratio, COUNTS, EXPECTED[1:]),
    maxsprt.latest_signal: calls(maxsprt.latest_signal, (1, MILLION), (0.01, 50.0)),
    maxsprt.maxsprt_alpha: calls(maxsprt.maxsprt_alpha, (PLAN,), (0.01, 50.0)),
    maxsprt.maxsprt_performance: calls(
        maxsprt.maxsprt_performance, (PLAN,), (0.5, 50.0), rate_ratio=2.0
    ),
    maxsprt.maxsprt_critical_value: calls(maxsprt.maxsprt_critical_value, (PLAN,), (0.05, 0.001)),
    mean_cumulative.mean_cumulative_function: [
        lambda rows=rows, how=how: mean_cumulative.mean_cumulative_function(
            mean_cumulative.RecurrentRows(*rows), estimator=how
        ).at(5)
        for rows, how in product(RECURRENT, ("ghosh_lin", "nelson_aalen"))
    ],
    p_values.poisson_p_value: calls(
        p_values.poisson_p_value,
        COUNTS,
        EXPECTED,
        ("midp", "central", "minlike", "byar", "greater", "less"),
    ),
    person_time.person_days: calls(
        person_time.person_days, (NO_DAYS, np.array([MILLION])), (np.array([1]),), (0,), (0, -1)
    )[2:],
    person_time.window_person_days: [
        lambda: person_time.window_person_days(NO_DAYS, NO_DAYS, np.array([0]), np.array([9]))
    ],
    poisson_limits.byar_limits: calls(poisson_limits.byar_limits, COUNTS, (0.67, 1.96, 5.0)),
    proportions.proportion_interval: [
        call
        for name in ("exact", "wilson", "jeffreys")
        for call in calls(proportions.proportion_interval, (0, 1), (1, MILLION), (name,), LEVELS)
        + calls(proportions.proportion_interval, (0,), (0,), (name,), LEVELS)
    ],
    rate_ratios.rate_ratio: [
        lambda c=c, m=m: rate_ratios.rate_ratio(c[0], method=m)
        for c, m in product(STRATA, ("exact", "midp"))
    ],
    rates.poisson_interval: calls(
        rates.poisson_interval, COUNTS, ("exact", "midp", "byar"), LEVELS
    ),
    rates.rate_estimate: methods(
        rates.rate_estimate, ("exact", "midp", "byar"), COUNTS, (1, MILLION)
    )
    + methods(rates.rate_estimate, ("exact", "midp", "byar"), (0,), (0,)),
    reporting_lag.lag_distribution: [
        lambda n=n, limit=limit: reporting_lag.lag_distribution([0] * n, [limit] * n)
        for n, limit in product((0, 1, 1000), (0, MILLION))
    ],
    scaled_gamma.log_scaled_upper_gamma: calls(
        scaled_gamma.log_scaled_upper_gamma, (1.0, 1e6), (1e-9, 0.5, 1e6)
    ),
    share_shift.log_share_e_value: calls(
        share_shift.log_share_e_value, COUNTS, (MILLION,), (1e-9, 0.5, 1 - 1e-9)
    ),
    share_shift.share_path: calls(share_shift.share_path, ([], [0], [MILLION]), ([],), (0.5,))[:1]
    + calls(share_shift.share_path, ([0], [MILLION]), ([MILLION],), (0.5,)),
    sir.nhsn_2011_interval: calls(sir.nhsn_2011_interval, COUNTS),
    sir.observed_expected: methods(sir.observed_expected, sir.RULES, COUNTS, EXPECTED),
    time_to_detect.e_process: detections(time_to_detect.e_process, 0.05),
    time_to_detect.maxsprt: detections(time_to_detect.maxsprt, PLAN, 2.0),
    time_to_detect.conditional_maxsprt: detections(time_to_detect.conditional_maxsprt, PAST, 2.0),
    time_to_detect.e_detector: detections(time_to_detect.e_detector, 3650.0),
    time_to_detect.cusum: detections(time_to_detect.cusum, 3650.0),
    time_to_detect_chain.crossing: [
        lambda day=day: time_to_detect_chain.crossing(np.array([day]), 1, 1e-9, last_look=day)
        for day in (0, 1, MILLION)
    ],
    step_grid.month_of: calls(
        step_grid.month_of, (NO_DAYS, np.array([1]), np.array([date.max.toordinal()]))
    ),
    time_to_detect_simulated.watch: [
        lambda mean=mean: time_to_detect_simulated.watch(
            time_to_detect_simulated.Cusum(0.01, 0.5),
            mean,
            np.random.default_rng(1),
            state=np.zeros(3),
            last_day=10,
        )
        for mean in (1e-9, 100.0)
    ],
    varying_cusum.cusum_threshold: calls(
        varying_cusum.cusum_threshold, (0.0, 1e-9, 1.0), (2.0,), (3650.0,)
    ),
    varying_cusum.varying_cusum: [lambda s=s: varying_cusum.varying_cusum(*s) for s in SERIES],
}

ENDLESS = {
    cusum.run_length,
    e_detector.log_step,
    e_detector.rise_path,
    e_process.log_e_value,
    e_process.excess_path,
    confidence_sequence.log_evidence_against,
    conditional_maxsprt.conditional_log_likelihood_ratio,
    time_to_detect_simulated.watch,
}
"""May be infinite, as their docstrings say: logarithms of evidence that is nil or beyond doubt, and
the days to a signal that never comes."""

WITHOUT_LIMITS = {cumulative_incidence.cumulative_incidence}
"""Its arrays hold NaN where the transformation has no limit; `at` turns it into None."""


def numbers(answer: Any) -> Iterator[float]:
    """Every number in an answer, however deep."""
    if isinstance(answer, np.ndarray):
        yield from (float(value) for value in answer.ravel())
    elif is_dataclass(answer):
        yield from numbers([getattr(answer, field.name) for field in fields(answer)])
    elif isinstance(answer, tuple | list):
        for part in answer:
            yield from numbers(part)
    elif answer is not None and not isinstance(answer, str):
        yield float(answer)


def public_functions() -> set[Callable[..., Any]]:
    names = [f"service.stats.{module.name}" for module in pkgutil.iter_modules(stats.__path__)]
    return {
        value
        for name in names
        for key, value in vars(import_module(name)).items()
        if not key.startswith("_") and inspect.isfunction(value) and value.__module__ == name
    }


def test_every_public_statistic_is_tried_at_its_edges() -> None:
    missing = public_functions() - set(CALLS)
    assert not missing, f"give a row in CALLS to {sorted(each.__qualname__ for each in missing)}"


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_the_edges_have_answers_in_numbers(function: Callable[..., Any]) -> None:
    for call in CALLS[function]:
        found = list(numbers(call()))
        assert function in WITHOUT_LIMITS or not any(map(isnan, found)), call.__defaults__
        assert function in ENDLESS or not any(map(isinf, found)), call.__defaults__


def test_a_curve_at_a_horizon_has_no_nan() -> None:
    for rows, day in product(ROWS, (0, 5, MILLION + 2)):
        found = list(numbers(cumulative_incidence.cumulative_incidence(*rows).at(day)))
        assert not any(isnan(value) or isinf(value) for value in found)
