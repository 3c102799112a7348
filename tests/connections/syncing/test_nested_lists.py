"""Lists that stand within the rows of another stream: those of new and changed parents, and what is said of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from connections.models import Connection
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull, take_up
from tests.connections.stepper.walking import words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = ["scores", "scoreValues", "campaigns", "campaignLinks", "customObjectSchemas", "customObjectRecords"]
WITHIN = {"scoreValues": "scoreValues", "campaignLinks": "links", "customObjectRecords": "customObjects/records"}
PARENT = {"scoreValues": "score", "campaignLinks": "campaignid", "customObjectRecords": "schemaId"}


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=300, deals=3)


@pytest.fixture
def pulled(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    connection.stream_keys = STREAMS
    connection.save()
    assert pull(connection).state == SyncState.COMPLETE
    return connection


def stored(connection: Connection, stream: str) -> set[str]:
    return {*connection.records.living().filter(stream=stream).values_list("external_id", flat=True)}


def in_account(account: SandboxServer, stream: str) -> set[str]:
    return {f"{row[PARENT[stream]]}/{row['id']}" for row in account.world.rows(WITHIN[stream])}


def a_week_passes(connection: Connection) -> None:
    connection.holding.marks.update(complete_at=F("complete_at") - timedelta(days=8))


@pytest.mark.parametrize("stream", WITHIN)
def test_rows_of_all_parents_come_under_the_ids_of_both(
    account: SandboxServer, pulled: Connection, stream: str
) -> None:
    assert stored(pulled, stream) == in_account(account, stream) != set()


def test_only_the_lists_of_new_and_changed_parents_are_read_where_parents_tell(
    account: SandboxServer, pulled: Connection
) -> None:
    changed, deleted = account.world.ids("campaigns")[2:4]
    campaign = account.world.insert("campaigns")
    for one in (changed, campaign):
        account.world.insert("links", campaignid=one)
    account.world.change("campaigns", changed, name="Another")
    for link in account.world.tied("links", "campaignid", deleted):
        account.world.remove("links", link)
    account.reset()

    pull(pulled)

    assert {call.place.split("/")[1] for call in account.requests if call.place.endswith("/links")} == {
        changed,
        campaign,
    }
    assert in_account(account, "campaignLinks") < stored(pulled, "campaignLinks")
    for _ in range(2):  # Of these the account gives no single rows: two whole walks have to miss them.
        a_week_passes(pulled)
        pull(pulled)
    assert in_account(account, "campaignLinks") == stored(pulled, "campaignLinks")


def test_records_that_come_in_another_order_each_time_are_read_until_nothing_new_comes_and_pruned_by_no_single_walk(
    account: SandboxServer, pulled: Connection
) -> None:
    gone = account.world.ids("customObjects/records")[7]
    account.world.remove("customObjects/records", account.world.table("customObjects/records").ids[7])

    kept = []
    for _ in range(2):
        sync = pull(pulled, full=True)
        assert sync.stream_runs.get(stream="customObjectRecords").state == RunState.COMPLETE
        kept.append(any(one.endswith(gone) for one in stored(pulled, "customObjectRecords")))

    assert kept == [True, False]
    assert stored(pulled, "customObjectRecords") == in_account(account, "customObjectRecords")


def test_a_parent_that_goes_meanwhile_ends_nothing(account: SandboxServer, pulled: Connection) -> None:
    went = account.world.ids("campaigns")[1]
    a_week_passes(pulled)
    account.on_call(
        lambda call: (
            account.world.remove("campaigns", went)
            if call.place.endswith("/links") and account.world.has("campaigns", went)
            else None
        )
    )

    sync = pull(pulled)

    assert sync.stream_runs.get(stream="campaignLinks").state == RunState.COMPLETE


def test_a_killed_walk_goes_on_with_the_lists_that_are_left(
    account: SandboxServer, pulled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.http.retry._jitter", lambda state: 0.0)
    pulled.holding.marks.filter(stream="campaignLinks").delete()
    account.reset()
    account.fault(f"campaigns/{account.world.ids('campaigns')[-1]}/links", status=500, times=1000)
    sync = pull(pulled, only=["campaignLinks"])
    before = len(account.requests)
    account.clear_faults()

    sync = take_up(sync)

    assert sync.state == SyncState.COMPLETE
    assert stored(pulled, "campaignLinks") == in_account(account, "campaignLinks")
    assert len(account.requests) - before < len(account.world.ids("campaigns"))


def test_choosing_such_a_stream_chooses_the_one_that_it_stands_in_and_shows_its_price(
    alice_client: Client, pulled: Connection
) -> None:
    pulled.choose_pulling(
        streams=["contacts", "campaignLinks"],
        pace=pulled.pace,
        schedule=pulled.schedule,
        daily_at=pulled.daily_at,
    )
    assert pulled.stream_keys == ["contacts", "campaigns", "campaignLinks"]

    page = words(alice_client.get(f"{pulled.get_absolute_url()}pulling/").content.decode())
    campaigns = pulled.row_counts.by_stream()["campaigns"]
    assert (
        f"{campaigns + pulled.row_counts.by_stream()['campaignLinks'] // 100} calls"
        in page.partition("Links of campaigns")[2]
    )


def test_without_the_stream_that_it_stands_in_it_says_so(account: SandboxServer, connect: Connect) -> None:
    connection = connect(account)
    connection.stream_keys = ["campaignLinks"]
    connection.save()

    run = pull(connection).stream_runs.get()

    assert (run.state, run.reason) == (
        RunState.FAILED,
        "They are read by the rows of Campaigns, which are not chosen.",
    )
