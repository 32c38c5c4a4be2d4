"""Imports as they are told.

In:     what the store keeps of an import.
Out:    documents with their descriptions and examples.
Source: docs/imports.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.request_bodies import IMPORTS_PATH
from service.domain.remarks import REMARKS
from service.ingest.registers.mapping import Mapping
from service.pipeline.imports import COUNTED
from service.store.import_mappings import KeptMapping
from service.store.imports import DONE, KeptFault, KeptImport

EXAMPLE: dict[str, Any] = {
    "id": "019ab2f4c3d07f1e22aa90bc",
    "state": "done",
    "created_at": "2026-03-01T12:00:00Z",
    "finished_at": "2026-03-01T12:00:09Z",
    "sent_by": "registry",
    "mapping": "transplant-register",
    "dry_run": False,
    "rows_sent": 10,
    "progress": 1.0,
    "counts": {"rows": 10, "accepted": 10, "duplicate": 0, "voided": 0, "rejected": 1},
    "warnings": {},
    "position": 4211,
    "note": None,
    "faults": {
        "total": 1,
        "items": [
            {
                "line": 4,
                "column": "inf_date",
                "code": "not_a_date",
                "message": "Must be a date that is there, like YYYY-MM-DD, as the mapping "
                "declares.",
            }
        ],
        "all": "/v1/imports/019ab2f4c3d07f1e22aa90bc/faults",
    },
}


class Counts(BaseModel):
    """What became of the rows worked on so far."""

    rows: int = Field(description="Rows worked on.")
    accepted: int = Field(description="Events that are new, or correct what was said before.")
    duplicate: int = Field(description="Events that were known already.")
    voided: int = Field(description="Events taken back: their row no longer says them.")
    rejected: int = Field(description="Rows with a fault, of which nothing was taken.")


class Fault(BaseModel):
    """A fault: where it is and what to do; never what stands there."""

    line: int = Field(description="The line its row begins on; the first line is 1.")
    column: str = Field(description="The column as the file names it; empty for a whole row.")
    code: str
    message: str


class Faults(BaseModel):
    """The first faults, and where all are."""

    total: int
    items: list[Fault]
    all: str


class Import(BaseModel):
    """A file that was sent, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: str
    state: Literal["waiting", "running", "done", "failed"] = Field(
        description="What was acknowledged is finished, also after the service was killed. "
        "`failed`: by a fault of the service; `note` says what to do."
    )
    created_at: datetime
    finished_at: datetime | None
    sent_by: str = Field(description="The name of the key.")
    mapping: str | None = Field(description="None: the file is in our own columns.")
    dry_run: bool
    rows_sent: int = Field(description="Rows there are; `counts.rows` of them are worked on.")
    progress: float = Field(description="The share of the rows that are worked on, 0 to 1.")
    counts: Counts
    warnings: dict[str, int] = Field(description="How often each remark was made, by its code.")
    position: int | None = Field(description="The ledger's position after the last rows.")
    note: str | None
    faults: Faults


class ImportPage(BaseModel):
    """Imports, the newest first; their faults are told in each one's own document."""

    items: list[Import]
    next: str | None


class FaultPage(BaseModel):
    """Faults in the order of the file."""

    items: list[Fault]
    next: str | None


class MappingDocument(BaseModel):
    """A mapping file as it was put last."""

    name: str
    recorded_at: datetime
    put_by: str
    kind: Literal["redcap", "table"]
    events: list[str] = Field(description="The types of event that its rows may tell of.")
    toml: str


def tell_import(kept: KeptImport, faults: Sequence[KeptFault] = ()) -> Import:
    """An import with its first faults."""
    counts = {name: kept.counts.get(name, 0) for name in COUNTED}
    return Import(
        id=kept.id,
        state=kept.state,  # type: ignore[arg-type]  # the store knows no others
        created_at=kept.created_at,
        finished_at=kept.finished_at,
        sent_by=kept.actor,
        mapping=kept.mapping,
        dry_run=kept.dry_run,
        rows_sent=kept.rows_sent,
        progress=_progress(kept),
        counts=Counts(**counts),
        warnings={code: number for code, number in kept.warnings.items() if code in REMARKS},
        position=kept.position,
        note=kept.note,
        faults=Faults(
            total=kept.faults,
            items=[tell_fault(fault) for fault in faults],
            all=f"{IMPORTS_PATH}/{kept.id}/faults",
        ),
    )


def _progress(kept: KeptImport) -> float:
    return 1.0 if kept.state == DONE else kept.taken / max(kept.rows_sent, 1)


def tell_fault(fault: KeptFault) -> Fault:
    """A fault."""
    return Fault(line=fault.line, column=fault.field, code=fault.code, message=fault.message)


def tell_mapping(kept: KeptMapping, mapping: Mapping) -> MappingDocument:
    """A mapping."""
    return MappingDocument(
        name=kept.name,
        recorded_at=kept.recorded_at,
        put_by=kept.actor,
        kind=mapping.kind,
        events=[event.type for event in mapping.event],
        toml=kept.body,
    )
