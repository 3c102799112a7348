"""The seeded world: each ingredient, and that the same number gives the same again."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from sources.activecampaign.sandbox.stirring.neighbour import POLITE, RUDE, Neighbour
from sources.activecampaign.sandbox.stirring.stirring import KINDS, PLACES
from tests.sandbox_fixture import ask

BEGAN = 1_900_000_000


@pytest.fixture
def world_of() -> Iterator[Callable[..., SandboxServer]]:
    """Start a sandbox with these ingredients in its world."""
    with ExitStack() as running:

        def start(*, contacts: int = 400, rate: int = 0, **ingredients: Any) -> SandboxServer:
            chaos = Chaos(**({"seed": 5, "began": BEGAN} | ingredients))
            return running.enter_context(SandboxServer(contacts=contacts, deals=60, rate=rate, chaos=chaos))

        yield start


def page(sandbox: SandboxServer, offset: int = 0, path: str = "contacts") -> list[str]:
    return [row["id"] for row in ask(sandbox, path, limit=100, offset=offset).json()[path]]


def walk(sandbox: SandboxServer) -> list[Any]:
    """What a walk met, call by call, be it rows or a fault."""
    return [met(sandbox, offset=100 * (number % 4)) for number in range(12)]


def met(sandbox: SandboxServer, *, offset: int) -> Any:
    try:
        answer = ask(sandbox, "contacts", limit=100, offset=offset)
    except httpx.TransportError as error:
        return type(error).__name__
    if answer.status_code != 200 or not answer.content:
        return answer.status_code, len(answer.content)
    page = answer.json()
    return str(page["contacts"]).replace(sandbox.origin, ""), page["meta"].get("total")


def test_the_same_seed_is_the_same_run_and_another_seed_another(world_of):
    ingredients = {"changes": 2, "faults": 0.2, "lying_totals": 0.5, "duplicates": 0.5, "number_ids": 0.2}
    ingredients["fault_kinds"] = ("broken", "empty", "cut")

    first, again, other = (walk(world_of(seed=seed, **ingredients)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_a_run_is_the_same_when_streams_are_read_side_by_side(world_of):
    one, other = world_of(changes=3), world_of(changes=3)
    for _ in range(8):
        page(one)
        page(one, path="deals")

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(lambda path=path: [page(other, path=path) for _ in range(8)])
                     for path in ("contacts", "deals")]:  # fmt: skip
            done.result()

    assert one.world.ids("contacts") == other.world.ids("contacts")
    assert one.world.ids("deals") == other.world.ids("deals")


def test_all_ingredients_can_be_drawn_from_one_number():
    drawn = [Chaos.drawn(seed) for seed in range(100)]

    assert Chaos.drawn(3) == Chaos.drawn(3)
    assert len(set(drawn)) == 100
    assert {None, POLITE, RUDE} == {one.neighbour for one in drawn}
    assert all(one.changes > 0 for one in drawn)
    assert Chaos.drawn(3, jitter_ms=1).jitter_ms == 1


def test_without_ingredients_nothing_happens(world_of):
    sandbox = world_of(contacts=250)
    before = sandbox.world.rows("contacts")

    assert [page(sandbox, offset) for offset in (0, 100, 200)] == [
        [row["id"] for row in before[begin : begin + 100]] for begin in (0, 100, 200)
    ]
    assert sandbox.world.history.happenings == []


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_change_merge_and_go_at_the_front_in_the_middle_and_at_the_end(world_of, kind, where):
    sandbox = world_of(changes=5, kinds=(kind,), places=(where,))
    first = sandbox.world.ids("contacts")

    page(sandbox)

    history = sandbox.world.history
    came, changed, went = (read("contacts") for read in (history.came, history.changed, history.went))
    assert set(sandbox.world.ids("contacts")) == (set(first) | came) - went
    happened = {"come": came, "change": changed, "merge": changed, "go": went, "shrink": went}[kind]
    assert happened
    assert bool(came) == (kind == "come")
    assert bool(went) == (kind in ("merge", "go", "shrink"))
    places = [first.index(identity) for identity in happened if identity in first]
    if kind not in ("come", "shrink"):
        begin, end = {"front": (0, 60), "middle": (0, 400), "end": (340, 400)}[where]
        assert all(begin <= place < end for place in places)


def test_rows_also_come_before_those_that_a_walk_has_passed(world_of):
    sandbox = world_of(changes=3, kinds=("come",), places=("front",))
    first = int(sandbox.world.ids("contacts")[0])

    page(sandbox)

    assert {int(identity) for identity in sandbox.world.history.came("contacts")} == {first - 1, first - 2, first - 3}


def test_pages_shrink_when_many_rows_before_them_go_at_once(world_of):
    sandbox = world_of(changes=1, kinds=("shrink",))

    seen = {identity for offset in (0, 100, 200, 300) for identity in page(sandbox, offset)}

    lost = sandbox.world.history.lasting("contacts").keys() - seen
    assert lost, "a walk by plain offsets would have lost nothing, so the world would prove nothing"


def test_the_history_tells_what_lasted_and_in_which_version(world_of):
    sandbox = world_of(changes=0)
    first, second, third = sandbox.world.ids("contacts")[:3]
    sandbox.world.change_contact(third, firstName="Before")
    mark = sandbox.world.history.mark()

    sandbox.world.merge_contacts(first, into=second)
    new = sandbox.world.add_contact()
    sandbox.world.delete_contact(third)
    sandbox.world.add_contact(identity=third, firstName="Another person")

    lasting = sandbox.world.history.lasting("contacts", since=mark)
    assert len(lasting) == 398
    assert not {first, third, new} & lasting.keys()
    assert lasting[second] == sandbox.world.row("contacts", second)
    assert sandbox.world.history.changed("contacts", since=mark) == {second}
    assert sandbox.world.history.went("contacts", since=mark) == {first, third}


def test_the_history_keeps_what_arrived_and_not_what_was_lost_on_its_way(world_of):
    sandbox = world_of(changes=0)
    first = sandbox.world.ids("contacts")[0]
    page(sandbox)
    as_it_was = sandbox.world.row("contacts", first)
    sandbox.world.change_contact(first, firstName="Later")
    sandbox.fault("contacts", cut="length")

    with pytest.raises(httpx.RemoteProtocolError):
        page(sandbox)

    assert sandbox.world.history.shown("contacts")[first] == as_it_was
    assert len(sandbox.world.history.shown("contacts")) == 100


def test_edits_bring_zero_dates_no_dates_and_reduced_deals(world_of):
    sandbox = world_of(changes=40, kinds=("change",))
    for _ in range(5):
        page(sandbox)
        page(sandbox, path="deals")

    contacts = list(sandbox.world.history.lasting("contacts").values())
    assert any(row["cdate"] is None for row in contacts)
    assert any(row["sms_consent_updated_at"] == "0000-00-00 00:00:00" for row in contacts)
    assert any(row["firstName"].startswith("edit ") for row in contacts)
    assert any(row["isDisabled"] is True for row in sandbox.world.rows("deals"))


def test_a_stream_comes_to_rest_after_so_many_calls(world_of):
    sandbox = world_of(changes=2, calms_after=3)
    for _ in range(3):
        page(sandbox)
    mark = sandbox.world.history.mark()

    for _ in range(3):
        page(sandbox)

    assert mark > 3
    assert sandbox.world.history.mark() == mark


def test_the_user_whose_key_it_is_never_goes(world_of):
    sandbox = world_of(changes=20, kinds=("go", "shrink"))

    assert [ask(sandbox, "users").status_code for _ in range(3)] == [200, 200, 200]
    assert sandbox.world.history.went("users") == set()


def test_calls_take_different_times_to_arrive(world_of):
    sandbox = world_of(jitter_ms=300)
    started = time.monotonic()

    for _ in range(6):
        ask(sandbox, "users/me")

    assert 0.1 < time.monotonic() - started < 20


def test_answers_overtake_each_other(world_of):
    sandbox = world_of(slow_ms=600)
    done: list[int] = []

    def read(offset: int) -> None:
        page(sandbox, offset)
        done.append(offset)

    with ThreadPoolExecutor(8) as threads:
        for offset in range(8):
            threads.submit(read, offset)
            time.sleep(0.02)

    assert sorted(done) == list(range(8))
    assert done != sorted(done)


def test_a_question_meets_sporadic_faults_but_never_three_in_a_row(world_of):
    sandbox = world_of(faults=1.0, fault_kinds=("forbidden", "broken", "down", "empty"))

    answers = [ask(sandbox, "contacts", limit=1) for _ in range(30)]

    is_fine = [answer.status_code == 200 and bool(answer.content) for answer in answers]
    assert is_fine == [False, False, True] * 10
    assert {answer.status_code for answer in answers} == {200, 403, 500, 503}
    assert any(answer.status_code == 200 and not answer.content for answer in answers)


def test_bodies_are_cut_off(world_of):
    sandbox = world_of(faults=1.0, fault_kinds=("cut",))

    with pytest.raises(httpx.RemoteProtocolError):
        ask(sandbox, "contacts")


def test_totals_lie_rows_come_twice_and_ids_are_numbers(world_of):
    sandbox = world_of(lying_totals=1.0, duplicates=1.0, number_ids=1.0)

    pages = [ask(sandbox, "contacts", limit=10, offset=offset).json() for offset in range(30)]

    assert {"0", 7, None} <= {one["meta"]["total"] for one in pages}
    assert all(10 < len(one["contacts"]) < 15 for one in pages)
    assert all(type(row["id"]) is int for one in pages for row in one["contacts"])


def test_the_account_bears_a_call_of_the_neighbours_or_one_of_ours(world_of):
    sandbox = world_of(rate=5, neighbour=Neighbour(rate=50, heeds=False))
    wait_for(lambda: sandbox.stats()["callers"].get("neighbour", {}).get("rejected_429", 0) > 20)

    answers = [ask(sandbox, "users/me").status_code for _ in range(20)]

    stats = sandbox.stats()
    assert 429 in answers
    assert stats["max_in_one_second"] <= 5
    assert stats["requests"] == stats["callers"]["ours"]["requests"] == 20
    assert stats["callers"]["ours"]["rejected_429"] == stats["rejected_429"] == answers.count(429)
    assert stats["callers"]["neighbour"]["refused_percent"] > 20
    assert len(sandbox.requests) == 20


def test_a_polite_neighbour_alone_is_never_refused(world_of):
    sandbox = world_of(rate=5, neighbour=Neighbour(rate=4, heeds=True))

    wait_for(lambda: sandbox.stats()["callers"].get("neighbour", {}).get("requests", 0) > 5)

    assert sandbox.stats()["callers"]["neighbour"]["refused_percent"] == 0


def test_the_neighbour_leaves_with_the_sandbox(world_of):
    sandbox = world_of(neighbour=Neighbour(rate=100, heeds=False))
    wait_for(lambda: sandbox.stats()["callers"].get("neighbour", {}).get("requests", 0) > 3)

    sandbox.stop()

    calls = sandbox.stats()["callers"]["neighbour"]["requests"]
    time.sleep(0.1)
    assert sandbox.stats()["callers"]["neighbour"]["requests"] == calls


def test_what_a_test_switches_on_goes_before_what_happens_by_itself(world_of):
    sandbox = world_of(faults=1.0, fault_kinds=("empty",))
    sandbox.fault("contacts", kind="unpaid")

    assert ask(sandbox, "contacts").status_code == 402


def wait_for(happened: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.02)
