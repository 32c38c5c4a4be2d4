"""The errors that say the database itself cannot be used just now.

In:     nothing.
Out:    `UNAVAILABLE`, for whoever must answer "try again" without knowing SQL.
Source: sqlalchemy's errors: a refused or lost connection, a full disk, an exhausted pool.
"""

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

UNAVAILABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeoutError)
