"""How soon the pages of numbers, and Home, begin to arrive, of a connection that holds a million rows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from django.conf import settings

from connections.models import Connection, Pin
from tests.bench.figures import Effort, Figure, percentile
from tests.bench.pages import HEADERS, manage, served, session_of
from tests.bench.reading import first_byte
from tests.processes import copy_project

REQUESTS = 100
WARM = 5
PINNED = ("contacts_total", "contacts_new", "verified_open_rate", "click_rate", "list_active", "deals_won", "win_rate")


def pages_of(connection: Connection, effort: Effort) -> Iterator[Figure]:
    """Whoever made the connection looks, with some numbers pinned."""
    person = connection.workspace.memberships.first().user
    Pin.objects.bulk_create(Pin(user=person, connection=connection, number=number) for number in PINNED)
    headers = HEADERS | {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(person)}"}
    numbers = connection.url("numbers")
    looked_at = {
        "Numbers": (numbers, f"{numbers}?period=30", f"{numbers}?by=pipeline&compare=on", f"{numbers}?by=campaign"),
        "one number": (f"{numbers}contacts_new/?period=months&step=day", f"{numbers}open_rate/?by=campaign&compare=on"),
        "Home": (f"/w/{connection.workspace.slug}/",),
    }
    with tempfile.TemporaryDirectory(prefix="numbers-") as folder:
        site = copy_project(Path(folder) / "site")
        manage(site, "collectstatic", "--noinput", "--verbosity=0")
        with served(site) as here, httpx.Client(base_url=f"http://127.0.0.1:{here.port}", trust_env=False) as client:
            for what, paths in looked_at.items():
                asked = [*paths] * (effort.of(REQUESTS, 20) // len(paths))
                for path in asked[:WARM]:
                    first_byte(client, path, headers)
                waits = [1000 * first_byte(client, path, headers) for path in asked]
                yield Figure(
                    what=f"{what}: 95 of 100 begin within", measured=[percentile(waits, 0.95)], unit="ms", bound=150
                )
