"""The lists of connections: filters, counts, pages, and what nobody else may find in them."""

import re
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import Connection, Event, Holding, Membership, Sync, Team, User, Workspace
from sources.registry import get_source
from tests.conftest import Connect, person

LIST = "/w/harbour-tea/connections/"
OF_SOURCE = f"{LIST}activecampaign/"


def listed(client: Client, query: str = "", *, at: str = LIST) -> list[str]:
    page = client.get(at + query).content.decode()
    return re.findall(r'<span class="row-words"><strong>(.*?)</strong>', page)


def said(client: Client, query: str = "", *, at: str = LIST) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", client.get(at + query).content.decode()).split())


@pytest.fixture
def several(connect: Connect, bob: User, growth: Team) -> None:
    connect(name="Main account")
    connect(name="Bob's shop", by=bob, privacy="private", api_url="https://shop.api-us1.com")
    connect(name="Growth mail", privacy="team", team=growth)


def test_the_list_shows_what_i_may_see_with_its_facts(bob_client: Client, several: None) -> None:
    assert listed(bob_client) == ["Bob&#x27;s shop", "Growth mail", "Main account"]
    words = said(bob_client)
    assert "3 connections" in words
    for fact in ("shop.api-us1.com", "Alice Okafor", "Healthy", "Private to Me", "Growth", "No complete sync yet"):
        assert fact in words


def test_what_i_may_not_see_is_neither_listed_nor_counted_nor_found(alice_client: Client, several: None) -> None:
    assert listed(alice_client) == ["Growth mail", "Main account"]
    assert "2 connections" in said(alice_client)
    for query in ("?q=shop", "?privacy=private", "?q=shop.api-us1.com", "?q=Bob"):
        assert listed(alice_client, query) == []
        assert "Nothing matches" in said(alice_client, query)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=growth", ["Growth mail"]),
        ("?q=okafor", ["Growth mail", "Main account"]),
        ("?q=lindqvist", ["Bob&#x27;s shop"]),
        ("?q=mira+holt", ["Bob&#x27;s shop", "Growth mail", "Main account"]),
        ("?q=shop.api-us1.com", ["Bob&#x27;s shop"]),
        ("?q=https://SHOP.api-us1.com/", ["Bob&#x27;s shop"]),
        ("?q=SHOP.api", ["Bob&#x27;s shop"]),
        ("?q=api-us1.com", ["Bob&#x27;s shop", "Growth mail", "Main account"]),
        ("?sort=newest", ["Growth mail", "Bob&#x27;s shop", "Main account"]),
        ("?privacy=team", ["Growth mail"]),
        ("?privacy=private&mine=1", ["Bob&#x27;s shop"]),
        ("?mine=1", ["Bob&#x27;s shop"]),
        ("?source=activecampaign&privacy=workspace", ["Main account"]),
        ("?health=healthy", ["Bob&#x27;s shop", "Growth mail", "Main account"]),
        ("?health=late", []),
    ],
)
def test_each_filter_narrows_the_list(bob_client: Client, several: None, query: str, found: list[str]) -> None:
    assert listed(bob_client, query) == found
    assert listed(bob_client, query, at=OF_SOURCE) == found


NONSENSE = ["source=x", "privacy=public", "health=%00", "q=%00", "page=0", "page=-1", "page=x", "page=99", "mine=x'"]


@pytest.mark.parametrize("query", [*NONSENSE, "q=" + "x" * 101, "x=1&x=2"])
def test_nonsense_in_the_address_is_no_fault(bob_client: Client, several: None, query: str) -> None:
    response = bob_client.get(f"{LIST}?{query}")

    assert response.status_code == 200


def test_an_unknown_filter_value_narrows_nothing(bob_client: Client, several: None) -> None:
    assert len(listed(bob_client, "?source=nonsense&privacy=public&health=fine")) == 3


def test_the_health_filter_goes_by_the_word_that_is_shown(alice_client: Client, connect: Connect) -> None:
    paused, late, syncing, broken = (connect(name=name) for name in ("Paused", "Late", "Syncing", "Broken"))
    Connection.objects.filter(pk=paused.pk).update(state="paused")
    Connection.objects.filter(pk=late.pk).update(late_at=timezone.now())
    Connection.objects.filter(pk=broken.pk).update(health="action_needed", late_at=timezone.now())
    Sync.objects.queue(syncing, trigger="person").take()

    for query, name in (("paused", "Paused"), ("late", "Late"), ("syncing", "Syncing"), ("action_needed", "Broken")):
        assert listed(alice_client, f"?health={query}") == [name]


def test_a_filter_that_matches_nothing_says_so_and_offers_the_way_back(bob_client: Client, several: None) -> None:
    page = bob_client.get(f"{LIST}?q=zebra").content.decode()

    assert "Nothing matches" in page
    assert f'href="{LIST}">Clear the filters' in page


def test_an_empty_list_says_what_belongs_there_without_hinting_at_others(
    alice_client: Client, connect: Connect, bob: User
) -> None:
    empty = said(alice_client)
    connect(by=bob, privacy="private")

    assert "No connections yet" in empty
    assert said(alice_client) == empty


def test_a_long_list_has_pages_that_keep_the_filters(alice_client: Client, alice: User, workspace: Workspace) -> None:
    fill(workspace, [alice], 60)

    pages = [listed(alice_client, f"?q=Account&page={number}") for number in (1, 2, 3)]

    assert [len(page) for page in pages] == [25, 25, 10]
    assert len({name for page in pages for name in page}) == 60
    assert "60 connections of 60" in said(alice_client, "?q=Account")
    assert 'href="?q=Account&amp;page=3"' in alice_client.get(f"{LIST}?q=Account&page=2").content.decode()


def test_each_row_is_a_link_to_its_connection(alice_client: Client, connect: Connect) -> None:
    connection = connect()

    assert f'<a class="row-link" href="{connection.get_absolute_url()}">' in alice_client.get(LIST).content.decode()


def test_a_source_that_does_not_exist_has_no_list(alice_client: Client) -> None:
    assert alice_client.get(f"{LIST}nonsense/").status_code == 404


def test_an_unfinished_set_up_is_offered_to_its_creator_only(
    alice_client: Client, dana_client: Client, alice: User, workspace: Workspace
) -> None:
    source = get_source("activecampaign")
    assert source is not None
    draft = Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)
    draft.remember_typed({"name": "Half done"})

    assert "Half done" in said(alice_client)
    assert "Half done" not in said(dana_client)
    assert listed(alice_client) == []


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "حساب المتجر", "🍵" * 50])
def test_odd_names_are_shown_as_text(alice_client: Client, connect: Connect, name: str) -> None:
    connect(name=name)

    page = alice_client.get(LIST).content.decode()

    assert "<script>alert" not in page
    assert "alert(1)" in page if "alert" in name else name in page


def test_a_row_whose_address_cannot_be_opened_is_listed_like_the_others(alice_client: Client, connect: Connect) -> None:
    broken = connect(name="Broken")
    connect(name="Whole")
    Connection.objects.filter(pk=broken.pk).update(api_url="tampered")

    assert listed(alice_client) == ["Broken", "Whole"]
    assert "unreadable address" in said(alice_client)


def test_what_needs_somebody_comes_first_with_its_count_and_marks_the_cog(
    alice_client: Client, connect: Connect
) -> None:
    for name in ("Ale", "Bread", "Cheese"):
        connect(name=name)
    assert "need somebody" not in said(alice_client) and "(somebody is needed)" not in alice_client.get(LIST).text
    Connection.objects.filter(name="Cheese").update(health="action_needed")
    Connection.objects.filter(name="Bread").update(late_at=timezone.now() - timedelta(hours=1))

    assert listed(alice_client) == ["Cheese", "Bread", "Ale"]
    assert listed(alice_client, "?sort=name") == ["Ale", "Bread", "Cheese"]
    assert "3 connections · 2 need somebody" in said(alice_client)
    assert "(somebody is needed)" in alice_client.get(f"{LIST}add/").text


def test_several_are_paused_resumed_and_synced_at_once_by_who_may(
    bob_client: Client, alice_client: Client, several: None
) -> None:
    ids = [str(pk) for pk in Connection.objects.values_list("pk", flat=True)]

    def act(client: Client, **posted: object) -> str:
        answer = client.post(f"{LIST}chosen/act/", {"back": f"{OF_SOURCE}?sort=name", **posted}, follow=True)
        assert answer.redirect_chain[-1][0] == f"{OF_SOURCE}?sort=name"
        return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())

    assert "Nothing was done: choose at least one" in act(bob_client, act="pause")
    assert "Nothing was done" in act(bob_client, act="delete", chosen=ids)
    paused = act(bob_client, act="pause", chosen=ids)
    assert "Paused: Bob&#x27;s shop." in paused
    assert (
        "Left as before, since not yours to change: its creator and admins may: Growth mail and Main account." in paused
    )
    assert "Nothing was done" in act(alice_client, act="pause", chosen=ids)  # One of them is none of hers.
    assert "Syncing soon: Growth mail and Main account." in act(bob_client, act="sync", chosen=ids)
    assert "since paused: Bob&#x27;s shop." in act(bob_client, act="sync", chosen=ids)
    assert "Resumed: Bob&#x27;s shop." in act(bob_client, act="resume", chosen=ids)


def test_who_is_in_two_workspaces_has_a_switcher_and_lands_where_they_were_last(
    alice_client: Client, alice: User
) -> None:
    assert 'aria-label="Workspaces"' not in alice_client.get(LIST).text
    other = Workspace.objects.create(name="Aardvark Ltd", slug="aardvark")
    Membership.objects.create(workspace=other, user=alice)

    assert '<a class="menu-item" href="/w/aardvark/connections/">' in alice_client.get(LIST).text
    assert alice_client.get("/")["Location"] == LIST
    alice_client.get("/w/aardvark/connections/")
    assert alice_client.get("/")["Location"] == "/w/aardvark/connections/"


def test_one_connection_needs_no_filters(alice_client: Client, connect: Connect) -> None:
    connect()

    assert 'role="search"' not in alice_client.get(LIST).text


# Queries ----------------------------------------------------------------------------------------------------------


def fill(workspace: Workspace, creators: list[User], count: int, team: Team | None = None) -> None:
    """Many connections of several people, half of them shared with a team."""
    rows = []
    for number in range(count):
        with_team = team if number % 2 else None
        rows.append(
            Connection(
                workspace=workspace,
                source_key="activecampaign",
                name=f"Account {number:04}",
                privacy="team" if with_team else "workspace",
                team=with_team,
                created_by=creators[number % len(creators)],
                state="active",
                authorised_at=timezone.now(),
                holding=Holding.objects.create(),
            )
        )
    Connection.objects.bulk_create(rows)
    Event.objects.bulk_create(
        [
            Event(workspace=workspace, connection=row, actor=row.created_by, verb="connected", about=row.name)
            for row in rows
        ]
    )


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(database) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_pages_need_as_many_queries_for_a_thousand_connections_as_for_one(
    alice_client: Client, alice: User, bob: User, dana: User, growth: Team, workspace: Workspace, connect: Connect
) -> None:
    detail = connect(by=bob, privacy="team", team=growth).get_absolute_url()
    settings = [f"/w/harbour-tea/settings/{page}/" for page in ("members", "teams", "activity")]
    addresses = [LIST, f"{LIST}?q=a&page=2", OF_SOURCE, f"{LIST}add/", detail, f"{detail}progress/", *settings]
    alice_client.get(LIST)  # Which she is led to from now on.
    before = {address: queries(alice_client, address) for address in addresses}

    fill(workspace, [alice, bob, dana], 1000, growth)

    assert {address: queries(alice_client, address) for address in addresses} == before


def test_pages_about_people_need_as_many_queries_for_many_as_for_few(
    alice_client: Client, workspace: Workspace, growth: Team
) -> None:
    addresses = [f"/w/harbour-tea/settings/{page}/" for page in ("members", "teams", f"teams/{growth.pk}")]
    alice_client.get(LIST)
    before = {address: queries(alice_client, address) for address in addresses}

    for number in range(30):
        user = person(f"member{number}@harbourtea.example", f"Member {number}")
        membership = Membership.objects.create(workspace=workspace, user=user)
        team = Team.objects.create(workspace=workspace, name=f"Team {number}")
        team.members.add(membership)
        growth.members.add(membership)

    assert {address: queries(alice_client, address) for address in addresses} == before
