"""One scenario in a process of its own: the database is made, its rows are printed as they come."""

import argparse
import logging
import sys
from importlib import import_module

import django
from django.core.management import call_command

from tests.bench.figures import Effort


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scenario")
    parser.add_argument("name")
    parser.add_argument("--laps", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    effort = Effort(laps=options.laps, quick=options.quick)
    django.setup()
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    has_failed = False
    # By its name and only now: models can be imported no earlier.
    for figure in import_module(f"tests.bench.{options.name}").measure(effort):
        has_failed = has_failed or figure.has_failed
        sys.stdout.write(f"{(figure.without_bound() if effort.quick else figure).row()}\n")
        sys.stdout.flush()
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
