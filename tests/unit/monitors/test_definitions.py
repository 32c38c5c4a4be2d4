"""The shipped monitors, and definitions that contradict themselves."""

from typing import Any

import msgspec
import pytest

from service.monitors.definitions import MonitorDefinition, SentinelRule
from service.monitors.guarantees import guarantee_of
from service.monitors.settings import DetectorSettings, MaxsprtSettings
from service.monitors.shipped import CLUSTER_NTM, SENTINEL_NTM, shipped_monitors
from service.reference.baselines import shipped_baselines

BY_ID = {monitor.id: monitor for monitor in shipped_monitors(shipped_baselines())}


def test_one_monitor_for_each_baseline_that_can_be_watched_on_where_it_says_so() -> None:
    for baseline in shipped_baselines():
        monitor = BY_ID.get(f"excess-{baseline.id}")
        if monitor:
            assert monitor.baseline_id == baseline.id
            assert monitor.enabled is baseline.monitored
        else:
            not_composed = baseline.horizon_days not in (30, 100, 180, 365)
            assert baseline.measure in ("share", "cluster") or not_composed


def test_the_letters_own_monitors() -> None:
    ntm = BY_ID["excess-cinicola-ntm-allo"]
    assert ntm.title == "NTM infection after allogeneic HSCT above the published proportion"
    assert (ntm.enabled, ntm.scope, ntm.null, ntm.alpha) == (True, "both", "upper", 0.05)
    assert not BY_ID["excess-calm-early-bacterial"].enabled
    assert BY_ID["sentinel-ntm-cell-injection"] == SENTINEL_NTM
    assert BY_ID["cluster-ntm"] == CLUSTER_NTM


@pytest.mark.parametrize("monitor", BY_ID.values(), ids=BY_ID)
def test_every_monitor_survives_json_and_says_what_its_sources_advise(
    monitor: MonitorDefinition,
) -> None:
    assert msgspec.json.decode(msgspec.json.encode(monitor), type=MonitorDefinition) == monitor
    assert monitor.advice
    assert all(advice.text and advice.source for advice in monitor.advice)


def test_the_guarantee_follows_the_settings() -> None:
    ntm = BY_ID["excess-cinicola-ntm-allo"]
    assert guarantee_of(ntm).false_alarm_probability == 0.05
    assert "at most 5%" in guarantee_of(ntm).text
    stricter = msgspec.structs.replace(ntm, alpha=0.001, null="point")
    assert "at most 0.1%" in guarantee_of(stricter).text
    assert "published figure" in guarantee_of(stricter).text
    assert guarantee_of(SENTINEL_NTM).false_alarm_probability is None
    assert "our choice" in guarantee_of(SENTINEL_NTM).text


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "linkage"},
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"method": "cusum"},
        {"kind": "rise", "method": "cusum", "days_between_false_alarms": 0.5},
        {"kind": "rise", "method": "cusum", "days_between_false_alarms": -3650},
        {"kind": "rise", "method": "cusum", "settings": DetectorSettings()},
        {"method": "maxsprt", "settings": MaxsprtSettings(horizon=0.1, least_cases=4)},
        {"baseline_id": None},
        {"kind": "sentinel", "method": "sentinel", "scope": "facility"},
        {"kind": "sentinel", "method": "sentinel", "scope": "both", "sentinel": SentinelRule()},
    ],
    ids=str,
)
def test_definitions_that_contradict_themselves_are_refused(fields: dict[str, Any]) -> None:
    sound = {"id": "m", "title": "M", "kind": "excess", "method": "e_process", "baseline_id": "b"}
    MonitorDefinition(**sound)
    with pytest.raises(ValueError):
        MonitorDefinition(**(sound | fields))


def test_rules_that_contradict_themselves_are_refused_from_json_too() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"transplant_types": ["aeroplane"]}, SentinelRule)
