"""`manage.py activecampaign_sandbox`: a make-believe ActiveCampaign account on this machine, for demos and tests."""

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from sources.activecampaign.sandbox.stirring.neighbour import POLITE, RUDE

NEIGHBOURS = {"polite": POLITE, "rude": RUDE}


class Command(BaseCommand):
    help = "Serve a make-believe ActiveCampaign account with invented rows (with DEBUG on only)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8010, help="0 takes a free port and prints it")
        parser.add_argument("--contacts", type=int, default=5000)
        parser.add_argument("--deals", type=int, default=400)
        parser.add_argument("--latency-ms", type=float, default=150, help="before each answer")
        parser.add_argument("--rate", type=int, default=5, help="calls accepted in any one second; 0 is no limit")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same rows and the same key")
        parser.add_argument("--api-key", default="", help="accept this key instead of the seed's own")
        parser.add_argument(
            "--chaos", type=int, metavar="SEED", help="rows that come and go, faults, delays and a neighbour, by a seed"
        )
        parser.add_argument("--neighbour", choices=NEIGHBOURS, help="another tool that calls the same account")
        parser.add_argument("--jitter-ms", type=float, help="the most that a call takes to arrive")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The sandbox serves invented rows to anyone on this machine: it starts with DEBUG=on only."
            )
        stopped = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        with _open(options) as sandbox:
            self.stdout.write(
                f"ActiveCampaign sandbox: {sandbox.origin} (open it in a browser to copy the API URL and the key)"
            )
            self.stdout.flush()
            stopped.wait()


def _chaos(options: dict[str, Any]) -> Chaos | None:
    given = {"jitter_ms": options["jitter_ms"], "neighbour": NEIGHBOURS.get(options["neighbour"])}
    given = {name: value for name, value in given.items() if value is not None}
    if options["chaos"] is not None:
        return Chaos.drawn(options["chaos"], **given)
    return Chaos(seed=options["seed"], **given) if given else None


def _open(options: dict[str, Any]) -> SandboxServer:
    names = ("port", "contacts", "deals", "latency_ms", "rate", "seed", "api_key")
    try:
        return SandboxServer(chaos=_chaos(options), **{name: options[name] for name in names})
    except (OSError, OverflowError) as error:
        raise CommandError(f"Port {options['port']} cannot be used ({error}): choose another with --port.") from error
