"""Record what the documents of a hospital say now, whatever they said before.

In:     sources, each with all it says.
Out:    for each how many events were recorded, known already, taken back, or why it was refused.
Source: docs/decisions/0016-sources-restate.md.

What was said before is read in the transaction that records what is said now: two versions of one
document that come at once are taken in one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.audit_chain import COMMAND_LINE, Actor
from service.domain.events import Void
from service.domain.restating import Restated, Source, restate
from service.ingest.faults import Draft, Fault, Rejection
from service.ingest.items import read_item
from service.pipeline.decide import Batch
from service.pipeline.record import Receipt, record_within
from service.pipeline.surveillance import Surveillance
from service.store import ledger
from service.store import sources as source_store
from service.store.engine import Connection


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source, which is recorded whole or not at all.

    `recorded` counts new statements and corrections, `voided` what is no longer said, `known` what
    was said before; with faults nothing of it is recorded.
    """

    recorded: int = 0
    voided: int = 0
    known: int = 0
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Restating:
    """What became of each source, in order, and the position the ledger has reached."""

    outcomes: tuple[Outcome, ...]
    position: int


@dataclass(frozen=True, slots=True)
class _Read:
    """A source as drafts, or what is wrong with it."""

    drafts: tuple[Draft, ...]
    known: int
    faults: tuple[Fault, ...]


def record_sources(
    surveillance: Surveillance,
    facility: str,
    told: Sequence[Source],
    *,
    atomic: bool = False,
    actor: Actor = COMMAND_LINE,
) -> Restating:
    """Record what the sources of a facility say; with `atomic` all of them or none.

    Of a source that is told twice, what it says last counts.
    """
    with surveillance.write() as connection:
        return record_sources_within(
            connection, surveillance, facility, told, atomic=atomic, actor=actor
        )


def record_sources_within(
    connection: Connection,
    surveillance: Surveillance,
    facility: str,
    told: Sequence[Source],
    *,
    atomic: bool = False,
    actor: Actor = COMMAND_LINE,
) -> Restating:
    """Record what the sources say within a transaction of `surveillance.write()`."""
    latest = {source.name: source for source in told}
    earlier = source_store.events_of_sources(connection, facility, latest)
    read = {
        name: _read(surveillance, restate(source, facility, earlier[name]))
        for name, source in latest.items()
    }
    sound = [name for name, one in read.items() if not one.faults]
    groups = [[name] for name in sound]
    if atomic:
        groups = [sound] if len(sound) == len(read) else []
    batches = [
        Batch([draft for name in group for draft in read[name].drafts], True, actor)
        for group in groups
    ]
    receipts = record_within(connection, surveillance, batches)
    outcomes = {name: Outcome(known=one.known, faults=one.faults) for name, one in read.items()}
    for group, batch, receipt in zip(groups, batches, receipts, strict=True):
        outcomes |= _outcomes(group, read, receipt, is_kept=batch.keeps(receipt.verdicts))
    source_store.add_source_events(
        connection,
        [
            (facility, name, draft.event.event_id, draft.event.patient)
            for name, outcome in outcomes.items()
            if outcome.recorded or outcome.voided
            for draft in read[name].drafts
        ],
    )
    position = ledger.head_position(connection)
    return Restating(tuple(outcomes[source.name] for source in told), position)


def rehearse_sources(
    connection: Connection, surveillance: Surveillance, facility: str, told: Sequence[Source]
) -> tuple[Outcome, ...]:
    """What would become of each source, each told once; nothing is recorded."""
    names = [source.name for source in told]
    earlier = source_store.events_of_sources(connection, facility, names)
    return tuple(
        _expected(_read(surveillance, restate(source, facility, earlier[source.name])))
        for source in told
    )


def _expected(one: _Read) -> Outcome:
    if one.faults:
        return Outcome(known=one.known, faults=one.faults)
    voids = sum(isinstance(draft.event, Void) for draft in one.drafts)
    return Outcome(recorded=len(one.drafts) - voids, voided=voids, known=one.known)


def _read(surveillance: Surveillance, restated: Restated) -> _Read:
    today_latest = surveillance.latest_date_on_earth()
    items = [
        read_item(index, event, today_latest=today_latest)
        for index, event in enumerate(restated.events)
    ]
    return _Read(
        tuple(item for item in items if isinstance(item, Draft)),
        restated.known,
        tuple(fault for item in items if isinstance(item, Rejection) for fault in item.faults),
    )


def _outcomes(
    names: Sequence[str], read: Mapping[str, _Read], receipt: Receipt, *, is_kept: bool
) -> dict[str, Outcome]:
    """The outcome of each source of a batch."""
    found: dict[str, Outcome] = {}
    first = 0
    for name in names:
        one = read[name]
        places = range(first, first + len(one.drafts))
        first += len(one.drafts)
        verdicts = [receipt.verdicts[place] for place in places]
        new = [verdict for verdict in verdicts if is_kept and verdict.status == "accepted"]
        voids = sum(isinstance(verdict.draft.event, Void) for verdict in new)
        found[name] = Outcome(
            recorded=len(new) - voids,
            voided=voids,
            known=one.known,
            faults=tuple(fault for verdict in verdicts for fault in verdict.faults),
            warnings=tuple(w for place in places for w in receipt.warnings.get(place, ())),
        )
    return found
