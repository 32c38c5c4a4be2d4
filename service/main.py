"""Wire the service: the one place where the parts meet.

In:     `Settings`.
Out:    a FastAPI application that opens the database when it starts and closes it when it ends.
Source: CONTRIBUTING.md: nothing happens at import.
"""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool

from service import __version__
from service.api import (
    alerts,
    audit,
    baselines,
    comparisons,
    deliveries,
    dhis2,
    documentation,
    error_budget,
    events,
    fhir,
    fhir_capability,
    fhir_issues,
    fhir_measures,
    follow_up,
    funnel,
    health,
    hl7,
    import_mappings,
    imports,
    incidence,
    mean_cumulative,
    monitors,
    moves,
    patients,
    rate_ratios,
    rates,
    recipients,
    repeat_windows,
    replays,
    smart_configuration,
    standardised_rates,
    state,
    terms,
    tokens,
)
from service.api.access import holder_of
from service.api.addresses import RefuseNul
from service.api.body_limit import BodyLimit
from service.api.dhis2_mapping import Dhis2Mapping, read_dhis2_mapping
from service.api.etags import ETags
from service.api.fhir_errors import OperationOutcomes
from service.api.head import HeadAsGet
from service.api.last_resort import LastResort
from service.api.metrics import Metrics
from service.api.openapi import describe
from service.api.own_reach import OwnReach
from service.api.problems import report_problems
from service.api.programme_metrics import ProgrammeMetrics
from service.api.published_keys import PublishedKeys
from service.api.rate_limits import RateLimits, TellRateLimits
from service.api.request_bodies import is_line_stream
from service.api.request_ends import Ended, TellEnds
from service.api.request_log import log_request
from service.api.secure_headers import SecureHeaders
from service.api.shared_looks import SharedLooks
from service.api.state import Running
from service.api.tracing import Tracing, is_wanted
from service.channels.ways import Ways
from service.dashboard import pages
from service.ingest.toml_tables import BadMapping, text_of
from service.pipeline.comparisons import read_ahead
from service.pipeline.gathering import Gathering
from service.pipeline.import_queue import ImportQueue
from service.pipeline.opening import open_surveillance, require_ready
from service.pipeline.sender import Sender
from service.sending import pace_of, sending, setup_of
from service.settings import Settings, SettingsError
from service.store.key_uses import KeyUses
from service.store.sightings import Sightings

ROUTERS: tuple[APIRouter, ...] = (
    events.router,
    smart_configuration.router,
    tokens.router,
    fhir_capability.router,
    fhir_issues.router,
    fhir_measures.router,
    fhir.router,
    patients.router,
    moves.router,
    rates.router,
    repeat_windows.router,
    standardised_rates.router,
    rate_ratios.router,
    follow_up.router,
    incidence.router,
    mean_cumulative.router,
    funnel.router,
    baselines.router,
    comparisons.router,
    monitors.router,
    replays.router,
    error_budget.router,
    alerts.router,
    terms.router,
    dhis2.router,
    recipients.router,
    deliveries.router,
    hl7.router,
    import_mappings.router,
    imports.router,
    audit.router,
    health.router,
    documentation.router,
    pages.router,
)

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own would tell paths, parameters and the words of exceptions: of patients, too."""


def create_app(settings: Settings) -> FastAPI:
    """The service under these settings; nothing is opened before it starts."""
    metrics = Metrics()
    tracing = Tracing(os.environ) if is_wanted(os.environ) else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        surveillance = open_surveillance(settings)
        try:
            dhis2_mapping = dhis2_mapping_of(settings)
            await run_in_threadpool(require_ready, surveillance)
            surveillance.database.keep_sums(partial(read_ahead, surveillance))
            with (
                closing(
                    Gathering(surveillance, most_waiting=settings.max_waiting_events)
                ) as gathering,
                closing(KeyUses(surveillance.database)) as key_uses,
                closing(Sightings(surveillance.database, surveillance.clock)) as sightings,
                closing(
                    ImportQueue(surveillance, batch_size=settings.ingest_batch_size)
                ) as import_queue,
            ):
                ways = Ways(setup_of(settings))
                running = Running(
                    settings,
                    surveillance,
                    metrics,
                    gathering,
                    SharedLooks(
                        partial(holder_of, surveillance, key_uses, settings.small_cells_below)
                    ),
                    key_uses,
                    RateLimits(settings.requests_per_minute),
                    sightings,
                    import_queue,
                    dhis2_mapping,
                    ways,
                    ProgrammeMetrics(surveillance),
                    PublishedKeys(),
                )
                state.keep(app, running)
                sender = Sender(surveillance, ways, pace_of(settings), metrics.count_attempt)
                async with sending(sender):
                    yield
        finally:
            surveillance.database.close()
            if tracing is not None:
                await run_in_threadpool(tracing.close)

    app = FastAPI(
        title="Graftwatch",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    for router in ROUTERS:
        app.include_router(router)
    documentation.serve_assets(app)
    describe(app)
    report_problems(app)
    listeners = [metrics.count_request, log_request]
    surround(app, settings, [*listeners, tracing.trace_request] if tracing else listeners)
    return app


def surround(
    app: FastAPI, settings: Settings, listeners: Sequence[Callable[[Ended], None]]
) -> None:
    """Put the layers around the routes, from the innermost to the outermost."""
    app.add_middleware(
        BodyLimit, max_body_bytes=settings.max_body_bytes, is_unbounded=is_line_stream
    )
    app.add_middleware(LastResort)
    app.add_middleware(RefuseNul)
    app.add_middleware(OwnReach)
    app.add_middleware(OperationOutcomes)
    app.add_middleware(ETags)
    app.add_middleware(TellRateLimits)
    app.add_middleware(SecureHeaders)
    app.add_middleware(HeadAsGet)
    app.add_middleware(TellEnds, listeners=listeners)


def dhis2_mapping_of(settings: Settings) -> Dhis2Mapping | None:
    """Which figures go to DHIS2, where that is set."""
    if settings.dhis2_mapping_file is None:
        return None
    try:
        return read_dhis2_mapping(text_of(settings.dhis2_mapping_file))
    except OSError as fault:
        said = type(fault).__name__
    except BadMapping as fault:
        places = [f"{one.pointer}: {one.message}" for one in fault.details]
        said = " ".join((fault.message, *places))
    raise SettingsError(f"GRAFTWATCH_DHIS2_MAPPING_FILE cannot be used: {said}")
