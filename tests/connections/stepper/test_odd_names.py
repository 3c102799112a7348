"""Odd names, the same account twice, and fields that nobody asked for."""

from collections.abc import Callable

import pytest
from django.test import Client

from connections.models import Connection, Team, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import client_of
from tests.connections.stepper.walking import (
    ADD,
    LIST,
    begin,
    connect_through_pages,
    details,
    error_at,
    read,
    rows,
    send,
    set_up,
    words,
)

pytestmark = pytest.mark.usefixtures("no_limit")


@pytest.mark.parametrize(
    "name",
    [
        "n" * 100,
        "حساب المتجر الرئيسي",
        "Tea ☕ & 👩‍👩‍👧 family",
        "<script>alert(1)</script>",
        "{{ 7|add:7 }} {% now 'Y' %}",
        'O\'Brien "& Sons"',
    ],
)
def test_any_name_is_kept_and_shown_as_text(name: str, alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox, name=name)
    pages = [read(alice_client, step_3), read(alice_client, ADD)]
    detail = alice_client.post(step_3, follow=True).content.decode()

    assert Connection.objects.get().name == name
    for page in (*pages, detail, read(alice_client, LIST)):
        assert name in words(page) or name in page or "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page


@pytest.mark.parametrize("name", ["Account locked, sign in at http://evil.example/login", "https：／／evil.example"])
def test_a_link_is_no_name(name: str, alice_client: Client, sandbox: SandboxServer) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, name=name))

    assert error_at(page, "name") == "A name cannot hold a link."
    assert not Connection.objects.get().name


def test_a_link_is_no_name_of_a_team(alice_client: Client) -> None:
    page = alice_client.post("/w/harbour-tea/settings/teams/", {"name": "See http://evil.example"}, follow=True)

    assert "A name cannot hold a link." in words(page.content.decode())
    assert not Team.objects.exists()


def test_two_connections_may_bear_the_same_name(alice_client: Client, sandbox: SandboxServer) -> None:
    first, second = (connect_through_pages(alice_client, sandbox) for _ in range(2))

    assert first != second
    assert read(alice_client, LIST).count("<strong>Main account</strong>") == 2


def test_the_same_account_twice_is_noticed_and_allowed(
    alice_client: Client, bob_client: Client, bob: User, sandbox: SandboxServer
) -> None:
    first = connect_through_pages(alice_client, sandbox, name="Main")
    step_3 = set_up(bob_client, sandbox, name="Second")

    page = read(bob_client, step_3)
    second = bob_client.post(step_3)["Location"]

    assert "This account is already connected as Main . Open it, or add this one anyway" in words(page)
    assert f'href="{first.get_absolute_url()}"' in page
    assert second == Connection.objects.get(name="Second").get_absolute_url()


@pytest.mark.parametrize("hidden", ["private", "team", "draft"])
def test_the_same_account_is_not_disclosed_when_the_other_one_is_hidden(
    hidden: str,
    alice_client: Client,
    erin: User,
    sandbox: SandboxServer,
    new_sandbox: Callable[..., SandboxServer],
    growth: Team,
) -> None:
    other = new_sandbox(contacts=250, deals=40)
    if hidden == "draft":
        set_up(alice_client, sandbox, name="Hidden")
    else:
        connect_through_pages(
            alice_client, sandbox, name="Hidden", privacy=hidden, team=str(growth.pk) if hidden == "team" else ""
        )
    erins = client_of(erin)

    taken, free = (words(read(erins, set_up(erins, account))) for account in (sandbox, other))

    assert "already connected" not in taken and "Hidden" not in taken
    assert taken.replace(sandbox.origin[7:], "") == free.replace(other.origin[7:], "")


def test_fields_that_the_form_does_not_have_change_nothing(
    alice_client: Client, alice: User, bob: User, charlie: User, sandbox: SandboxServer
) -> None:
    asked_for = {"api_url", "api_key", "name", "privacy", "team", "typed", "version"}
    forged = {field.attname: str(bob.pk) for field in Connection._meta.concrete_fields if field.name not in asked_for}
    forged |= {"workspace": "stranger", "created_by": str(bob.pk), "is_verified": "1", "verified": "1"}
    forged |= {"state": "active", "health": "healthy", "source": "toothpaste", "source_key": "toothpaste"}
    step_2 = begin(alice_client)
    untouched = Connection.objects.get()

    step_3 = alice_client.post(step_2, details(sandbox) | forged)["Location"]
    draft = Connection.objects.get()
    alice_client.post(step_3, forged)

    connection = Connection.objects.get()
    for row in (draft, connection):
        assert (row.pk, row.workspace, row.created_by, row.source_key, row.created_at) == (
            untouched.pk,
            untouched.workspace,
            alice,
            "activecampaign",
            untouched.created_at,
        )
        assert (row.key_stored_by, row.schedule, row.orphaned_at) == (alice, "hourly", None)
    assert (draft.state, draft.next_sync_at) == ("draft", None)
    assert connection.pace == "considerate"


def test_an_over_long_post_is_refused(alice_client: Client, sandbox: SandboxServer) -> None:
    draft = set_up(alice_client, sandbox).removesuffix("finish/")
    before = rows()

    assert alice_client.post(draft, {"name": "n" * 300_000}).status_code == 413
    assert rows() == before
