"""A request's body as plain bytes, piece by piece, whatever its compression.

In:     the pieces as they arrive, and the header `Content-Encoding`.
Out:    pieces of bounded size; `Unreadable` where the compression is broken or ends too early, or
        where a small body unfolds beyond all measure.
Source: RFC 1952 (a gzip body may hold several members); zlib's `max_length` keeps memory flat.
"""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from service.errors import Detail, Unreadable

EVENTS_PATH = "/v1/events"
IMPORTS_PATH = "/v1/imports"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
STREAMS = {EVENTS_PATH: (NDJSON,), IMPORTS_PATH: (CSV, NDJSON)}
"""What is read line by line, by the route that reads it so."""
PIECE_BYTES = 64 * 1024
GZIP = 16 + zlib.MAX_WBITS
MOST_EXPANSION = 200
"""Reports in NDJSON shrink to a twentieth or thirtieth; a body of zeros to a thousandth."""
EXPANSION_FREE_BYTES = 4 * 1024 * 1024

Pieces: TypeAlias = AsyncIterator[bytes]


class Gunzip:
    """Unfolds one gzip body; call `finish` after the last piece."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._member = zlib.decompressobj(GZIP)
        self._bytes_in = 0
        self._bytes_out = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What a piece unfolds to, in pieces of at most `PIECE_BYTES`."""
        self._bytes_in += len(piece)
        is_full = False
        while piece or is_full:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP)
            unfolded = self._unfold(piece)
            piece = self._member.unconsumed_tail or self._member.unused_data
            # Output may be waiting inside zlib though all input is taken.
            is_full = len(unfolded) == PIECE_BYTES and not self._member.eof
            self._bytes_out += len(unfolded)
            self._require_measure()
            if unfolded:
                yield unfolded

    def finish(self) -> None:
        """Refuse a body that ends before its compression does."""
        if self._bytes_in and not self._member.eof:
            raise Unreadable(
                "The gzip body ends too early: something was cut off on the way.",
                code="truncated_gzip",
            )

    def _unfold(self, piece: bytes) -> bytes:
        try:
            return self._member.decompress(piece, PIECE_BYTES)
        except zlib.error as fault:
            raise Unreadable(
                "The body claims to be gzip and is not, or was damaged on the way.",
                code="malformed_gzip",
            ) from fault

    def _require_measure(self) -> None:
        if self._bytes_out > max(EXPANSION_FREE_BYTES, MOST_EXPANSION * self._bytes_in):
            raise Unreadable(
                f"The gzip body unfolds to more than {MOST_EXPANSION} times its size.",
                code="too_large",
            )


def media_type_of(scope: Scope) -> str:
    """The body's type without its parameters, in small letters."""
    told = Headers(scope=scope).get("content-type", "")
    return told.partition(";")[0].strip().lower()


def is_line_stream(scope: Scope) -> bool:
    """Is this a stream or a file, which is read line by line and may be long?"""
    return scope["method"] == "POST" and media_type_of(scope) in STREAMS.get(scope["path"], ())


def plain_pieces(request: Request) -> Pieces:
    """The body's pieces, unfolded where it is gzip; raises for any other compression."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return request.stream()
    if encoding in ("gzip", "x-gzip"):
        return _unfolded(request.stream())
    message = "Send the body as it is, or with `Content-Encoding: gzip`."
    raise Unreadable(
        "The body is compressed in a way that the service does not read.",
        code="unsupported_media_type",
        details=(Detail("header Content-Encoding", "unsupported_encoding", message),),
    )


async def whole_body(request: Request, max_body_bytes: int) -> bytes:
    """The whole body, unfolded; raises where it is larger than allowed."""
    come = bytearray()
    async for piece in plain_pieces(request):
        come += piece
        if len(come) > max_body_bytes:
            raise Unreadable(
                f"The body is larger than {max_body_bytes} bytes. Send fewer events at a time, or "
                "stream them as application/x-ndjson, which has no upper bound.",
                code="too_large",
            )
    return bytes(come)


async def _unfolded(pieces: Pieces) -> Pieces:
    gunzip = Gunzip()
    async for piece in pieces:
        for unfolded in gunzip.feed(piece):
            yield unfolded
    gunzip.finish()
