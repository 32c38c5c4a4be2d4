"""The errors that say the database itself cannot be used just now, and why it cannot.

In:     an error of the database.
Out:    `UNAVAILABLE`, for whoever must answer "try again" without knowing SQL; `reason_of`;
        `UNUSABLE` and `words_of`, for whoever tells an operator what is wrong.
Source: sqlalchemy's errors: a refused or lost connection, a full disk, an exhausted pool.
        PostgreSQL, appendix A, "Error Codes"; SQLite, "Result and Error Codes".
"""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.exc import DatabaseError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

UNAVAILABLE: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    InternalError,  # among others a standby's, which takes nothing in
    PoolTimeoutError,
)

UNUSABLE: tuple[type[Exception], ...] = (
    DatabaseError,
    InterfaceError,
    PoolTimeoutError,
    sqlite3.DatabaseError,  # while it connects, nobody wraps it
)
"""Damage and missing tables too, which no second try would mend."""


class Reason(NamedTuple):
    """Why the database cannot be used: a stable code, and words without any name or value."""

    code: str
    message: str


NO_ANSWER = Reason("unavailable", "The database does not answer just now.")
NO_ROOM = Reason("no_room", "The database has no room to store anything just now.")
READ_ONLY = Reason("read_only", "The database stores nothing just now: it can only be read.")

# A refused connection brings no code along, whatever it was refused for.
BY_SQLSTATE: Mapping[str, Reason] = {
    "25006": READ_ONLY,
    "53100": NO_ROOM,
}
BY_SQLITE_CODE: Mapping[int, Reason] = {
    8: READ_ONLY,  # SQLITE_READONLY
    13: NO_ROOM,  # SQLITE_FULL
}
PRIMARY = 0xFF
"""SQLite's finer codes hold the primary one in their lowest byte."""


def reason_of(fault: BaseException) -> Reason:
    """Why the database cannot be used, as far as it says so."""
    cause = getattr(fault, "orig", None)
    sqlstate = getattr(cause, "sqlstate", None)
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    if sqlstate is not None:
        return BY_SQLSTATE.get(sqlstate, NO_ANSWER)
    if sqlite_code is not None:
        return BY_SQLITE_CODE.get(sqlite_code & PRIMARY, NO_ANSWER)
    return NO_ANSWER


def words_of(fault: BaseException) -> str:
    """What the database itself says, in its first line."""
    first, _, _ = str(getattr(fault, "orig", None) or fault).partition("\n")
    return first.strip().rstrip(".")
