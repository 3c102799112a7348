"""Searches bytes for a secret, also where it was re-coded on the way."""

import base64
import io
import json
import logging
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import quote

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection as database
from django.test import Client

from connections.models import Connection
from tests.connections.post import mails

ADMIN_PAGES = ("connection/", "sync/", "event/", "notice/", "user/", "workspace/", "accountbudget/")
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
    return [name for name, content in places.items() if holds_any(content.lower(), codes)]


def holds_any(content: bytes, codes: Iterable[bytes]) -> bool:
    return any(code in content for code in codes)


def database_places() -> dict[str, bytes]:
    """The database as it lies on the disk, or all rows of one that is a server's, and what is coded in it as text."""
    stored = on_disk if database.vendor == "sqlite" else in_tables
    return {**dict(stored()), "sessions": decoded_sessions(), "cache": decoded_cache()}


def on_disk() -> Iterator[tuple[str, bytes]]:
    file = Path(database.settings_dict["NAME"])
    for one in (file, *file.parent.glob(f"{file.name}-*")):
        yield f"file {one.name}", read_by_another_process(one)


def in_tables() -> Iterator[tuple[str, bytes]]:
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT rows::text FROM "{table}" AS rows')
            yield f"table {table}", "\n".join(text for (text,) in cursor.fetchall()).encode()


def read_by_another_process(file: Path) -> bytes:
    # Closing the file in this one would drop the locks that SQLite holds here, and two writers would spoil it.
    return subprocess.run(["cat", file], capture_output=True, check=True).stdout


def decoded_sessions() -> bytes:
    return "\n".join(json.dumps(session.get_decoded()) for session in Session.objects.all()).encode()


def decoded_cache() -> bytes:
    with database.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM cache")
        return b"\n".join(key.encode() + b" " + base64.b64decode(value) for key, value in cursor.fetchall())


def dumped() -> bytes:
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    return out.getvalue().encode()


def mail_places(by_others: Iterable[bytes] = ()) -> dict[str, bytes]:
    """As they are sent, and as they are read: on the way long lines are broken."""
    by_us = [one.message().as_bytes() for one in mails()]
    return {f"mail {number}": raw + as_read(raw) for number, raw in enumerate([*by_us, *by_others])}


def as_read(raw: bytes) -> bytes:
    message = message_from_bytes(raw.lstrip(), policy=policy.default)
    body = message.get_body()
    return "\n".join([*message.values(), body.get_content() if body else ""]).encode()


def admin_places(client: Client, connection: Connection) -> dict[str, bytes]:
    here = f"connection/{connection.pk}/"
    synced = f"sync/{connection.syncs.get(number=1).pk}/change/"
    paths = [*ADMIN_PAGES, f"{here}change/", f"{here}history/", synced]
    answers = {path: client.get(f"/admin/connections/{path}", follow=True) for path in paths}
    assert all(answer.status_code == 200 for answer in answers.values()), answers
    return {f"admin {path}": answer.content for path, answer in answers.items()}


@pytest.fixture
def whole_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> io.StringIO:
    """What this process writes into its log, down to DEBUG."""
    log = io.StringIO()
    for handler in logging.root.handlers:
        if type(handler) is logging.StreamHandler:
            monkeypatch.setattr(handler, "stream", log)
            monkeypatch.setattr(handler, "filters", [])
    caplog.set_level(logging.DEBUG)
    return log
