"""`manage.py worker`: pulls what is due until it is stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from connections.operating.history import require_fitting
from connections.syncing.working import Worker


class Command(BaseCommand):
    help = "Queue due syncs and run them. SIGTERM and Ctrl-C finish the page at hand and give the syncs back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run all that is due or queued, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        require_fitting()
        worker = Worker()
        for wish in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wish, lambda *_: worker.stop())
        if options["once"]:
            worker.serve_once()
            return
        self.stderr.write("The worker is waiting for syncs.")
        worker.serve()
