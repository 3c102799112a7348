"""Whom to tell of a weakness: /.well-known/security.txt, by RFC 9116."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

ADDRESS = "/.well-known/security.txt"

pytestmark = pytest.mark.django_db


def test_anybody_reads_whom_to_tell_and_until_when_that_holds(client: Client, settings: Any) -> None:
    settings.SECURITY_CONTACT, settings.SITE_URL = "mailto:security@metrics.example", "https://metrics.example"

    response = client.get(ADDRESS)

    fields = dict(line.split(": ", 1) for line in response.content.decode().splitlines())
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert fields.pop("Contact") == "mailto:security@metrics.example"
    assert fields.pop("Canonical") == f"https://metrics.example{ADDRESS}"
    assert timedelta(days=90) < datetime.fromisoformat(fields.pop("Expires")) - timezone.now() < timedelta(days=365)
    assert fields == {}


def test_without_a_contact_there_is_no_such_page(client: Client, settings: Any) -> None:
    settings.SECURITY_CONTACT = ""

    assert client.get(ADDRESS).content == client.get("/nothing/here/").content
