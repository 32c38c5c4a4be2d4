"""What Graftwatch is held against: an endpoint that only stores, and one that only parses.

In:     the same events over HTTP; the database's URL from the environment.
Out:    201 for each.
Source: the SQLModel tutorial, "Simple Hero API with FastAPI": a session per request, add, commit.
"""

import os
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, create_engine

AT_ONCE = 40
"""Connections to the database: one for each thread that Starlette has by default."""


class EventIn(BaseModel):
    """An event's own fields; the others are kept as they come."""

    model_config = ConfigDict(extra="allow")

    type: str
    event_id: str
    facility: str
    patient: str
    occurred_on: str


class PlainEvent(SQLModel, table=True):
    """A row for each event, with the same key and index as Graftwatch's."""

    __tablename__ = "plain_events"

    facility: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    patient: str = Field(index=True)
    type: str
    occurred_on: str
    received: dict[str, Any] = Field(sa_type=JSON)


def storing() -> FastAPI:
    """Inserts one row per request, and does nothing else."""
    url = os.environ["GRAFTWATCH_DATABASE_URL"]
    sizes = {} if url.startswith("sqlite") else {"pool_size": AT_ONCE, "max_overflow": 0}
    engine = create_engine(url, **sizes)
    SQLModel.metadata.tables["plain_events"].create(engine)
    app = FastAPI()

    def session() -> Iterator[Session]:
        with Session(engine) as opened:
            yield opened

    @app.post("/v1/events", status_code=201)
    def post_event(event: EventIn, session: Annotated[Session, Depends(session)]) -> dict[str, str]:
        session.add(PlainEvent(**event.model_dump(include=SHARED), received=event.model_dump()))
        session.commit()
        return {"event_id": event.event_id}

    return app


SHARED = {"facility", "event_id", "patient", "type", "occurred_on"}


def parsing() -> FastAPI:
    """Parses the body, answers, and stores nothing."""
    app = FastAPI()

    @app.post("/v1/events", status_code=201)
    async def post_event(event: EventIn) -> dict[str, str]:
        return {"event_id": event.event_id}

    return app
