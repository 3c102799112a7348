"""`manage.py verify_live`: asks a live account which of the things that its source takes for granted hold."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.checking.checking import account_of
from connections.management.finding import connection_of
from connections.models import Connection, SharedBudget
from connections.safe.sealing import Unsealable
from sources.errors import SourceError
from sources.spec import Assumption, Credentials

NOT_ALL_HOLD = 3


class Command(BaseCommand):
    help = (
        "Say which assumptions about the API hold for a connection's account. It only reads, at the considerate pace. "
        "Exits with 0 when none fails, 3 when some do, 2 when nothing could be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the connection's id, as in its address")
        parser.add_argument("--file", type=Path, help="also write it into this file, which names nobody, to be sent")
        parser.add_argument(
            "--with-wrong-key", action="store_true", help="also call once with a made-up key, to see it refused"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_of(options["id"])
        credentials = credentials_of(connection)
        verdicts: Counter[str] = Counter()
        told: list[str] = []
        try:
            for assumption in look(connection, credentials, with_wrong_key=options["with_wrong_key"]):
                verdicts[assumption.verdict] += 1
                told.append(f"{assumption.verdict:<14} {assumption.claim} ({assumption.seen})")
                self.stdout.write(told[-1])
                self.stdout.flush()
        except SourceError as failure:
            raise CommandError(str(failure), returncode=2) from failure
        finally:
            if options["file"]:
                write(options["file"], [connection.source_name, *told])
        self.stderr.write(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
        sys.exit(NOT_ALL_HOLD if verdicts["does not hold"] else 0)


def write(file: Path, lines: Sequence[str]) -> None:
    """Also what came before a failure. Raises CommandError, with exit code 2."""
    try:
        file.write_text("\n".join([*lines, ""]))
    except OSError as failure:
        raise CommandError(f"{file} cannot be written: {failure.strerror}.", returncode=2) from failure


def credentials_of(connection: Connection) -> Credentials:
    """Raises CommandError, with exit code 2."""
    if not connection.has_key:
        raise CommandError("No key is stored for this connection.", returncode=2)
    try:
        return connection.credentials()
    except Unsealable as failure:
        raise CommandError("The stored key cannot be read any more. Enter the key again.", returncode=2) from failure


def look(connection: Connection, credentials: Credentials, *, with_wrong_key: bool) -> Iterator[Assumption]:
    """Raises CommandError, with exit code 2, where the source has nothing to verify."""
    source = connection.source
    if source is None or source.assumptions is None:
        raise CommandError(f"{connection.source_name} says of nothing that it takes it for granted.", returncode=2)
    budget = SharedBudget(account=account_of(credentials), rate=source.calls_per_second())
    return source.assumptions(credentials, budget=budget, with_wrong_key=with_wrong_key)
