"""Which days a first episode takes out of the time at risk that a baseline is held against."""

import pytest

from service.monitors.questions import Question
from service.reference.baselines import Baseline, Numerator, Source

VIRAL = ("viral",)


def out_of(numerator: Numerator, **fields: object) -> str | None:
    baseline = Baseline(
        id="b",
        version=1,
        title="Viral infection",
        measure="rate",
        value=0.02,
        printed="",
        verified=True,
        source=Source(title="Paper"),
        numerator=numerator,
        **fields,
    )
    return next((name for name, sign in Question(baseline).risk_sets.items() if sign < 0), None)


@pytest.mark.parametrize(
    ("numerator", "risk_set"),
    [
        (Numerator(), "not_at_risk_first:any"),
        (Numerator(infection_type=VIRAL), "not_at_risk_first:viral"),
        (
            Numerator(infection_type=VIRAL, status=("colonisation",)),
            "not_at_risk_first:viral:colonisation",
        ),
        # The ledger has no time at risk of these: all follow-up stands in the denominator, more is
        # expected than should be, and an excess is signalled later rather than too early.
        (Numerator(infection_type=("viral", "fungal")), None),
        (Numerator(infection_type=VIRAL, organism=("Cytomegalovirus",)), None),
        (Numerator(infection_type=VIRAL, status=("disease", "infection", "colonisation")), None),
        (Numerator(status=("colonisation",)), None),
        (Numerator(infection_type=("ntm",)), None),
    ],
    ids=str,
)
def test_what_a_first_episode_takes_out(numerator, risk_set):
    assert out_of(numerator) == risk_set


def test_where_all_episodes_count_nothing_is_taken_out():
    assert out_of(Numerator(infection_type=VIRAL), episodes="all") is None
