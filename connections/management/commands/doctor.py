"""`manage.py doctor`: what is to be fixed in a deployment, from inside and as its people meet it."""

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.operating.inside import look_inside
from connections.operating.outside import look_outside


class Command(BaseCommand):
    help = "Say what is to be fixed in this deployment. Exits with 1 when something is."
    requires_system_checks = []  # They are among what it says.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", nargs="?", help="where people find the site, such as https://app.example.com")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = sum(map(self.say, findings(options["address"])))
        self.stdout.write(f"{faults} to fix." if faults else "Nothing to fix.")
        sys.exit(1 if faults else 0)

    def say(self, finding: tuple[str, list[str]]) -> int:
        name, sentences = finding
        self.stdout.write("\n".join(f"fix  {name}: {sentence}" for sentence in sentences) or f"ok   {name}")
        self.stdout.flush()
        return len(sentences)


def findings(address: str | None) -> Iterator[tuple[str, list[str]]]:
    """Raises CommandError, with exit code 2, for an address that is none."""
    if address and (urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname):
        raise CommandError("Give the address with https:// in front, such as https://app.example.com", returncode=2)
    yield from look_inside()
    if address:
        yield from look_outside(address)
