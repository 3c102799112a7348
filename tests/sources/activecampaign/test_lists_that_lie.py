"""Lists as some servers send them, over real connections: what is read, whether it is complete, what it costs."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sources.activecampaign.client import open_line
from sources.activecampaign.streams import STREAMS
from sources.errors import SourceError
from sources.http.limits import BULK
from sources.spec import Credentials, Page, Secret
from tests.sources.activecampaign.conftest import KEY, FreeBudget, pages
from tests.sources.http.scripted_server import Heard, ScriptedServer, Step, answers

STREAM = {stream.key: stream for stream in STREAMS}
BAD = "stands for what is bad"
HUGE = "x" * 3_000_000
KEYS = ["deals", "contacts"]
Slice = Callable[[list[Any], dict[str, str]], list[Any]]


def heeds(rows: list[Any], asked: dict[str, str], *, cap: int = 100) -> list[Any]:
    """What a server in good order sends, but for its cap."""
    low, high = int(asked.get("id_greater", 0)), int(asked.get("id_less", 10**18))
    found = [row for row in rows if low < row.get("n", 0) < high]
    found = found[::-1] if asked.get("orders[id]") == "DESC" else found
    return found[int(asked.get("offset", 0)) :][: min(cap, int(asked["limit"]))]


def rows_of(count: int) -> list[Any]:
    return [{"id": str(one), "n": one} for one in range(1, count + 1)]


class Read:
    """What a pull of one list gave."""

    def __init__(self, pages: list[Page], calls: int) -> None:
        self.pages, self.calls = pages, calls

    @property
    def stored(self) -> int:
        return len({key for page in self.pages for key in page.rows})

    @property
    def told(self) -> int:
        return sum(len(page.rows) - page.repeated for page in self.pages)

    @property
    def is_complete(self) -> bool:
        return self.pages[-1].cursor is None and all(page.seam_proven for page in self.pages)

    @property
    def named(self) -> list[tuple[str, str]]:
        return [(one.place, one.why) for page in self.pages for one in page.unkept]


Serve = Callable[..., Read]


@pytest.fixture
def read(settings: Any) -> Iterator[Serve]:
    def read(
        key: str, rows: list[Any], sends: Slice, *, total: Any = None, cursor: Any = None, bad: bytes = b""
    ) -> Read:
        def script(heard: Heard) -> Step:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(heard.target).query).items()}
            body = json.dumps({key: sends(rows, asked), "meta": {"total": total}}).encode()
            return answers(body.replace(BAD.encode(), bad))

        with ScriptedServer(script) as server:
            settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [server.origin]
            credentials = Credentials(api_url=server.origin, api_key=Secret(KEY))
            with open_line(credentials, budget=FreeBudget()) as line:
                return Read(list(pages(line, STREAM[key], cursor=cursor)), len(server.heard))

    yield read


@pytest.mark.parametrize("key", KEYS)
def test_a_list_that_is_the_same_for_every_call_ends_as_what_it_is(read: Serve, key: str) -> None:
    done = read(key, rows_of(20), lambda rows, asked: rows)

    assert (done.stored, done.told, done.is_complete) == (20, 20, True)
    assert done.calls <= 6


@pytest.mark.parametrize("key", KEYS)
def test_the_same_list_is_not_complete_when_500_rows_are_announced(read: Serve, key: str) -> None:
    done = read(key, rows_of(20), lambda rows, asked: rows, total=500)

    assert (done.stored, done.told, done.is_complete) == (20, 20, False)
    assert done.calls <= 12


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("total", [150, None])
@pytest.mark.parametrize("count", [150, 1200])
def test_a_list_that_comes_at_once_is_complete(read: Serve, key: str, count: int, total: int | None) -> None:
    done = read(key, rows_of(count), lambda rows, asked: rows, total=total and count)

    assert (done.stored, done.told, done.is_complete) == (count, count, True)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("cap", [1, 2, 5, 20, 50, 99])
@pytest.mark.parametrize("total", [None, 333])
def test_however_few_rows_come_at_once_all_are_read_and_counted_once(
    read: Serve, key: str, cap: int, total: int | None
) -> None:
    count = 333 if cap > 2 else 33

    done = read(key, rows_of(count), lambda rows, asked: heeds(rows, asked, cap=cap), total=total and count)

    assert (done.stored, done.told, done.is_complete) == (count, count, True)


@pytest.mark.parametrize("key", KEYS)
def test_a_row_without_an_id_is_named_and_holds_up_nothing(read: Serve, key: str) -> None:
    rows = rows_of(20)
    rows[6]["id"] = None

    done = read(key, rows, heeds, total=20)

    assert (done.stored, done.is_complete) == (19, True)
    of = "the list" if key == "deals" else "those after id 0"
    assert done.named == [(f"row 7 of {of}", "it has no usable id")]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("other", "why"), [({"n": 6}, []), ({"n": 6, "title": "Other"}, ["another row has its id"])])
def test_of_two_rows_with_one_id_the_second_is_named_unless_it_says_the_same(
    read: Serve, key: str, other: dict[str, Any], why: list[str]
) -> None:
    rows = rows_of(20)
    rows.insert(6, {"id": 6, **other})

    done = read(key, rows, heeds, total=21)

    assert (done.stored, done.told, done.is_complete) == (20, 20, True)
    assert [reason for _, reason in done.named] == why


@pytest.mark.parametrize("key", ["messages", "contacts"])
@pytest.mark.parametrize("places", [[150], [0], [299], [150, 151], [10, 200]])
def test_a_row_that_is_too_large_among_others_is_fetched_by_itself(read: Serve, key: str, places: list[int]) -> None:
    rows = rows_of(300)
    for place in places:
        rows[place]["text"] = HUGE

    done = read(key, rows, heeds, total=300)

    assert (done.stored, done.named, done.is_complete) == (300, [], True)


@pytest.mark.parametrize("key", ["messages", "contacts"])
@pytest.mark.parametrize("places", [[150], [0], [299], [150, 151], [10, 200]])
def test_a_row_that_is_too_large_even_alone_is_named_and_all_others_are_stored(
    read: Serve, key: str, places: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.activecampaign.client.ALONE", BULK)
    rows = rows_of(300)
    for place in places:
        rows[place]["text"] = HUGE

    done = read(key, rows, heeds, total=300)

    assert (done.stored, done.is_complete) == (300 - len(places), True)
    assert len(done.named) == len(places)
    assert {why for _, why in done.named} == {"it is too large"}


@pytest.mark.parametrize(("key", "bad"), [("messages", b"\xff"), ("contacts", b"\\x")])
def test_a_row_that_cannot_be_read_is_named_and_all_others_are_stored(read: Serve, key: str, bad: bytes) -> None:
    rows = rows_of(120)
    rows[30]["text"] = BAD

    done = read(key, rows, heeds, total=120, bad=bad)

    assert (done.stored, done.is_complete) == (119, True)
    assert [why for _, why in done.named] == ["it holds what cannot be read"]
    assert done.calls < 60


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("page", [b"<html>Down</html>", b"Down", b"D\xe9faut"])
def test_what_is_no_list_at_all_costs_few_calls(settings: Any, key: str, page: bytes) -> None:
    with ScriptedServer(lambda heard: answers(page)) as server:
        settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [server.origin]
        credentials = Credentials(api_url=server.origin, api_key=Secret(KEY))
        with open_line(credentials, budget=FreeBudget()) as line, pytest.raises(SourceError):
            list(pages(line, STREAM[key]))
        assert len(server.heard) <= 4


def test_a_list_of_six_million_rows_is_read_on_where_it_was_left(read: Serve) -> None:
    sent: list[int] = []

    def far_on(rows: list[Any], asked: dict[str, str]) -> list[Any]:
        offset = int(asked["offset"])
        sent.append(offset)
        return [{"id": str(one)} for one in range(offset, min(offset + int(asked["limit"]), 6_200_000))]

    place = {
        "spots": [[6_199_000, 100, 100, 100, [str(one) for one in range(6_199_095, 6_199_100)], 0]],
        "first": "",
        "heeded": True,
    }
    place |= {"bounded": False, "open": 0, "probes": False}
    facts = {"total": 6_200_000, "seen": 6_199_100, "kept": 6_199_100, "longest": 100}
    cursor = {"form": 2, "by_id": False, "place": place, "facts": facts, "told": 6_199_100}

    done = read("deals", [], far_on, total=6_200_000, cursor=cursor)

    assert (done.stored, done.told, done.is_complete) == (905, 900, True)
    assert min(sent) > 6_199_000


def test_a_cursor_of_another_form_begins_the_list_anew(read: Serve) -> None:
    old = {"spots": [{"at": 95}], "total": 250}

    done = read("deals", rows_of(250), heeds, total=250, cursor=old)

    assert (done.stored, done.is_complete) == (250, True)
