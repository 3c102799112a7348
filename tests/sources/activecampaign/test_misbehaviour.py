"""Servers that misbehave, met over real TLS by a pull and by a test: what is told, asked, waited for and kept."""

import logging
import re
import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from sources.activecampaign import client
from sources.activecampaign.check import check
from sources.activecampaign.client import open_line
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.streams import STREAMS
from sources.errors import SourceError
from sources.http.session import polite_client
from sources.spec import Credentials, Pulled, Row, Secret, Wanted
from tests.sources.activecampaign.conftest import KEY, FreeBudget
from tests.sources.http.conftest import HOST
from tests.sources.http.misbehaviour.answering import ANSWERING
from tests.sources.http.misbehaviour.case import GENEROUS, Case
from tests.sources.http.misbehaviour.reaching import REACHING
from tests.sources.http.misbehaviour.rows import ROWS
from tests.sources.http.misbehaviour.waiting import WAITING
from tests.sources.http.misbehaviour.walking import LISTS, WALKS, WalkCase
from tests.sources.http.scripted_server import ScriptedServer

CASES = (*REACHING, *ANSWERING, *WAITING, *LISTS)
STREAM = {stream.key: stream for stream in STREAMS}
CONTACTS = STREAM["contacts"]
ROOT = Path(__file__).parents[2]
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@dataclass
class Outcome:
    """What came of meeting a server that misbehaves."""

    rows: dict[str, Row] = field(default_factory=dict)
    error: SourceError | None = None
    unreadable: int = 0
    is_proven: bool = True

    def take(self, pulled: Pulled) -> None:
        self.error = pulled.failure
        if pulled.page:
            self.rows |= pulled.page.rows
            self.unreadable += len(pulled.page.unkept)
            self.is_proven = self.is_proven and pulled.page.seam_proven


@dataclass
class Stage:
    """The world as one case wants it: its names, addresses and certificates."""

    case: Case
    server: ScriptedServer
    trusting: ssl.SSLContext
    deaf_port: int
    budget: FreeBudget = field(default_factory=FreeBudget)
    slept: list[float] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    dials: list[str] = field(default_factory=list)

    def client(self, **options: Any) -> httpx.Client:
        world = {"resolve": self._resolve, "dial": self._dial, "tls": self.trusting, "sleep": self.slept.append}
        limits = {"limits": self.case.limits} if self.case.limits else {}
        return polite_client(**options | world | limits)

    def _resolve(self, host: str, port: int) -> list[str]:
        self.lookups.append(host)
        return self.case.resolve(len(self.lookups) - 1)

    def _dial(self, address: str, port: int) -> tuple[str, int]:
        self.dials.append(address)
        if address in self.case.dead:
            return "127.0.0.1", closed_port()
        return "127.0.0.1", self.deaf_port if address in self.case.deaf else self.server.port

    def outcome(self) -> Outcome:
        credentials = Credentials(api_url=f"https://{HOST}", api_key=Secret(KEY))
        outcome = Outcome()
        try:
            if self.case.by == "test":
                proof = check(credentials, budget=self.budget, seconds=GENEROUS)
                outcome.rows = {str(number): {} for number in range(proof.counts["contacts"])}
                return outcome
            with open_line(credentials, budget=self.budget) as line:
                for pulled in line.pull([Wanted(stream=CONTACTS)]):
                    outcome.take(pulled)
        except SourceError as error:
            outcome.error = error
        return outcome


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port: int = gone.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def deaf_port() -> Iterator[int]:
    """Its queue is full and nobody takes anything from it: whoever calls is let wait."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def stage(authority: trustme.CA, deaf_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Case], Stage]]:
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with ExitStack() as stack:

        def build(case: Case) -> Stage:
            server = ScriptedServer(case.server_script(), tls=case.certificate(authority), greeting=case.greeting)
            stage = Stage(case, stack.enter_context(server), trusting, deaf_port)
            monkeypatch.setattr(client, "polite_client", stage.client)
            for name, value in case.patches.items():
                monkeypatch.setattr(name, value)
            return stage

        yield build


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Of old versions of TLS, which one server speaks.
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_server_that_misbehaves_is_survived(
    case: Case, stage: Callable[[Case], Stage], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    met = stage(case)
    began = time.monotonic()

    outcome = within_memory(met.outcome, megabytes=case.megabytes)

    assert time.monotonic() - began < case.seconds
    check_outcome(case, outcome)
    check_calls(case, met)
    check_what_was_told(case, outcome, caplog)


def within_memory(work: Callable[[], Outcome], *, megabytes: float | None) -> Outcome:
    if megabytes is None:
        return work()
    tracemalloc.start()
    try:
        outcome = work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1e6
    return outcome


def check_outcome(case: Case, outcome: Outcome) -> None:
    if case.error is None:
        assert outcome.error is None, repr(outcome.error)
        assert outcome.rows == case.rows if case.by == "pull" else len(outcome.rows) == len(case.rows)
        assert (outcome.unreadable, outcome.is_proven) == (case.unreadable, case.proven)
        return
    assert type(outcome.error) is case.error
    assert str(outcome.error) == case.says
    assert outcome.error.code == (case.code or case.error.code)
    assert outcome.rows == {}


def check_calls(case: Case, met: Stage) -> None:
    assert len([heard for heard in met.server.heard if not is_look_behind(heard.target)]) == case.requests
    assert {heard.headers["api-token"] for heard in met.server.heard} <= {KEY}
    assert not [heard for heard in met.server.heard if "cookie" in heard.headers]
    assert tuple(met.budget.slowed) == case.slowed
    for expected, seen in ((case.slept, met.slept), (case.lookups, met.lookups), (case.dials, met.dials)):
        assert expected is None or len(seen) == expected


def is_look_behind(target: str) -> bool:
    """Whether the end was looked for: most of these servers send the same two contacts whatever they are asked for."""
    is_first = "id_greater=0&" in target and "offset=" not in target
    return "contacts?orders" in target.replace("contacts?limit=100", "contacts?orders") and not is_first


def check_what_was_told(case: Case, outcome: Outcome, caplog: pytest.LogCaptureFixture) -> None:
    told = [record.getMessage() for record in caplog.records]
    assert case.logs in "\n".join(told)
    assert KEY not in "".join([*told, caplog.text, repr(outcome.rows), str(outcome.error), repr(outcome.error)])
    assert not [line for line in told if CONTROL.search(line)]


@pytest.mark.parametrize("case", WALKS, ids=str)
def test_a_list_that_lies_is_read_whole_or_said_not_to_be(
    case: WalkCase, account: SandboxServer, credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes = {"contacts": Outcome(), "deals": Outcome()}
    for fault in case.faults:
        account.fault(**fault)
    if case.stir:
        stir = case.stir
        account.on_call(lambda call: stir(account, len(account.requests)))

    with open_line(credentials, budget=FreeBudget()) as line:
        for pulled in line.pull([Wanted(stream=STREAM[key]) for key in outcomes]):
            outcomes[pulled.stream.key].take(pulled)

    assert len(account.requests) <= case.most_calls
    for key, outcome in outcomes.items():
        assert (outcome.error.code if outcome.error else "") == case.code
        assert outcome.is_proven or case.may_doubt
        stayed = set(account.world.ids(key))
        assert case.code or not outcome.is_proven or stayed <= outcome.rows.keys()
    assert KEY not in caplog.text


def test_each_row_of_the_list_is_met() -> None:
    in_the_middle = (ROOT / "connections" / "syncing" / "test_misbehaviour.py").read_text()
    met = {case.row for case in (*CASES, *WALKS)} | set(map(int, re.findall(r"(?m)^def test_(\d\d)_", in_the_middle)))

    assert met == ROWS.keys() == set(range(1, 81))
