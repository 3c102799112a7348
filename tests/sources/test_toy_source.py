"""A second source needs nothing but its folder: it is offered, set up and pulled like the first."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from connections.models import Connection, Health, Sync, User
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from connections.syncing.syncing import run
from tests.toy_sources.toy import client as shop

ADD = "/w/harbour-tea/connections/add/"
TYPED = {
    "api_url": "https://corner.toys.example/",
    "api_key": shop.KEY,
    "name": "The corner shop",
    "privacy": "workspace",
}


@pytest.fixture
def closed_orders() -> Iterator[None]:
    shop.CLOSED.add("orders")
    yield
    shop.CLOSED.clear()


def set_up(client: Client, **changed: str) -> Any:
    step_2 = client.post(ADD, {"source": "toy"})["Location"]
    return client.post(step_2, {**TYPED, **changed})


def finished(client: Client, user: User) -> Connection:
    client.post(set_up(client)["Location"])
    return Connection.objects.visible_to(user).get()


def pull(connection: Connection) -> Sync:
    """Run the queued sync as a worker does."""
    sync = Sync.objects.claim(pk=connection.syncs.active().get().pk)
    assert sync is not None
    run(sync)
    sync.refresh_from_db()
    return sync


def test_the_toy_shop_is_offered_beside_activecampaign(alice_client: Client) -> None:
    page = alice_client.get(ADD).content.decode()

    assert "Toy Shop" in page
    assert "a shop that stands on a table" in page
    assert "ActiveCampaign" in page


def test_step_2_shows_the_toy_shops_own_fields_and_guide(alice_client: Client) -> None:
    step_2 = alice_client.post(ADD, {"source": "toy"})["Location"]

    page = alice_client.get(step_2).content.decode()

    assert step_2.startswith(f"{ADD}toy/")
    assert "Shop address" in page
    assert "Open the lid of the toy box." in page


def test_the_journey_with_the_toy_shop_makes_a_connection(alice_client: Client, alice: User) -> None:
    connection = finished(alice_client, alice)

    assert connection.get_absolute_url() == f"/w/harbour-tea/connections/toy/{connection.pk}/"
    assert connection.address() == "https://corner.toys.example"
    page = alice_client.get(connection.get_absolute_url()).content.decode()
    assert "Toy Shop Connections" in page
    assert "Pia Toymaker" in page


def test_the_toy_shops_refusal_is_said_at_the_key_and_stores_nothing(alice_client: Client) -> None:
    response = set_up(alice_client, api_key="a-key-of-another-shop")

    page = response.content.decode()
    assert response.status_code == 200
    assert "The toy shop did not accept this key." in page.partition('id="id_api_key_error"')[2]
    assert "a-key-of-another-shop" not in page
    assert not Connection.objects.get().has_key


@pytest.mark.django_db(transaction=True)
def test_the_toy_shops_rows_arrive_page_by_page(alice_client: Client, alice: User) -> None:
    connection = finished(alice_client, alice)

    sync = pull(connection)

    assert sync.state == SyncState.COMPLETE
    assert connection.row_counts.by_stream() == {"toys": 3, "orders": 1}
    assert sync.stream_runs.get(stream="toys").pages == 2
    assert "Wooden boat" in alice_client.get(f"{connection.get_absolute_url()}data/toys/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_stream_that_the_toy_shop_refuses_is_skipped_and_said(
    alice_client: Client, alice: User, closed_orders: None
) -> None:
    connection = finished(alice_client, alice)

    sync = pull(connection)

    refused = sync.stream_runs.get(stream="orders")
    assert sync.outcome == "Complete; Orders: Pia Toymaker's key may not read orders."
    assert (refused.state, refused.reason) == (RunState.SKIPPED, "Pia Toymaker's key may not read orders.")
    assert connection.row_counts.by_stream() == {"toys": 3}
    connection.refresh_from_db()
    assert connection.health == Health.HEALTHY


def test_a_new_source_needs_no_migration(db: None) -> None:
    told = StringIO()

    call_command("makemigrations", "--check", "--dry-run", stdout=told)

    assert "No changes detected" in told.getvalue()
