"""Reads the package's own vocabulary files.

In:     the name of a file in `service/reference/data`.
Out:    its bytes; `VocabularyFile`, the shape the vocabulary files share.
Source: each row of each file names its own, by a key of the file's `sources`.
"""

from importlib import resources
from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row")


class RefusedTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms that are known and refused on purpose; `beginnings` and `endings` tell more of such."""

    code: str
    message: str
    terms: tuple[str, ...]
    source: str
    candidates: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


class VocabularyFile(msgspec.Struct, Generic[Row], frozen=True, forbid_unknown_fields=True):
    """Canonical rows, refused terms, and the sources both point to."""

    sources: dict[str, str]
    rows: tuple[Row, ...]
    refusals: tuple[RefusedTerms, ...]


def read_bytes(file_name: str) -> bytes:
    """The bytes of one shipped data file."""
    return resources.files("service.reference").joinpath("data", file_name).read_bytes()
