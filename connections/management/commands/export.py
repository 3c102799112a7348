"""`manage.py export`: writes a stream's rows to standard output."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.data.exporting import pieces
from connections.management.finding import connection_of, stream_of
from connections.models import Connection, StreamRun
from connections.models.record_query import Sought
from connections.safe.sealing import Unsealable
from sources.spec import Stream


class Command(BaseCommand):
    help = "Write the rows of a stream, ordered by id. JSON lines are the records exactly as the API gave them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the connection's id, as in its address")
        parser.add_argument("stream", help="the stream's key, for example contacts")
        parser.add_argument("--format", choices=["csv", "jsonl"], default="jsonl")
        parser.add_argument("--deleted", action="store_true", help="also rows that are gone from the account")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_of(options["id"])
        stream = stream_of(connection, options["stream"])
        try:
            found = pieces(connection, stream, options["format"], sought=Sought(with_gone=options["deleted"]))
        except Unsealable:
            raise CommandError("The stored address cannot be read any more; enter it again on the page.") from None
        if hasattr(self.stdout, "reconfigure"):  # A test's has no letters of its own.
            # Whatever the terminal speaks. Half of a pair of surrogates stands as it was written in the JSON.
            self.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
        try:
            for piece in found:
                self.stdout.write(piece, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read along has enough, as `head` has; Python would complain again when it closes its output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        self.explain_emptiness(connection, stream)

    def explain_emptiness(self, connection: Connection, stream: Stream) -> None:
        """On standard error: no rows at all may surprise whoever expected some."""
        if connection.records.filter(stream=stream.key).exists():
            return
        if stream.key not in connection.stream_keys:
            self.stderr.write(f"{stream.name} is not chosen for this connection, and was never pulled.")
        elif not StreamRun.objects.filter(sync__connection=connection, stream=stream.key).exists():
            self.stderr.write(f"{stream.name} was never pulled yet.")
