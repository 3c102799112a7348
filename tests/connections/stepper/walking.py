"""Walks the stepper as a browser would, and reads its pages as a person would."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Sync
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer

LIST = "/w/harbour-tea/connections/"
ADD = f"{LIST}add/"
PAGES = ("", "finish/", "discard/")
"""Of a set-up."""


def begin(client: Client) -> str:
    """Choose ActiveCampaign; returns the address of step 2."""
    return client.post(ADD, {"source": "activecampaign"})["Location"]


def details(sandbox: SandboxServer, **changed: str) -> dict[str, str]:
    """What a person types in step 2."""
    typed = {"api_url": sandbox.origin, "api_key": sandbox.api_key, "name": "Main account", "privacy": "workspace"}
    return {**typed, **changed}


def set_up(client: Client, sandbox: SandboxServer, **changed: str) -> str:
    """Both steps before the last; returns the address of step 3."""
    response = client.post(begin(client), details(sandbox, **changed))
    assert response.status_code == 302, error_summary(response.content.decode())
    return response["Location"]


def connect_through_pages(client: Client, sandbox: SandboxServer, **changed: str) -> Connection:
    address = client.post(set_up(client, sandbox, **changed))["Location"]
    return Connection.objects.get(pk=address.rstrip("/").rpartition("/")[2])


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def send(client: Client, address: str, fields: dict[str, Any]) -> str:
    """Post what is to be refused; returns the page that says so."""
    response = client.post(address, fields)
    assert response.status_code == 200
    return response.content.decode()


def words(html: str) -> str:
    """What stands on the page, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def title(html: str) -> str:
    return words(re.search(r"<title>(.*?)</title>", html, re.DOTALL)[1])


def error_at(html: str, field: str) -> str:
    """The words inside the element that the contract names; empty when there is none."""
    found = re.search(rf'id="id_{field}_error">(.*?)</div>', html, re.DOTALL)
    return words(found[1]) if found else ""


def error_summary(html: str) -> str:
    found = re.search(r'class="error-summary.*?</ul>', html, re.DOTALL)
    return words(f"<{found[0]}") if found else ""


def messages(html: str) -> str:
    return words(re.search(r'<div class="messages".*?</div>\s*(?=<(?!div))', html, re.DOTALL)[0])


def controls(html: str, name: str) -> list[str]:
    """The tags of the inputs and selects with that name."""
    return re.findall(rf'<(?:input|select)[^>]* name="{name}"[^>]*>', html)


def value(html: str, name: str) -> str | None:
    found = re.search(r' value="([^"]*)"', controls(html, name)[0])
    return unescape(found[1]) if found else None


def chosen(html: str, name: str) -> list[str]:
    """The checked radio buttons, or the selected option."""
    checked = [tag for tag in controls(html, name) if " checked" in tag]
    options = re.findall(rf'<select[^>]* name="{name}".*?</select>', html, re.DOTALL)
    selected = re.findall(r"<option[^>]* selected[^>]*>", options[0]) if options else []
    return [re.search(r' value="([^"]*)"', tag)[1] for tag in [*checked, *selected]]


@dataclass(frozen=True)
class Link:
    words: str
    address: str
    is_current: bool


def links(html: str) -> list[Link]:
    found = re.findall(r"<a\b([^>]*)>(.*?)</a>", html, re.DOTALL)
    return [
        Link(
            words=words(inside),
            address="".join(re.findall(r'href="([^"]*)"', tag)),
            is_current='aria-current="page"' in tag,
        )
        for tag, inside in found
    ]


def link(html: str, said: str) -> Link:
    """The first link that says so."""
    return next(one for one in links(html) if said in one.words)


def rows() -> list[dict[str, Any]]:
    """Every column of every connection: what must be the same after a refusal."""
    return list(Connection.objects.order_by("pk").values())


def stored_texts() -> str:
    return str(rows())


pulls = pytest.mark.django_db(transaction=True)
"""For tests that work off a sync: a pull's threads have database connections of their own."""


def work_off() -> None:
    """Do what a worker does, until nothing is queued."""
    while sync := Sync.objects.claim():
        run(sync)
