"""`make compare`: rows by stream as the Singer tap reads them from the sandbox, beside those that we store.

It fails where the tap does not read all of its streams to the end, or counts of a stream that both have differ without
a known reason.
"""

import logging
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from tests.bench.__main__ import real_site


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        os.environ |= real_site(f"sqlite:///{folder}/compare.sqlite3", folder=folder) | {"ACTIVECAMPAIGN_RATE": "1000"}
        django.setup()
        logging.disable(logging.WARNING)
        call_command("migrate", verbosity=0)
        # Only now: models can be imported no earlier.
        differences: int = import_module("tests.compare.comparing").compare(Path(folder))
    return int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
