"""`manage.py erase_person`: finds what a workspace holds about a person, and erases it."""

import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.models import PersonErasure, Workspace
from connections.models.kept_out import is_address
from connections.operating.erasing_people import go_on

BUSY = 0.3  # Seconds until a sync that writes the same rows, or a worker that does the same, may be through.


class Command(BaseCommand):
    help = "Count what a workspace holds about whoever has an e-mail address. With --yes erase it, and keep it out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workspace", help="the workspace, as in its address: /w/<workspace>/")
        parser.add_argument("address", help="the person's e-mail address")
        parser.add_argument("--yes", action="store_true", help="erase what is found")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError("There is no workspace with this address.", returncode=2)
        if not is_address(options["address"]):
            raise CommandError("This is no e-mail address that rows could hold.", returncode=2)
        erasure = self.walk(PersonErasure.objects.ask(workspace, options["address"], by=None))
        self.say(erasure, blanked="name them")
        if not options["yes"]:
            erasure.discard()
            return
        erasure.confirm(by=None)
        self.stdout.write("Erased:")
        self.say(self.walk(erasure), blanked="blanked")

    def walk(self, erasure: PersonErasure) -> PersonErasure:
        while erasure.is_under_way:
            if not go_on(erasure.pk):
                time.sleep(BUSY)
            erasure.refresh_from_db()
        return erasure

    def say(self, erasure: PersonErasure, *, blanked: str) -> None:
        by_stream: Counter[str] = Counter()
        for streams in erasure.counts.values():
            by_stream.update(streams)
        for stream, rows in sorted(by_stream.items()):
            self.stdout.write(f"{rows:,} row{'s' * (rows != 1)} of {stream}")
        self.stdout.write(f"{erasure.rows:,} in all; {erasure.blanked:,} others {blanked}.")
