"""A name that leads to a server of ours, over real TLS."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import trustme

from sources.http.limits import BULK, Limits
from sources.http.session import polite_client
from sources.spec import Lane, Secret
from tests.sources.http.scripted_server import ScriptedServer, Step

HOST = "acme.api-us1.com"
KEY = "the-key-that-must-not-leak-0123456789"
PUBLIC = "8.8.8.8"


@dataclass
class FreeBudget:
    """Never makes anybody wait, and remembers what it was told."""

    taken: list[Lane] = field(default_factory=list)
    slowed: list[float] = field(default_factory=list)

    def take(self, lane: Lane) -> None:
        self.taken.append(lane)

    def slow_down(self, seconds: float) -> None:
        self.slowed.append(seconds)


@dataclass
class Rig:
    """A client for `https://acme.api-us1.com` whose calls reach a scripted server here."""

    client: httpx.Client
    server: ScriptedServer
    budget: FreeBudget
    slept: list[float]
    lookups: list[str]

    def get(self, path: str = "users/me") -> httpx.Response:
        return self.client.get(path)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def server_tls(authority: trustme.CA, name: str = HOST) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(authority: trustme.CA, trusting: ssl.SSLContext) -> Iterator[MakeRig]:
    with ExitStack() as stack:

        def make(
            *script: Step,
            lane: Lane = Lane.BULK,
            limits: Limits = BULK,
            resolve: Callable[[str, int], list[str]] = lambda host, port: [PUBLIC],
            certificate: ssl.SSLContext | None = None,
            **options: Any,
        ) -> Rig:
            tls = certificate or server_tls(authority)
            server = stack.enter_context(ScriptedServer(list(script), tls=tls))
            budget, slept, lookups = FreeBudget(), [], []

            def looked_up(host: str, port: int) -> list[str]:
                lookups.append(host)
                return resolve(host, port)

            client = polite_client(
                **{
                    "base_url": f"https://{HOST}/api/3/",
                    "service": "ActiveCampaign",
                    "allowed": lambda origin: origin == f"https://{HOST}",
                    "budget": budget,
                    "lane": lane,
                    "secret_headers": {"Api-Token": Secret(KEY)},
                    "limits": limits,
                    "sleep": slept.append,
                    "resolve": looked_up,
                    "dial": lambda address, port: ("127.0.0.1", server.port),
                    "tls": trusting,
                    **options,
                }
            )
            return Rig(stack.enter_context(client), server, budget, slept, lookups)

        yield make
