"""Searches bytes for a secret, also where it was re-coded on the way."""

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from django.contrib.sessions.models import Session
from django.db import connection as database

SHORTEST = 12  # Fewer bytes of a code may turn up by chance.


def codes_of(secret: str) -> set[bytes]:
    """The secret itself and what it looks like in the codes that texts are put into."""
    plain = secret.encode()
    codes = {plain, plain[::-1], plain.hex().encode(), "".join(f"%{byte:02x}" for byte in plain).encode()}
    codes |= {quote(secret).encode(), quote(secret, safe="").encode()}
    codes |= {json.dumps(secret)[1:-1].encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")}
    codes |= {*base64_codes(plain)}
    assert all(len(code) >= SHORTEST for code in codes)
    return codes


def base64_codes(plain: bytes) -> Iterator[bytes]:
    """What of the secret's base64 is the same whatever stands before and behind it, at each of three alignments."""
    for lead in range(3):
        # The first digits depend on the bytes before, the last on those behind.
        first, last = -(-lead * 4 // 3), (lead + len(plain)) * 8 // 6
        for code in (base64.b64encode, base64.urlsafe_b64encode):
            yield code(b"\0" * lead + plain)[first:last]


def places_with(secret: str, places: Mapping[str, bytes]) -> list[str]:
    """The names of the places that hold the secret, in whatever code; capitals count as their small letters."""
    codes = {code.lower() for code in codes_of(secret)}
    return [name for name, content in places.items() if any(code in content.lower() for code in codes)]


def database_places(file: Path) -> dict[str, bytes]:
    """The database as it lies on the disk, and what it holds once more as text."""
    files = [file, *file.parent.glob(f"{file.name}-*")]
    on_disk = {f"file {one.name}": read_by_another_process(one) for one in files}
    return {**on_disk, "sessions": decoded_sessions(), "cache": decoded_cache()}


def read_by_another_process(file: Path) -> bytes:
    # Closing the file in this one would drop the locks that SQLite holds here, and two writers would spoil it.
    return subprocess.run(["cat", file], capture_output=True, check=True).stdout


def decoded_sessions() -> bytes:
    return "\n".join(json.dumps(session.get_decoded()) for session in Session.objects.all()).encode()


def decoded_cache() -> bytes:
    with database.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM cache")
        return b"\n".join(key.encode() + b" " + base64.b64decode(value) for key, value in cursor.fetchall())
