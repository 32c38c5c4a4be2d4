"""Look at everything that an operator can put right, one thing after the other.

In:     the settings, and the surveillance they open.
Out:    a `CheckUp`: a judgement of each thing, and what could not be looked at.
Source: docs/operations.md, "Doctor". Nothing is changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from service.pipeline import judgements
from service.pipeline.judgements import HeldKey, Judgement, Status
from service.pipeline.rebuild import differences
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store import condition, holdings, ledger, outbox, wall
from service.store.keys import list_keys
from service.store.migrate import knows_revision, newest_revision, revision
from service.store.rebuild_cursor import rebuild_cursor
from service.store.unavailable import UNUSABLE, words_of

PATIENTS = 200
"""Replayed unless told otherwise: a second or so."""
PATIENTS_AT_ONCE = 100


class Place(NamedTuple):
    """Where a doctor looks, and how many patients are replayed."""

    settings: Settings
    surveillance: Surveillance
    patients: int


Look = Callable[[Place], Judgement]


class Check(NamedTuple):
    """Something to look at, which makes sense only where what it rests on did not fail."""

    look: Look
    rests_on: str | None = None


@dataclass(frozen=True, slots=True)
class CheckUp:
    """What was found, in the order of looking, and what was not looked at for that."""

    found: Mapping[str, Judgement]
    not_run: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The worst that was found."""
        statuses = {one.status for one in self.found.values()}
        return next((worst for worst in ("fail", "warn") if worst in statuses), "ok")


def check_up(settings: Settings, surveillance: Surveillance, patients: int = PATIENTS) -> CheckUp:
    """Look at everything that can be looked at."""
    place = Place(settings, surveillance, patients)
    found: dict[str, Judgement] = {}
    for name, check in CHECKS.items():
        if check.rests_on is None or _is_sound(found.get(check.rests_on)):
            found[name] = _look(check.look, place)
    return CheckUp(found, tuple(name for name in CHECKS if name not in found))


def unusable_settings(fault: str) -> CheckUp:
    """What can be said where the settings cannot be used: nothing else could be looked at."""
    advice = "Put it right, then look again: docs/operations.md lists all settings."
    failed = Judgement("fail", "; ".join(fault.splitlines()) + ".", advice)
    return CheckUp({"settings": failed}, tuple(CHECKS)[1:])


def _is_sound(judgement: Judgement | None) -> bool:
    return judgement is not None and judgement.status != "fail"


def _look(look: Look, place: Place) -> Judgement:
    try:
        return look(place)
    except UNUSABLE as fault:
        advice = "See that it runs, is the one that GRAFTWATCH_DATABASE_URL names, and is whole."
        return Judgement("fail", f"The database cannot be used: {words_of(fault)}.", advice)


def _settings(place: Place) -> Judgement:
    return judgements.of_settings(place.settings)


def _database(place: Place) -> Judgement:
    if place.surveillance.database.is_missing_file:
        advice = "Run `graftwatch migrate`, or name another in GRAFTWATCH_DATABASE_URL."
        return Judgement("fail", "There is no database yet.", advice)
    with place.surveillance.database.read() as connection:
        answers = condition.server(connection)
    return judgements.of_server(answers.version, answers.connections, place.settings)


def _migrations(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        found = revision(connection)
    is_known = found is not None and knows_revision(found)
    return judgements.of_migrations(found, newest_revision(), is_known=is_known)


def _rules(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        return judgements.of_rules(
            ledger.rules_fingerprint(connection),
            place.surveillance.rules.fingerprint,
            position=ledger.head_position(connection),
            is_rebuilding=rebuild_cursor(connection) is not None,
        )


def _clock(place: Place) -> Judgement:
    surveillance = place.surveillance
    with surveillance.database.read() as connection:
        last = ledger.recorded_at(connection, ledger.head_position(connection))
        before = surveillance.clock()
        theirs = condition.clock(connection)
        after = surveillance.clock()
    apart = theirs - (before + (after - before) / 2)
    ahead = last - after if last is not None else timedelta()
    return judgements.of_clock(apart, ahead)


def _disk(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        return judgements.of_room(*condition.room(connection))


def _keys(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        kept = list_keys(connection)
    held = [
        HeldKey(key.id, key.name, key.scopes, key.expires_at, key.revoked_at is not None)
        for key in kept
    ]
    are_needed = place.settings.auth == "on"
    return judgements.of_keys(held, place.surveillance.clock(), are_needed=are_needed)


def _pseudonym_key(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        came_in = condition.documents_came_in(connection)
    is_set = place.settings.pseudonym_key is not None
    return judgements.of_pseudonym_key(is_set=is_set, documents_came_in=came_in)


def _second_wall(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        return judgements.of_second_wall(
            belongs=wall.belongs(connection), stands=wall.stands(connection)
        )


def _outbox(place: Place) -> Judgement:
    now = place.surveillance.clock()
    with place.surveillance.database.read() as connection:
        waiting, due = outbox.depth(connection, now)
        failing = outbox.failing_since(connection)
    since = min((at for at in (due, failing) if at is not None), default=now)
    return judgements.of_outbox(waiting, now - since)


def _ledger(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        sample = condition.some_patients(connection, place.patients)
        differing = sum(
            len(differences(connection, place.surveillance, sample[at : at + PATIENTS_AT_ONCE]))
            for at in range(0, len(sample), PATIENTS_AT_ONCE)
        )
    return judgements.of_ledger(len(sample), differing)


def _sums(place: Place) -> Judgement:
    with place.surveillance.database.read() as connection:
        facilities = holdings.facilities_with_sums(connection)
        differing = sum(holdings.sums_that_differ(connection, one) for one in facilities)
    return judgements.of_sums(len(facilities), differing)


CHECKS: Mapping[str, Check] = {
    "settings": Check(_settings),
    "database": Check(_database),
    "migrations": Check(_migrations, "database"),
    "rules": Check(_rules, "migrations"),
    "clock": Check(_clock, "migrations"),
    "disk": Check(_disk, "database"),
    "keys": Check(_keys, "migrations"),
    "pseudonym_key": Check(_pseudonym_key, "migrations"),
    "second_wall": Check(_second_wall, "migrations"),
    "outbox": Check(_outbox, "migrations"),
    "ledger": Check(_ledger, "rules"),
    "sums": Check(_sums, "migrations"),
}
"""In the order in which they are looked at."""
