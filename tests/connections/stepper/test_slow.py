"""Step 2 with an account that is slow: the page is there within ten seconds, and the check goes on in a worker."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from connections.models import Connection, LiveCheck, User
from connections.operating.housekeeping import keep_house
from sources.activecampaign.sandbox.server import SandboxServer
from tests.connections.slow import carry_on_all, hangs, impatient, sealed_columns
from tests.connections.stepper.walking import begin, controls, details, error_at, read, title, value, words

__all__ = ["impatient"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit", "impatient")]

SLOW = "ActiveCampaign is slow today"


def stored_in_cache() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM cache")
        return str(cursor.fetchall())


def test_a_slow_account_answers_in_the_end_and_nothing_is_typed_again(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)

    response = alice_client.post(step_2, details(sandbox, name="The slow one", privacy="private"))
    waiting = read(alice_client, response["Location"])
    carried = carry_on_all()
    arrived = read(alice_client, step_2)
    finished = alice_client.post(step_2, {"go_on": "1"})

    assert response["Location"] == step_2
    assert SLOW in words(waiting)
    assert not controls(waiting, "api_key")
    assert carried == 1
    assert "ActiveCampaign has answered" in words(arrived)
    assert finished["Location"] == f"{step_2}finish/"
    draft = Connection.objects.get()
    assert (draft.name, draft.privacy, draft.health) == ("The slow one", "private", "healthy")
    assert draft.credentials().api_key.reveal() == sandbox.api_key
    assert not LiveCheck.objects.exists()
    assert SLOW not in words(read(alice_client, step_2))


def test_the_page_looks_again_with_a_script_and_without(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))

    waiting = read(alice_client, step_2)
    carry_on_all()
    arrived = read(alice_client, step_2)

    assert f'hx-get="{step_2}"' in waiting
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in waiting
    assert "data-sends-itself" in arrived
    assert 'http-equiv="refresh"' not in arrived


@pytest.mark.parametrize(
    ("fault", "field", "sentence", "is_kept"),
    [
        ({"kind": "forbidden"}, "api_key", "ActiveCampaign did not accept this key.", False),
        ({"kind": "unpaid"}, "api_url", "payment problem", False),
        ({"status": 404}, "api_url", "Nothing that speaks ActiveCampaign's API is at this address.", False),
        ({"status": 500}, "api_url", "ActiveCampaign had an error.", True),
        ({"kind": "busy"}, "api_url", "ActiveCampaign is busy", True),
    ],
)
def test_what_is_wrong_is_said_at_the_field_at_fault_as_ever(
    fault: dict[str, Any], field: str, sentence: str, is_kept: bool, alice_client: Client, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox, name="Typed", privacy="private"))
    sandbox.fault("users/me", times=None, **fault)
    carry_on_all()

    response = alice_client.post(step_2, {"go_on": "1"})

    page = response.content.decode()
    assert response.status_code == 200
    assert title(page).startswith("Error:")
    assert sentence in error_at(page, field)
    assert value(page, "name") == "Typed"
    assert Connection.objects.get().has_key == is_kept
    assert not LiveCheck.objects.exists()


def test_a_second_tab_back_and_a_closed_tab_meet_the_same_check(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))

    assert SLOW in words(read(alice_client, step_2))
    assert alice_client.get(f"{step_2}finish/")["Location"] == step_2
    too_early = alice_client.post(step_2, {"go_on": "1"})
    carry_on_all()

    assert too_early["Location"] == step_2
    assert alice_client.post(step_2, {"go_on": "1"})["Location"].endswith("/finish/")
    assert alice_client.post(step_2, {"go_on": "1"})["Location"] == step_2
    assert Connection.objects.count() == 1


def test_a_tab_that_is_still_polling_when_another_went_on_is_loaded_anew(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    polled = alice_client.get(step_2, headers={"HX-Request": "true"})
    carry_on_all()
    alice_client.post(step_2, {"go_on": "1"})

    assert SLOW in words(polled.content.decode())
    assert "<main" not in polled.content.decode()  # What was to be said on the page is not used up by looking.
    assert alice_client.get(step_2, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_other_values_posted_meanwhile_are_checked_and_the_first_answer_changes_nothing(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox, name="First"))
    claimed = LiveCheck.objects.claim()
    assert claimed is not None
    hangs(sandbox)

    alice_client.post(step_2, details(sandbox, name="Second"))
    claimed.succeed()
    carry_on_all()
    alice_client.post(step_2, {"go_on": "1"})

    assert Connection.objects.get().name == "Second"


def test_it_may_be_saved_without_testing_while_the_check_goes_on(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    assert "Save without testing" in read(alice_client, step_2)

    response = alice_client.post(step_2, {"go_on": "1", "save_unverified": "1"})

    assert response["Location"] == f"{step_2}finish/"
    assert Connection.objects.get().health == "not_verified"
    assert carry_on_all() == 0


def test_without_a_worker_the_page_says_so(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    LiveCheck.objects.update(asked_at=timezone.now() - timedelta(seconds=30))

    assert "no worker runs" in words(read(alice_client, step_2))


def test_the_key_is_sealed_on_the_rows_and_nowhere_else(
    alice_client: Client, sandbox: SandboxServer, bob_client: Client
) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    waiting = read(alice_client, step_2)
    carry_on_all()
    arrived = read(alice_client, step_2)

    assert sandbox.origin not in sealed_columns()
    for text in (waiting, arrived, sealed_columns(), str(dict(alice_client.session)), stored_in_cache()):
        assert sandbox.api_key not in text
    assert bob_client.get(step_2).status_code == 404


def test_a_check_of_somebody_who_has_left_is_not_carried_on(
    alice: User, alice_client: Client, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    alice_client.post(begin(alice_client), details(sandbox))
    alice.is_active = False
    alice.save()
    asked = len(sandbox.requests)

    carry_on_all()

    assert len(sandbox.requests) == asked
    assert not LiveCheck.objects.exists()


def test_a_worker_that_was_killed_is_followed_by_another(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    assert LiveCheck.objects.claim() is not None
    assert LiveCheck.objects.claim() is None

    LiveCheck.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert carry_on_all() == 1
    assert alice_client.post(step_2, {"go_on": "1"})["Location"].endswith("/finish/")


def test_after_a_day_nothing_of_it_is_left(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    LiveCheck.objects.update(asked_at=timezone.now() - timedelta(hours=25))

    assert controls(read(alice_client, step_2), "api_key")
    keep_house()
    assert not LiveCheck.objects.exists()


def test_what_an_account_said_hours_ago_is_asked_again(alice_client: Client, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    carry_on_all()
    LiveCheck.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    sandbox.revoke(sandbox.api_key)

    page = alice_client.post(step_2, {"go_on": "1"}).content.decode()

    assert error_at(page, "api_key").startswith("ActiveCampaign did not accept this key.")
