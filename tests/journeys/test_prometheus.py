"""A real Prometheus asks a running service, under the configuration and the rules that are shipped.

Only addresses, the pace and the place of the key are this machine's.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.journeys.conftest import Start, stop
from tests.journeys.watched import injected, send

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"
PATIENCE_SECONDS = 60


def shipped(target: str, key_file: Path) -> dict[str, Any]:
    """The shipped configuration, with this machine's addresses."""
    found = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = found["scrape_configs"]
    assert job["authorization"] == {"credentials_file": "/run/secrets/metrics_key"}
    job["authorization"]["credentials_file"] = str(key_file)
    job["static_configs"] = [{"targets": [target]}]
    found["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
    found["rule_files"] = [str(DEPLOY / "rules.yml")]
    del found["alerting"]
    return found


@contextmanager
def prometheus(home: Path, target: str, key_file: Path) -> Iterator[httpx.Client]:
    """Prometheus, running, and whoever asks it."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not here: on Debian, apt-get install prometheus")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    file = home / "prometheus.yml"
    file.write_text(yaml.safe_dump(shipped(target, key_file)), encoding="utf-8")
    words = [f"--config.file={file}", f"--storage.tsdb.path={home}/data"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *words, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            yield client
    finally:
        stop(process)


def wait_for(client: httpx.Client, expression: str, wanted: dict[str, float]) -> None:
    """Return once the expression has these values, each told by one label's value."""
    end, found = time.monotonic() + PATIENCE_SECONDS, None
    while found != wanted:
        assert time.monotonic() < end, (expression, found)
        time.sleep(0.2)
        try:
            answer = client.get("/api/v1/query", params={"query": expression}).json()
        except (httpx.TransportError, ValueError):
            continue  # it is still starting
        found = {
            ",".join(one["metric"].values()): float(one["value"][1])
            for one in answer.get("data", {}).get("result", ())
        }


def test_it_keeps_what_its_key_may_see(start_service: Start, tmp_path: Path) -> None:
    key_file = tmp_path / "metrics_key"
    key_file.touch()  # as `make secrets` leaves it
    with start_service() as service, service.client(service.key()) as client:
        send(client, injected("ucd-01", "p1", "2024-03-01"))
        target = service.base_url.removeprefix("http://")
        with prometheus(tmp_path, target, key_file) as asked:
            wait_for(asked, "max(up)", {"": 1})
            wait_for(asked, "max(graftwatch_programme_told)", {"": 0})
            wait_for(asked, "graftwatch_cases", {})
            key_file.write_text(service.key("rates:read", "patients:read") + "\n", encoding="utf-8")
            wait_for(asked, "max(graftwatch_programme_told)", {"": 1})
            cases = 'sum by (facility) (graftwatch_facility_cases{infection_type="ntm"})'
            wait_for(asked, cases, {"ucd-01": 1})
            recorded = "count(graftwatch:facility_cases_per_1000_person_years) > bool 0"
            wait_for(asked, recorded, {"": 1})
            wait_for(asked, "max(ALERTS) or vector(-1)", {"": -1})
