"""Reading a body within bounds. Decoding is done by hand: a library decodes first and counts afterwards."""

import zlib
from collections.abc import Iterable, Iterator

from sources.http.failures import Failures

STEP = 65_536  # How much is unpacked before it is counted.


def read_body(
    chunks: Iterable[bytes], *, encoding: str, wire_bytes: int, decoded_bytes: int, failures: Failures
) -> bytes:
    """The whole body, unpacked. `encoding` is the Content-Encoding header. Raises UnexpectedAnswer, TemporarilyDown."""
    counted = _counted(chunks, wire_bytes=wire_bytes, failures=failures)
    body = bytearray()
    for piece in unpacked(counted, encoding=encoding, failures=failures):
        body += piece
        if len(body) > decoded_bytes:
            body.clear()  # Else the failure's traceback holds it for as long as somebody holds the failure.
            raise failures.too_large()
    return bytes(body)


def unpacked(chunks: Iterable[bytes], *, encoding: str, failures: Failures) -> Iterator[bytes]:
    """The body piece by piece, none much longer than what arrived for it. Raises UnexpectedAnswer, TemporarilyDown."""
    match encoding.strip().lower():
        case "" | "identity":
            yield from chunks
        case "gzip":
            yield from _gunzipped(chunks, failures=failures)
        case _:  # Not asked for, or several of them stacked: the way to make much out of little.
            raise failures.unreadable("encoding_refused")


def _counted(chunks: Iterable[bytes], *, wire_bytes: int, failures: Failures) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > wire_bytes:
            raise failures.too_large()
        yield chunk


def _gunzipped(chunks: Iterable[bytes], *, failures: Failures) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    arrived = False
    for chunk in chunks:
        arrived = arrived or bool(chunk)
        yield from _pieces(unpacker, chunk, failures=failures)
    if arrived and not unpacker.eof:
        raise failures.cut_off()


def _pieces(unpacker: "zlib._Decompress", chunk: bytes, *, failures: Failures) -> Iterator[bytes]:
    while chunk:
        if unpacker.eof:
            raise failures.unreadable("encoding")
        try:
            piece = unpacker.decompress(chunk, STEP)
        except zlib.error:
            raise failures.unreadable("encoding") from None
        yield piece
        if unpacker.unused_data:
            raise failures.unreadable("encoding")
        chunk = unpacker.unconsumed_tail
