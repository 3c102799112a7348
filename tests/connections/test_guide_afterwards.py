"""The customer's guide on what holds once a connection is there: whose key it is, the limit, and what can be edited."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Team, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.connections.post import mails
from tests.connections.stepper.walking import (
    LIST,
    begin,
    chosen,
    connect_through_pages,
    controls,
    link,
    messages,
    pulls,
    read,
    set_up,
    value,
    words,
    work_off,
)

OTHER_KEY = "c0ffee" * 8


@pytest.fixture
def second_user(sandbox: SandboxServer) -> str:
    """Another user of the ActiveCampaign account, with a key of their own; returns the name."""
    identity = sandbox.world.first_ids("users")[1]
    sandbox.add_key(OTHER_KEY, user_id=identity)
    user = sandbox.world.row("users", identity)
    return f"{user['firstName']} {user['lastName']}"


def edit(client: Client, connection: Connection, **changed: str) -> str:
    """Change some fields of the detail page's form; returns the page that follows."""
    address = connection.get_absolute_url()
    page = read(client, address)
    shown = {name: value(page, name) or "" for name in ("api_url", "api_key", "name", "version")}
    picked = {name: "".join(chosen(page, name)) for name in ("privacy", "team")}
    return client.post(address, {**shown, **picked, **changed}, follow=True).content.decode()


# Permissions Needed -----------------------------------------------------------------------------------------------


@pulls
@pytest.mark.usefixtures("no_limit")
def test_a_key_serves_whichever_permission_group_its_user_belongs_to(
    alice_client: Client, sandbox: SandboxServer, second_user: str
) -> None:
    """Only an ActiveCampaign admin may read the account's own settings; a connection does not need them."""
    connection = connect_through_pages(alice_client, sandbox, api_key=OTHER_KEY)
    work_off()

    assert "whichever permission group they belong to" in words(read(alice_client, begin(alice_client)))
    assert "Healthy" in words(read(alice_client, connection.get_absolute_url()))
    assert connection.syncs.get().state == "complete"


@pytest.mark.usefixtures("no_limit")
def test_each_users_key_is_known_as_that_users(alice_client: Client, sandbox: SandboxServer, second_user: str) -> None:
    first = words(read(alice_client, set_up(alice_client, sandbox)))
    second = words(read(alice_client, set_up(alice_client, sandbox, api_key=OTHER_KEY)))

    assert f"The key belongs to {second_user}" in second
    assert f"The key belongs to {second_user}" not in first


@pulls
@pytest.mark.usefixtures("no_limit")
def test_deleting_the_keys_user_breaks_the_connection_and_says_so(alice_client: Client, sandbox: SandboxServer) -> None:
    connection = connect_through_pages(alice_client, sandbox)
    work_off()
    sandbox.revoke(sandbox.api_key)

    alice_client.post(f"{connection.get_absolute_url()}sync/")
    work_off()

    page = read(alice_client, connection.get_absolute_url())
    assert "Action needed" in words(page)
    assert "ActiveCampaign did not accept this key." in words(
        read(alice_client, f"{connection.get_absolute_url()}syncs/")
    )
    assert link(page, "Enter another key").address == "#id_api_key"
    assert [message.subject for message in mails()] == ["ActiveCampaign: “Main account” needs you"]
    assert "When the user is deleted, their key stops working" in words(read(alice_client, begin(alice_client)))


@pulls
@pytest.mark.usefixtures("no_limit")
def test_another_users_key_mends_a_connection_whose_user_was_deleted(
    alice_client: Client, sandbox: SandboxServer, second_user: str
) -> None:
    connection = connect_through_pages(alice_client, sandbox)
    work_off()
    sandbox.revoke(sandbox.api_key)
    alice_client.post(f"{connection.get_absolute_url()}sync/")
    work_off()

    page = edit(alice_client, connection, api_key=OTHER_KEY)
    work_off()

    assert f"answered as {second_user}" in messages(page)
    assert "Action needed" not in words(read(alice_client, connection.get_absolute_url()))
    assert connection.syncs.newest_first().first().state == "complete"
    assert mails()[-1].subject == "ActiveCampaign: “Main account” works again"


@pulls
def test_a_pull_at_full_speed_stays_within_the_limit(
    alice_client: Client, new_sandbox: Callable[..., SandboxServer], settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_RATE = 5.0
    account = new_sandbox(contacts=60, deals=10, rate=5)
    finish = set_up(alice_client, account)

    alice_client.post(finish, {"pace": "full"})
    work_off()

    stats = account.stats()
    assert stats["rejected_429"] == 0
    assert stats["accepted"] >= 15
    assert stats["max_in_one_second"] <= 5
    assert Connection.objects.get().syncs.get().state == "complete"


@pulls
@pytest.mark.usefixtures("no_limit")
def test_a_pull_that_meets_the_limit_slows_down_and_ends_well(alice_client: Client, sandbox: SandboxServer) -> None:
    sandbox.fault("*", kind="busy", skip=44)  # Late: some twenty calls later the pace has climbed back.
    connection = connect_through_pages(alice_client, sandbox)

    work_off()

    sync = connection.syncs.get()
    assert sync.state == "complete" and sync.seconds_waited > 0
    assert "Healthy" in words(read(alice_client, connection.get_absolute_url()))
    assert "Slowed down to" in words(read(alice_client, f"{connection.get_absolute_url()}syncs/"))


# 5. Review Team Privacy and Save Connection -----------------------------------------------------------------------


@pytest.mark.usefixtures("no_limit")
def test_finish_redirects_to_the_activecampaign_connections_page_with_the_new_listing(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    connect_through_pages(alice_client, sandbox, name="An older one")

    review = set_up(alice_client, sandbox, name="The new one")
    promised = "you are redirected back to the ActiveCampaign Connections page, where the new listing comes first"
    assert promised in words(read(alice_client, review))
    assert "We check the key now. You review before anything is saved." in words(
        read(alice_client, begin(alice_client))
    )

    page = alice_client.post(review, follow=True).content.decode()

    assert "<h1>ActiveCampaign Connections</h1>" in page
    assert link(page, "The new one").is_current
    assert not link(page, "An older one").is_current


@pytest.mark.usefixtures("no_limit")
@pytest.mark.parametrize("where", [LIST, f"{LIST}activecampaign/", "the page after Finish"])
def test_the_new_listing_leads_to_the_detail_page_whose_fields_can_be_edited(
    where: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    after = alice_client.post(set_up(alice_client, sandbox, name="The new one"), follow=True).content.decode()
    listed = after if where == "the page after Finish" else read(alice_client, where)

    listing = link(listed, "The new one")
    assert ("The new one New " in words(listed)) == (where == "the page after Finish")
    detail = read(alice_client, listing.address)

    assert listing.address == Connection.objects.get().get_absolute_url()
    assert "The new one New " not in words(detail)
    for name in ("name", "api_url", "api_key", "privacy"):
        assert controls(detail, name)
    assert re.search(r"<button[^>]*>Save</button>", detail)


@pytest.mark.usefixtures("no_limit")
def test_a_source_has_several_connections_and_each_says_who_authorised_it_and_which_account_it_is(
    alice_client: Client,
    bob_client: Client,
    bob: User,
    sandbox: SandboxServer,
    new_sandbox: Callable[..., SandboxServer],
) -> None:
    other = new_sandbox(contacts=3, deals=0)
    connect_through_pages(alice_client, sandbox, name="First")
    second = connect_through_pages(bob_client, other, name="Second")

    listing = words(read(alice_client, f"{LIST}activecampaign/"))
    detail = words(read(alice_client, second.get_absolute_url()))

    assert f"First {sandbox.origin.removeprefix('http://')} · Alice Okafor" in listing
    assert f"Second {other.origin.removeprefix('http://')} · Bob Lindqvist" in listing
    assert "Authorised by Bob Lindqvist" in detail


@pytest.mark.usefixtures("no_limit")
def test_the_connection_name_can_be_edited(alice_client: Client, sandbox: SandboxServer) -> None:
    connection = connect_through_pages(alice_client, sandbox)

    edit(alice_client, connection, name="Authorised by Ana")

    assert "Authorised by Ana" in read(alice_client, LIST)
    assert "Main account" not in read(alice_client, LIST)


@pulls
@pytest.mark.usefixtures("no_limit")
def test_the_api_url_can_be_swapped(
    alice_client: Client, sandbox: SandboxServer, new_sandbox: Callable[..., SandboxServer]
) -> None:
    connection = connect_through_pages(alice_client, sandbox)
    work_off()
    other = new_sandbox(contacts=3, deals=0)

    edit(alice_client, connection, api_url=other.origin, api_key=other.api_key, account="replace")
    work_off()

    assert other.origin.removeprefix("http://") in words(read(alice_client, connection.get_absolute_url()))
    assert connection.syncs.newest_first().first().state == "complete"
    assert any(call.place == "deals" for call in other.requests)


@pytest.mark.usefixtures("no_limit")
def test_the_api_key_can_be_swapped(alice_client: Client, sandbox: SandboxServer, second_user: str) -> None:
    connection = connect_through_pages(alice_client, sandbox)

    edit(alice_client, connection, api_key=OTHER_KEY)

    assert f"Key of {second_user}" in words(read(alice_client, connection.get_absolute_url()))
    connection.refresh_from_db()
    assert connection.credentials().api_key.reveal() == OTHER_KEY


@pytest.mark.usefixtures("no_limit")
@pytest.mark.parametrize(("privacy", "is_seen_by_bob"), [("workspace", True), ("private", False), ("team", True)])
def test_the_privacy_can_be_edited_later(
    privacy: str,
    is_seen_by_bob: bool,
    alice_client: Client,
    bob_client: Client,
    sandbox: SandboxServer,
    growth: Team,
) -> None:
    connection = connect_through_pages(
        alice_client, sandbox, privacy="workspace" if privacy == "private" else "private"
    )
    assert ("Main account" in read(bob_client, LIST)) != is_seen_by_bob

    edit(alice_client, connection, privacy=privacy, team=str(growth.pk) if privacy == "team" else "")

    connection.refresh_from_db()
    assert connection.privacy == privacy
    assert ("Main account" in read(bob_client, LIST)) == is_seen_by_bob


@pulls
@pytest.mark.usefixtures("no_limit")
def test_the_finished_connection_is_used_to_pull_data_again_and_again(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    connection = connect_through_pages(alice_client, sandbox)
    work_off()
    identity = sandbox.world.insert("contacts", email="new@harbourtea.example")

    alice_client.post(f"{connection.get_absolute_url()}sync/")
    work_off()

    assert "new@harbourtea.example" in read(alice_client, f"{connection.get_absolute_url()}data/contacts/")
    assert connection.records.filter(stream="contacts", external_id=identity).exists()
