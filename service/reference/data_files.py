"""Reads the package's own vocabulary files.

In:     the name of a file in `service/reference/data`.
Out:    its content, decoded from JSON.
Source: each row of each file names its own.
"""

from importlib import resources
from typing import Any

import msgspec


def read_bytes(file_name: str) -> bytes:
    """The bytes of one shipped data file."""
    return resources.files("service.reference").joinpath("data", file_name).read_bytes()


def read_json(file_name: str) -> Any:
    """One shipped data file as plain dicts and lists."""
    return msgspec.json.decode(read_bytes(file_name))
