"""What Prometheus and Grafana are given: rules that hold, sections to them, metrics that exist.

In: deploy/ and docs/runbook.md. Out: nothing. Source: docs/operations.md, "Prometheus".
"""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.api.metrics import Metrics
from service.api.programme_metrics import rendered
from service.pipeline.programme import PlaceFigures, Programme

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOK = "docs/runbook.md"
TESTS = ("rules.test.yml", "rules.days.test.yml")
NAME = re.compile(r"\bgraftwatch[a-z0-9_:]*\b(?!\")")


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in document(PROMETHEUS / "rules.yml")["groups"] for rule in group["rules"]
    ]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def sections() -> list[str]:
    return re.findall(r"^## (.+)$", (ROOT / RUNBOOK).read_text(encoding="utf-8"), re.MULTILINE)


def told() -> set[str]:
    """Every name that `/metrics` may tell."""
    nothing = Programme({}, PlaceFigures(0, {}), 0, (), Counter(), Counter())
    text = (Metrics().told() + rendered(nothing)).decode()
    known = set()
    for family in text_string_to_metric_families(text):
        known |= {family.name, f"{family.name}_total"}
        known |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
    return known


def named_in(expression: str) -> set[str]:
    plain = re.sub(r'"[^"]*"', "", expression)
    return set(NAME.findall(plain))


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    assert sections() == list(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook_url"] == f"{RUNBOOK}#{name.lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_every_alert_is_raised_in_a_test() -> None:
    raised = {
        case["alertname"]
        for name in TESTS
        for test in document(PROMETHEUS / name)["tests"]
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    assert raised == set(alerts())


def test_rules_speak_of_metrics_that_are_told() -> None:
    known = told() | {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        assert named_in(rule["expr"]) <= known, rule


def panels() -> list[dict[str, Any]]:
    files = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
    boards = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert [board["uid"] for board in boards] == ["graftwatch-service", "graftwatch-surveillance"]
    return [panel for board in boards for panel in board["panels"]]


def test_dashboards_speak_of_what_is_told_and_recorded() -> None:
    known = told() | {rule["record"] for rule in rules() if "record" in rule}
    asked = [
        target["expr"] for panel in panels() for target in panel["targets"] if "expr" in target
    ]
    assert len(asked) > 15
    for expression in asked:
        assert named_in(expression) <= known, expression


def test_dashboards_ask_the_sources_that_are_provisioned() -> None:
    provisioned = document(ROOT / "deploy/grafana/provisioning/datasources/graftwatch.yml")[
        "datasources"
    ]
    known = {(source["type"], source["uid"]) for source in provisioned}
    for panel in panels():
        asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {(source["type"], source["uid"]) for source in asked} <= known


def test_compose_mounts_what_there_is() -> None:
    services = document(ROOT / "docker-compose.yml")["services"]
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    ]
    assert len(mounted) == 6
    assert all((ROOT / path).exists() for path in mounted)
    for service in services.values():
        assert all(port.startswith(("127.0.0.1:", "${")) for port in service.get("ports", ())) or (
            service["profiles"] == ["tls"]
        )


def test_amtool_agrees() -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool is not here: on Debian, apt-get install prometheus-alertmanager")
    file = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    done = subprocess.run([amtool, "check-config", file], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("words", [("check", "rules", "rules.yml"), ("test", "rules", *TESTS)])
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here: on Debian, apt-get install prometheus")
    done = subprocess.run([promtool, *words], cwd=PROMETHEUS, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
