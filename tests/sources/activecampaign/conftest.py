"""An open line to a sandbox, and to a scripted server where a sandbox cannot misbehave enough."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from sources.activecampaign.client import ActiveCampaign, open_line
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Credentials, Lane, Page, Secret, Stream, Wanted
from tests.sources.http.scripted_server import ScriptedServer, Step

KEY = "0123456789abcdef0123456789abcdef"


@dataclass
class FreeBudget:
    """Never makes anybody wait, and remembers what it was told."""

    taken: list[Lane] = field(default_factory=list)
    slowed: list[float] = field(default_factory=list)

    def take(self, lane: Lane) -> None:
        self.taken.append(lane)

    def slow_down(self, seconds: float) -> None:
        self.slowed.append(seconds)


# Where the sandbox keeps the rows of streams that are called otherwise, and which column names a nested row's parent.
IN_THE_WORLD = {
    "customObjectRecords": "customObjects/records",
    "customObjectSchemas": "customObjects/schemas",
    "smsBroadcasts": "sms/broadcasts",
    "campaignLinks": "links",
}
PARENT = {"campaignLinks": "campaignid", "scoreValues": "score", "customObjectRecords": "schemaId"}


def parents_of(account: SandboxServer, stream: Stream) -> tuple[str, ...]:
    above = stream.nested.parent if stream.nested else ""
    return tuple(account.world.ids(IN_THE_WORLD.get(above, above))) if above else ()


def pages(line: ActiveCampaign, stream: Stream, **wanted: Any) -> Iterator[Page]:
    """The pages of one stream. Raises what ended it."""
    with closing(line.pull([Wanted(stream=stream, **wanted)])) as pulled:
        for one in pulled:
            if one.failure:
                raise one.failure
            assert one.page
            yield one.page


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key is confirmed as often as ever, without the seconds in between."""
    monkeypatch.setattr("sources.activecampaign.client.CONFIRM_AFTER", (0.0, 0.0))


@pytest.fixture
def budget() -> FreeBudget:
    return FreeBudget()


@pytest.fixture
def account(settings: Any) -> Iterator[SandboxServer]:
    """A sandbox with 250 contacts and 230 deals, accepted as an API URL."""
    with SandboxServer(contacts=250, deals=230, api_key=KEY) as server:
        settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [server.origin]
        yield server


@pytest.fixture
def credentials(account: SandboxServer) -> Credentials:
    return Credentials(api_url=account.origin, api_key=Secret(KEY))


@pytest.fixture
def line(credentials: Credentials, budget: FreeBudget) -> Iterator[ActiveCampaign]:
    with open_line(credentials, budget=budget) as opened:
        yield opened


@pytest.fixture
def scripted(settings: Any) -> Iterator[Callable[..., tuple[ScriptedServer, Credentials]]]:
    """Start a server with this script; its origin is accepted as an API URL."""
    with ExitStack() as stack:

        def start(*script: Step) -> tuple[ScriptedServer, Credentials]:
            server = stack.enter_context(ScriptedServer(list(script)))
            settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [server.origin]
            return server, Credentials(api_url=server.origin, api_key=Secret(KEY))

        yield start
