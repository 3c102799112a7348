"""`manage.py sync`: pulls one connection in the foreground."""

import signal
import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.template.defaultfilters import pluralize

from connections.figures.counting import count_holding
from connections.management.finding import connection_of
from connections.models import Connection, Pace, StreamRun, Sync
from connections.models.sync import AlreadyActive, SyncState, Trigger
from connections.syncing.syncing import run

EXIT_CODES = {SyncState.COMPLETE: 0, SyncState.PARTLY_DONE: 3}
ALREADY_RUNNING = 4


class Command(BaseCommand):
    help = "Pull one connection now. Exits with 0 complete, 3 partly done, 1 failed, 2 not possible, 4 already running."
    requires_system_checks = ()  # They load every page of the site, for nothing.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the connection's id, as in its address")
        parser.add_argument(
            "--stream", action="append", default=[], metavar="KEY", help="only this stream; may be repeated"
        )
        parser.add_argument("--full", action="store_true", help="everything again instead of changes only")
        parser.add_argument("--pace", choices=Pace.values, default="", help="how much of the account's budget to fill")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_of(options["id"])
        refuse_unusable(connection, options["stream"])
        sync = start(connection, options)
        stopping = threading.Event()
        for wish in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wish, lambda *_: stopping.set())
        with Reporter(sync, self.stderr):
            run(sync, stopping=stopping)
        if stopping.is_set():
            Sync.objects.active().filter(pk=sync.pk).stop("The command was interrupted.")
        count_holding(connection.holding)
        sync.refresh_from_db()
        self.stderr.write(sync.outcome)
        sys.exit(EXIT_CODES.get(SyncState(sync.state), 1))


def start(connection: Connection, options: dict[str, Any]) -> Sync:
    """A new one, the one that waits, or the one that a worker died at."""
    wanted = {"pace": options["pace"], "full": options["full"], "only": options["stream"]}
    try:
        return Sync.objects.start(connection, trigger=Trigger.COMMAND, **wanted)
    except AlreadyActive as under_way:
        taken = take_up(connection, **wanted) or Sync.objects.claim_left_behind(connection)
        if taken is None:
            raise CommandError(str(under_way), returncode=ALREADY_RUNNING) from under_way
        return taken


def take_up(connection: Connection, *, pace: str, full: bool, only: list[str]) -> Sync | None:
    """The sync that waits, which does what both wanted of it; or None."""
    queued = Sync.objects.claim_queued(connection)
    if queued:
        queued.trigger, queued.pace = Trigger.COMMAND, pace or queued.pace
        if not queued.stream_runs.exists():  # What it has begun with, it goes on with.
            queued.full = queued.full or full
            queued.only_streams = sorted({*queued.only_streams, *only}) if queued.only_streams and only else []
        queued.save(update_fields=["trigger", "pace", "full", "only_streams"])
    return queued


def refuse_unusable(connection: Connection, streams: list[str]) -> None:
    if connection.is_draft or connection.is_paused:
        raise CommandError(f"This connection is {connection.get_state_display().lower()}.", returncode=2)
    offered = {stream.key for stream in connection.streams}
    unknown = [key for key in streams if key not in offered]
    if unknown:
        raise CommandError(
            f"No such stream: {', '.join(unknown)}. There are: {', '.join(sorted(offered))}.", returncode=2
        )


class Reporter:
    """Says once a second how far the streams are that moved since the last time."""

    def __init__(self, sync: Sync, stderr: Any) -> None:
        self.sync, self.stderr, self.over = sync, stderr, threading.Event()
        self.said: dict[str, int] = {}
        self.thread = threading.Thread(target=self.report, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.say()

    def report(self) -> None:
        try:
            while not self.over.wait(1.0):
                self.say()
        finally:
            connections.close_all()

    def say(self) -> None:
        moved = [run for run in self.sync.stream_runs.all() if run.read != self.said.get(run.stream, 0)]
        self.said |= {run.stream: run.read for run in moved}
        if moved:
            self.stderr.write("; ".join(in_words(run) for run in moved))


def in_words(run: StreamRun) -> str:
    return f"{run.stream}: {run.read} row{pluralize(run.read)} ({run.new} new, {run.changed} changed)"
