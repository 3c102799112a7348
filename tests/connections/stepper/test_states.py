"""What becomes of a set-up when its pages are reloaded, pressed twice, left, or open in two tabs."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Sync, User
from connections.stepper import setting_up, views
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import PASSWORD, client_of
from tests.connections.stepper.walking import (
    ADD,
    LIST,
    begin,
    details,
    error_at,
    messages,
    read,
    rows,
    send,
    set_up,
    value,
    words,
)

pytestmark = pytest.mark.usefixtures("no_limit")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Let something happen while the account is being asked."""
    ask = setting_up.ask

    def happen(event: Callable[[], Any]) -> None:
        def asked(*args: Any) -> Any:
            monkeypatch.setattr(setting_up, "ask", ask)
            proof = ask(*args)
            event()
            return proof

        monkeypatch.setattr(setting_up, "ask", asked)

    return happen


# Back, reload, and pressing twice --------------------------------------------------------------------------------


def test_back_after_finish_leads_to_the_connection(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    detail = alice_client.post(step_3)["Location"]
    before = rows()

    for address in (step_3, step_3.removesuffix("finish/")):
        assert alice_client.get(address)["Location"] == detail
    assert rows() == before


def test_a_second_press_of_finish_meets_the_same_connection(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)

    first, second = (alice_client.post(step_3)["Location"] for _ in range(2))

    assert first == second
    assert Connection.objects.count() == Sync.objects.count() == 1
    assert Connection.objects.get().events.filter(verb="connected").count() == 1


def test_two_presses_of_continue_meet_the_same_draft(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)

    first, second = (alice_client.post(step_2, details(sandbox))["Location"] for _ in range(2))

    assert first == second
    assert Connection.objects.count() == 1


def test_a_reload_of_the_page_with_an_error_sends_the_same_refusal_again(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    first, second = (
        error_at(send(alice_client, step_2, details(sandbox, api_key="f" * 40)), "api_key") for _ in range(2)
    )

    assert first == second != ""
    assert Connection.objects.get().state == "draft"


def test_looking_changes_nothing(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    before = rows()
    sandbox.reset()

    for address in (ADD, step_3, step_3.removesuffix("finish/"), LIST):
        assert alice_client.get(f"{address}?source=activecampaign&name=x&save_unverified=1").status_code == 200
    assert alice_client.get(step_3.replace("finish/", "discard/")).status_code == 405
    assert rows() == before
    assert not sandbox.requests


def test_the_last_step_before_the_second_leads_to_the_second(alice_client: Client) -> None:
    step_2 = begin(alice_client)
    before = rows()

    for response in (alice_client.get(f"{step_2}finish/"), alice_client.post(f"{step_2}finish/", {"pace": "full"})):
        assert response["Location"] == step_2
    assert rows() == before
    assert not Sync.objects.exists()


# Two tabs --------------------------------------------------------------------------------------------------------


def test_what_was_finished_in_one_tab_is_not_undone_by_another(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    step_2 = step_3.removesuffix("finish/")
    alice_client.post(step_3)
    before = rows()

    response = alice_client.post(step_2, details(sandbox, name="Late", privacy="private"), follow=True)

    assert "already finished" in messages(response.content.decode())
    assert response.redirect_chain[-1][0] == Connection.objects.get().get_absolute_url()
    assert rows() == before


def test_what_another_tab_finishes_during_the_check_stays_finished(
    alice_client: Client, alice: User, sandbox: SandboxServer, between: Callable[..., None]
) -> None:
    step_3 = set_up(alice_client, sandbox)
    between(lambda: client_of(alice).post(step_3))

    response = alice_client.post(step_3.removesuffix("finish/"), details(sandbox, name="Late"), follow=True)

    connection = Connection.objects.get()
    assert (connection.state, connection.name) == ("active", "Main account")
    assert response.redirect_chain[-1][0] == connection.get_absolute_url()


def test_what_another_tab_discards_during_the_check_stays_discarded(
    alice_client: Client, alice: User, sandbox: SandboxServer, between: Callable[..., None]
) -> None:
    step_2 = begin(alice_client)
    between(lambda: client_of(alice).post(f"{step_2}discard/"))

    response = alice_client.post(step_2, details(sandbox), follow=True)

    assert response.status_code == 404
    assert rows() == []


def test_what_another_tab_finishes_is_not_deleted_by_discard(
    alice_client: Client, alice: User, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    step_3 = set_up(alice_client, sandbox)
    my_draft = views.my_draft

    def then_finished(*args: Any) -> Connection:
        monkeypatch.setattr(views, "my_draft", my_draft)
        draft = my_draft(*args)
        client_of(alice).post(step_3)
        return draft

    monkeypatch.setattr(views, "my_draft", then_finished)

    response = alice_client.post(step_3.replace("finish/", "discard/"), follow=True)

    assert Connection.objects.get().state == "active"
    assert response.redirect_chain[-1][0] == Connection.objects.get().get_absolute_url()


def test_finish_is_not_pressed_for_what_was_not_seen(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    seen = value(read(alice_client, step_3), "version")
    alice_client.post(step_3.removesuffix("finish/"), details(sandbox, privacy="private"))

    response = alice_client.post(step_3, {"version": seen}, follow=True)

    assert "The set-up changed since this page was shown." in messages(response.content.decode())
    assert "Private to Me" in words(response.content.decode())
    assert Connection.objects.get().state == "draft"


def test_two_set_ups_side_by_side_do_not_mix(alice_client: Client, sandbox: SandboxServer) -> None:
    first = set_up(alice_client, sandbox, name="First")
    second = set_up(alice_client, sandbox, name="Second", privacy="private")

    for step_3 in (first, second):
        alice_client.post(step_3)

    assert sorted(Connection.objects.values_list("name", "privacy")) == [("First", "workspace"), ("Second", "private")]


# Leaving and coming back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["", "finish/"])
def test_login_returns_to_the_same_step_when_the_session_has_ended(
    step: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    address = set_up(alice_client, sandbox).removesuffix("finish/") + step
    alice_client.logout()
    before = rows()

    login = alice_client.post(address, details(sandbox, name="Late"))["Location"]
    page = read(alice_client, login)
    back = alice_client.post(login, {"login": "alice@harbourtea.example", "password": PASSWORD, "next": address})

    assert login == f"/accounts/login/?next={address}"
    assert value(page, "next") == address
    assert back["Location"] == address
    assert rows() == before
    assert "Main account" in read(alice_client, address)


def test_an_unfinished_set_up_is_offered_to_continue(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    send(alice_client, step_2, details(sandbox, name="Half way", api_key=""))

    for address in (ADD, LIST):
        page = read(alice_client, address)
        assert "Half way Unfinished ActiveCampaign connection, begun" in words(page)
        assert re.search(rf'<a[^>]*href="{step_2}"[^>]*>Continue</a>', page)
    assert value(read(alice_client, step_2), "name") == "Half way"


def test_a_set_up_that_nothing_was_typed_into_is_not_worth_offering(alice_client: Client) -> None:
    begin(alice_client)

    assert "unfinished" not in read(alice_client, ADD)


def test_a_set_up_can_be_discarded(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)

    response = alice_client.post(step_3.replace("finish/", "discard/"), follow=True)

    assert response.redirect_chain[-1][0] == ADD
    assert "The unfinished set-up was discarded." in messages(response.content.decode())
    assert rows() == []
    assert alice_client.get(step_3).status_code == 404


def test_a_finished_connection_cannot_be_discarded(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    alice_client.post(step_3)
    before = rows()

    response = alice_client.post(step_3.replace("finish/", "discard/"))

    assert response["Location"] == Connection.objects.get().get_absolute_url()
    assert rows() == before


def test_a_source_switched_off_is_said_and_keeps_what_was_typed(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_3 = set_up(alice_client, sandbox)
    step_2 = step_3.removesuffix("finish/")
    settings.SOURCES_SWITCHED_OFF = ["activecampaign"]
    before = rows()

    assert "ActiveCampaign cannot be connected right now" in read(alice_client, step_2)
    assert "cannot be connected right now" in send(alice_client, step_2, details(sandbox, name="Late"))
    assert alice_client.get(step_3)["Location"] == alice_client.post(step_3)["Location"] == step_2
    assert not re.search(r'<button[^>]* value="activecampaign"', read(alice_client, ADD))
    assert error_at(send(alice_client, ADD, {"source": "activecampaign"}), "source")
    assert rows() == before

    settings.SOURCES_SWITCHED_OFF = []
    assert value(read(alice_client, step_2), "name") == "Main account"


def test_what_is_being_typed_is_kept_without_the_key_before_it_is_sent(alice_client: Client, alice: User) -> None:
    step_2 = begin(alice_client)
    typing = {"api_url": "https://acme.api-us1.com", "name": "Half a na", "privacy": "private", "api_key": "feed" * 10}

    answer = alice_client.post(f"{step_2}keep/", typing)

    page = alice_client.get(step_2).content.decode()
    assert answer.status_code == 204
    assert 'value="Half a na"' in page
    assert 'value="https://acme.api-us1.com"' in page
    draft = Connection.objects.get()
    assert not draft.has_key
    assert "feed" not in draft.typed_values().values()


def test_what_is_typed_into_a_tab_after_another_one_finished_changes_nothing(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)
    finish = alice_client.post(step_2, details(sandbox))["Location"]
    alice_client.post(finish)

    answer = alice_client.post(f"{step_2}keep/", {"name": "Too late"})

    assert answer.status_code == 410
    assert Connection.objects.get().name == "Main account"


def test_a_good_key_beside_a_wrong_address_has_to_be_pasted_again_and_that_is_said(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    page = send(alice_client, step_2, details(sandbox, api_url="http://acme.api-us1.com"))

    assert "Paste the key once more" in page
    assert not Connection.objects.get().has_key


# Very many set-ups -----------------------------------------------------------------------------------------------


def test_the_oldest_unfinished_set_up_goes_when_there_are_too_many_and_that_is_said(
    alice_client: Client, bob_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setting_up, "MOST_DRAFTS", 2)
    bobs = begin(bob_client)
    first, second = begin_named(alice_client, "First"), begin_named(alice_client, "Second")
    assert "was discarded" not in read(alice_client, second)

    third = begin(alice_client)

    assert "Your oldest unfinished set-up, “First”, was discarded: at most 2 are kept." in messages(
        read(alice_client, third)
    )
    assert alice_client.get(first).status_code == 404
    assert [alice_client.get(address).status_code for address in (second, third)] == [200, 200]
    assert bob_client.get(bobs).status_code == 200


def test_what_is_finished_does_not_count_as_a_set_up(
    alice_client: Client, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setting_up, "MOST_DRAFTS", 1)
    alice_client.post(set_up(alice_client, sandbox))

    begin(alice_client)

    assert Connection.objects.count() == 2


def begin_named(client: Client, name: str) -> str:
    step_2 = begin(client)
    client.post(f"{step_2}keep/", {"name": name})
    return step_2
