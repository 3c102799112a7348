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
    match encoding.strip().lower():
        case "" | "identity":
            return b"".join(counted)
        case "gzip":
            return _gunzip(counted, decoded_bytes=decoded_bytes, failures=failures)
        case _:  # Not asked for, or several of them stacked: the way to make much out of little.
            raise failures.unreadable("encoding_refused")


def _counted(chunks: Iterable[bytes], *, wire_bytes: int, failures: Failures) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > wire_bytes:
            raise failures.too_large()
        yield chunk


def _gunzip(chunks: Iterable[bytes], *, decoded_bytes: int, failures: Failures) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    body = bytearray()
    arrived = False
    for chunk in chunks:
        arrived = arrived or bool(chunk)
        for piece in _unpacked(unpacker, chunk, failures=failures):
            body += piece
            if len(body) > decoded_bytes:
                raise failures.too_large()
    if arrived and not unpacker.eof:
        raise failures.cut_off()
    return bytes(body)


def _unpacked(unpacker: "zlib._Decompress", chunk: bytes, *, failures: Failures) -> Iterator[bytes]:
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
