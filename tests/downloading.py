"""Files for two people in two workspaces, one web process that sends them, and readers of every pace."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test.utils import override_settings

from connections.models import Connection, User, Workspace
from sources.registry import get_source
from sources.spec import Credentials, Proof, Secret
from tests.processes import PATIENCE, ROOT, free_port, started, until
from tests.storing import store_page

SMALL_BUFFER = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)]  # What a reader does not take, waits with the server.


class Downloader:
    """A person with a workspace of their own, and what they download from it: so many contacts."""

    def __init__(self, name: str, *, rows: int, beside: "Downloader | None" = None) -> None:
        self.person = beside.person if beside else User.objects.create(email=f"{name}@{name}.example", name=name)
        self.workspace = beside.workspace if beside else Workspace.objects.create(slug=name, name=name)
        self.workspace.memberships.get_or_create(user=self.person)
        connection = connected(self.workspace, name, by=self.person, rows=rows)
        self.address = f"{connection.get_absolute_url()}data/contacts.csv"
        self.rows = rows
        self.cookies = {settings.SESSION_COOKIE_NAME: session_of(self.person)}


def connected(workspace: Workspace, name: str, *, by: User, rows: int) -> Connection:
    source = get_source("activecampaign")
    assert source is not None
    connection = Connection.objects.take_up_draft(workspace=workspace, user=by, source=source)
    address = "https://harbourtea.api-us1.com"
    credentials = Credentials(api_url=address, api_key=Secret("0123456789abcdef" * 4))
    proof = Proof(account="", person="Bench")
    connection.set_up(credentials, proof, name=name, privacy="workspace", team=None, by=by)
    connection.activate(by=by)
    for first in range(1, rows + 1, 1000):
        numbers = range(first, min(first + 1000, rows + 1))
        page = {
            str(number): {"id": str(number), "email": f"c{number}@example.org", "note": "x" * 300} for number in numbers
        }
        store_page(connection.holding, source.streams[0], page, address=address)
    return connection


def session_of(person: User) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    with override_settings(PUBLISHED_PASSWORD_OPENS=True):  # As in `web_process`, which is in development.
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(person.pk), person.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session.save()
    return str(session.session_key)


@contextmanager
def web_process(**variables: str) -> Iterator[str]:
    """One, as a real site is served, but for what only https and collected files would add; its address."""
    address = f"127.0.0.1:{free_port()}"
    words = ["--config=python:blinkmetrics.serving", f"--bind={address}", "--no-control-socket", "blinkmetrics.wsgi"]
    site = {"DEBUG": "on", "SITE_URL": f"http://{address}", "ALLOWED_HOSTS": "127.0.0.1"}
    environment = {**os.environ, **site, **variables, "DJANGO_SETTINGS_MODULE": "blinkmetrics.settings"}
    with started([sys.executable, "-m", "gunicorn", *words], directory=ROOT, environment=environment) as server:
        try:
            until(lambda: is_up(f"http://{address}"), what=f"the server:\n{server.output}")
            yield f"http://{address}"
        finally:
            os.killpg(server.process.pid, signal.SIGKILL)  # It overwrites the mark by which its processes are found.


def is_up(site: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{site}/healthz", trust_env=False).status_code == 200
    return False


class Reader(threading.Thread):
    """A script that downloads one file, and comes again when it is told to; `pause` is called after each few bytes."""

    def __init__(self, site: str, downloader: Downloader, pause: Callable[[int], object] = lambda taken: None) -> None:
        super().__init__(daemon=True)
        self.site, self.downloader, self.pause = site, downloader, pause
        self.refused_until: list[tuple[float, float]] = []
        self.has_begun = threading.Event()
        self.lines = self.seconds = 0.0

    def run(self) -> None:
        transport = httpx.HTTPTransport(socket_options=SMALL_BUFFER)
        with httpx.Client(transport=transport, cookies=self.downloader.cookies, timeout=None) as client:
            begun = time.monotonic()
            while (wait := self.tried(client)) is not None:
                refused = time.monotonic()
                time.sleep(wait)
                self.refused_until.append((refused, time.monotonic()))
            self.seconds = time.monotonic() - begun

    def tried(self, client: httpx.Client) -> float | None:
        """Seconds until the next try; None when there is the whole file."""
        with client.stream("GET", f"{self.site}{self.downloader.address}") as answer:
            if answer.status_code == 429:
                return float(answer.headers["Retry-After"])
            answer.raise_for_status()
            lines = 0
            for piece in answer.iter_raw():
                lines += piece.count(b"\n")
                self.has_begun.set()
                self.pause(len(piece))
            self.lines = lines
        return None

    @property
    def is_complete(self) -> bool:
        return self.lines == self.downloader.rows + 1  # And the header.


def probe(site: str, page: str) -> float:
    """Seconds until somebody who is not logged in has this page. Raises httpx.HTTPError."""
    begun = time.monotonic()
    httpx.get(f"{site}{page}", timeout=PATIENCE, trust_env=False).raise_for_status()
    return time.monotonic() - begun
