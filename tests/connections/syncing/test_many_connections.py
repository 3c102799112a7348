"""A large site: many are due at once, workers of both engines pull them through PgBouncer, and Redis forgets all."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection as database
from django.utils import timezone

from connections.models import Connection, Holding, User, Workspace
from connections.models.sync import Sync, SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Credentials, Proof, Secret
from tests.command_fixture import StartCommand, database_url
from tests.pgbouncer import NO_PGBOUNCER, pooled, program
from tests.redis_fixture import broker

__all__ = ["broker"]

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = 20
RATE = 5
PATIENCE = 1500.0  # Seconds, for a thousand on two cores that have other work.


@pytest.fixture
def database_through_pgbouncer() -> Iterator[str]:
    """The address of the test's database through PgBouncer."""
    if database.vendor != "postgresql":
        pytest.skip("PgBouncer stands before PostgreSQL: tests.connections.test_postgresql runs these.")
    found = program()
    if found is None:
        refuse = pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip
        refuse(NO_PGBOUNCER)
    with pooled(found, database_url()) as url:
        yield url


def connect_many(accounts: Sequence[SandboxServer], count: int, *, home: Workspace, by: User) -> None:
    """All due for a minute, one stream each."""
    holdings = Holding.objects.bulk_create(Holding() for _ in range(count))
    rows = [Connection(workspace=home, created_by=by, holding=holding) for holding in holdings]
    for number, row in enumerate(rows):
        account = accounts[number % len(accounts)]
        row.source_key, row.name, row.privacy, row.state = "activecampaign", f"{number}", "workspace", "active"
        row.authorised_at, row.next_sync_at = timezone.now(), timezone.now() - timedelta(minutes=1)
        row.stream_keys, row.pace, row.schedule = ["contacts"], "full", "daily"
        row.keep_credentials(Credentials(api_url=account.origin, api_key=Secret(account.api_key)), by=by)
        row.accept_proof(Proof(account="", person="Mira Holt", person_email="mira@harbourtea.example", owner="1"))
    Connection.objects.bulk_create(rows)


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.scale)])
def test_four_workers_of_both_engines_sync_each_once_within_the_budgets_though_redis_forgets_everything(
    count: int,
    new_sandbox: Callable[..., SandboxServer],
    start_python: StartCommand,
    broker: str,
    database_through_pgbouncer: str,
    workspace: Workspace,
    alice: User,
) -> None:
    accounts = [new_sandbox(contacts=20, deals=0, rate=RATE, seed=1 + number) for number in range(ACCOUNTS)]
    connect_many(accounts, count, home=workspace, by=alice)
    ended, site = (
        Sync.objects.exclude(finished_at=None),
        {"DATABASE_URL": database_through_pgbouncer, "ACTIVECAMPAIGN_RATE": str(RATE)},
    )
    celery = ("-m", "celery", "-A", "blinkmetrics", "worker")
    both = {**site, "CELERY_BROKER_URL": broker, "REDIS_URL": broker}

    workers = [start_python("manage.py", "worker", **site) for _ in range(2)]
    workers += [start_python(*celery, *words, **both) for words in (["-B", "-n", "one@%h"], ["-n", "two@%h"])]
    wait(lambda: ended.count() >= count // 3, workers)
    redis.Redis.from_url(broker).flushall()
    wait(lambda: ended.count() >= count, workers)

    assert [worker.send(signal.SIGTERM) for worker in workers] == [0] * 4
    assert set(Sync.objects.values_list("state", "number")) == {(SyncState.COMPLETE, 1)}
    assert Sync.objects.values("connection").distinct().count() == Sync.objects.count() == count
    assert {one.records.count() for one in Connection.objects.all()} == {20}
    traffic = [account.stats() for account in accounts]
    assert max(one["max_in_one_second"] for one in traffic) <= RATE
    # A call that a busy machine delivers late comes together with the next one.
    assert 200 * sum(one["rejected_429"] for one in traffic) <= sum(one["requests"] for one in traffic)


def wait(happened: Callable[[], bool], workers: Sequence[Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert all(worker.process.poll() is None for worker in workers), "A worker has ended."
        assert time.monotonic() < deadline, f"After {PATIENCE:.0f} seconds not all was synced."
        time.sleep(0.5)
