"""`manage.py rotate_credential_keys`: seals everything under the newest key."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from connections.operating.inside import credential_keys
from connections.operating.rotation import reseal_all, verify_all


class Command(BaseCommand):
    help = "Seal everything under the newest of CREDENTIAL_KEYS. Exits with 1 when something could not be opened."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--verify-only", action="store_true", help="open everything and change nothing")
        which.add_argument(
            "--give-up",
            action="store_true",
            help="a key is lost for good: ask for it no more, and let people enter again what it sealed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verify_only = options["verify_only"]
        count = verify_all() if verify_only else reseal_all(give_up=options["give_up"])
        word = "under an older key" if verify_only else "sealed anew"
        self.stdout.write(
            f"{count.present} under the newest key, {count.resealed} {word}, "
            f"{len(count.unreadable) + count.others + len(count.locked_out)} not to be opened."
        )
        missing = [*credential_keys()]  # While it may be put back, nobody is to enter anything again.
        for sentence in missing:
            self.stderr.write(sentence)
        for pk in count.unreadable:
            self.stderr.write(f"Cannot be opened{'' if missing else ', and wants its key entered again'}: {pk}")
        if count.others:
            self.stderr.write(f"Hidden data or other names of accounts that cannot be opened: {count.others}")
        for email in count.locked_out:
            cure = "" if missing else ", and wants to be switched off for them"
            self.stderr.write(f"Two-step login cannot be opened{cure}: {email}")
        sys.exit(1 if not count.is_whole or (verify_only and count.resealed) else 0)
