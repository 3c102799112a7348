"""One account under two hosts: it has one budget, and is noticed as connected already."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connections
from django.test import Client

from connections.checking.checking import check
from connections.models import AccountBudget, AccountName, Connection
from connections.operating.rotation import reseal_all
from connections.safe.sealing import fingerprint
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, pull
from tests.connections.stepper.walking import begin, details, words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer], settings: Any) -> SandboxServer:
    sandbox = new_sandbox(contacts=600, deals=0, rate=5)
    settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [*settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS, under_its_other_name(sandbox)]
    return sandbox


def under_its_other_name(sandbox: SandboxServer) -> str:
    return sandbox.origin.replace("127.0.0.1", "localhost")


def connect_twice(account: SandboxServer, connect: Connect) -> list[Connection]:
    one = connect(account, name="Main")
    other = connect(name="The other", api_url=under_its_other_name(account), api_key=account.api_key)
    for each in (one, other):
        check(each, by=None)
    return [again(one), again(other)]


def test_both_share_one_budget_at_full_pace(account: SandboxServer, connect: Connect) -> None:
    both = connect_twice(account, connect)
    account.reset()

    def run(connection: Connection) -> None:
        pull(connection, only=["contacts"])
        connections.close_all()

    threads = [threading.Thread(target=run, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stats = account.stats()
    assert stats["max_in_one_second"] <= 5
    assert stats["rejected_429"] <= 2  # Of each by itself there would be one of two.
    assert {each.account_fingerprint for each in both} == {
        fingerprint("account", account.origin.removeprefix("http://"))
    }
    assert AccountBudget.objects.filter(account=both[0].account_fingerprint).exists()


def test_the_set_up_says_that_it_is_connected_already(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connect(account, name="Main")
    step_2 = begin(alice_client)

    posted = {**details(account), "api_url": under_its_other_name(account)}
    page = alice_client.post(step_2, posted, follow=True).content.decode()

    assert "already connected as" in words(page)
    assert "Main" in words(page)


def test_names_are_sealed_and_brought_under_a_new_key(account: SandboxServer, connect: Connect, settings: Any) -> None:
    connect_twice(account, connect)
    stored = str(AccountName.objects.values().get())
    assert "localhost" not in stored
    assert "127.0.0.1" not in stored

    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]
    assert reseal_all().is_whole
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]

    one, other = (again(each) for each in Connection.objects.all())
    assert one.account_fingerprint == other.account_fingerprint
    assert [*Connection.objects.same_account(one)] == [other]


def test_a_host_that_says_nothing_is_its_own_account(connect: Connect) -> None:
    one, other = connect(api_url="https://one.api-us1.com"), connect(api_url="https://two.api-us1.com")

    assert one.account_fingerprint != other.account_fingerprint
    assert not AccountName.objects.exists()
