"""Spans arrive at a collector, below the caller's, and hold nothing of a patient."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.journeys.conftest import Start
from tests.journeys.watched import injected, send

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PATIENT = "p-jane-doe"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Something that takes spans, and the bodies that came."""
    came: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            server.shutdown()
            thread.join()


def spans(bodies: list[bytes]) -> Iterator[Span]:
    for body in bodies:
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (name,) = (
                one.value.string_value
                for one in of_resource.resource.attributes
                if one.key == "service.name"
            )
            assert name == "graftwatch"
            for scope in of_resource.scope_spans:
                yield from scope.spans


def test_every_request_is_a_span_and_none_names_a_patient(
    start_service: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, came):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")  # its own spans tell paths
        with start_service() as service, service.client(service.key()) as client:
            send(client, injected("ucd-01", PATIENT, "2024-03-01"))
            address = f"/v1/facilities/ucd-01/patients/{PATIENT}"
            header = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            assert client.get(address, params={"x": PATIENT}, headers=header).status_code == 200
            assert client.get(address).status_code == 200
            httpx.get(f"{service.base_url}/{PATIENT}", headers={"traceparent": PATIENT})
    found = list(spans(came))
    route = "/v1/facilities/{facility}/patients/{patient}"
    names = {span.name for span in found}
    assert {"POST /v1/events", f"GET {route}", "GET unmatched"} <= names
    assert not any("health" in name for name in names)
    (called,) = (span for span in found if span.parent_span_id == bytes.fromhex(PARENT))
    assert called.trace_id == bytes.fromhex(TRACE)
    told = {one.key: one.value for one in called.attributes}
    assert told["http.route"].string_value == route
    assert told["http.response.status_code"].int_value == 200
    assert called.end_time_unix_nano > called.start_time_unix_nano
    assert PATIENT.encode() not in b"".join(came)
    assert service.log_file.read_text().count("Traceback") == 0
