"""Each link that a page shows leads to a page: walked from Home on, some of each kind, where there is data."""

from collections import Counter
from html.parser import HTMLParser
from threading import Event
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from connections.figures.keeping_up import count_and_prove
from connections.models import Connection
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull

OF_EACH = 4  # Of many rows, numbers and orders a few are as good as all.


class Links(HTMLParser):
    """Where a page leads to within the site."""

    def __init__(self, page: str, html: str) -> None:
        super().__init__()
        self.page, self.found = page, set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = urljoin(self.page, dict(attrs).get("href") or "")
        if tag == "a" and address.startswith("/"):
            self.found.add(address.partition("#")[0])


def kind_of(address: str) -> str:
    """Its view, and whether something is narrowed there."""
    parts = urlsplit(address)
    found = resolve(parts.path)  # Raises Resolver404 for what leads nowhere, however many there are.
    return f"{found.view_name}?{bool(parts.query)}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_limit")
def test_every_link_leads_somewhere(alice_client: Client, connect: Connect, sandbox: SandboxServer) -> None:
    connection: Connection = connect(sandbox)
    pull(connection)
    count_and_prove(Event())
    waiting, seen, walked = ["/w/harbour-tea/"], set[str](), Counter[str]()

    while waiting:
        page = waiting.pop()
        answer = alice_client.get(page)
        assert answer.status_code in (200, 302), page
        if answer.streaming:
            b"".join(answer.streaming_content)  # To its end, so that the place for it is free again.
        elif "html" in answer.headers.get("Content-Type", ""):
            for address in sorted(Links(page, answer.content.decode()).found - seen):
                seen.add(address)
                kind = kind_of(address)
                walked[kind] += 1
                if walked[kind] <= OF_EACH:
                    waiting.append(address)

    assert len(walked) > 30, walked
