"""The stepper."""

from django.test import Client

from connections.models import Connection, User, Workspace
from sources.activecampaign.sandbox.server import SandboxServer

ADD = "/w/harbour-tea/connections/add/"


def begin(client: Client) -> str:
    """Choose ActiveCampaign; returns the address of step 2."""
    return client.post(ADD, {"source": "activecampaign"})["Location"]


def details(sandbox: SandboxServer, **changed: str) -> dict[str, str]:
    typed = {"api_url": sandbox.origin, "api_key": sandbox.api_key, "name": "Main account", "privacy": "workspace"}
    return {**typed, **changed}


def test_the_journey_creates_one_connection_and_queues_its_first_sync(
    alice_client: Client, alice: User, workspace: Workspace, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    finish = alice_client.post(step_2, details(sandbox))["Location"]
    detail = alice_client.post(finish)["Location"]

    connection = Connection.objects.visible_to(alice).get()
    assert detail == connection.get_absolute_url()
    assert connection.syncs.get().trigger == "first"
    page = alice_client.get(detail).content.decode()
    assert "ActiveCampaign Connections" in page
    assert 'aria-current="page">Main account</a>' in page
    assert "Connection created" in page


def test_a_refused_key_is_said_at_its_field_and_stores_no_connection(
    alice_client: Client, alice: User, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    page = alice_client.post(step_2, details(sandbox, api_key="f" * 40)).content.decode()

    assert 'id="id_api_key_error"' in page
    assert "Error:" in page.split("</title>")[0]
    assert not Connection.objects.visible_to(alice).exists()
    assert not Connection.objects.get().has_key
