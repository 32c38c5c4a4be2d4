"""What the ingest tests share: one patient's chart, and how a report of it is read."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias

from service.ingest.faults import Draft, Rejection

TODAY = date(2026, 11, 22)
Chart: TypeAlias = dict[str, dict[str, Any]]
Read: TypeAlias = Callable[[object], Draft | Rejection]
