"""Wire the service: the one place where the parts meet.

In:     `Settings`.
Out:    a FastAPI application that opens the database when it starts and closes it when it ends.
Source: ARCHITECTURE: nothing happens at import.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from service import __version__
from service.api import state
from service.api.last_resort import LastResort
from service.api.problems import report_problems
from service.domain.rules import FollowUpRules
from service.errors import GraftwatchError
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store.engine import Database
from service.store.migrate import is_at_head

ROUTERS: tuple[APIRouter, ...] = ()


class NotMigrated(GraftwatchError):
    """The database has not the shape that this release needs."""

    code = "not_migrated"


def create_app(settings: Settings) -> FastAPI:
    """The service under these settings; nothing is opened before it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        surveillance = open_surveillance(settings)
        try:
            await run_in_threadpool(require_ready, surveillance)
            state.keep(app, settings, surveillance)
            yield
        finally:
            surveillance.database.close()

    app = FastAPI(title="Graftwatch", version=__version__, lifespan=lifespan)
    report_problems(app)
    app.add_middleware(LastResort)
    for router in ROUTERS:
        app.include_router(router)
    return app


def open_surveillance(settings: Settings) -> Surveillance:
    """The surveillance that the settings describe; nothing is connected yet."""
    return Surveillance(
        database=Database(settings.database_url, pool_size=settings.database_pool_size),
        rules=FollowUpRules(followup_grace_days=settings.followup_grace_days),
        zone=ZoneInfo(settings.timezone),
    )


def require_ready(surveillance: Surveillance) -> None:
    """Refuse a database of another shape, or a ledger counted under other rules."""
    with surveillance.database.read() as connection:
        if not is_at_head(connection):
            raise NotMigrated(
                "The database has not the shape this release needs: run `graftwatch migrate`."
            )
    surveillance.require_ledger_under_these_rules()
