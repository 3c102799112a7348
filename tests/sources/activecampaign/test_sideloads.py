"""What comes along with contacts, deals and accounts, over real connections to a sandbox: the same as by own lists."""

from collections.abc import Mapping
from typing import Any

import pytest

from sources.activecampaign.client import ActiveCampaign
from sources.activecampaign.rows import Answer
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sideloads import INCLUDED, Sideloads, without
from sources.activecampaign.streams import STREAMS
from sources.http.exact import read
from sources.spec import Along, Page, Stream, text_of
from tests.sources.activecampaign.conftest import pages

STREAM = {stream.key: stream for stream in STREAMS}
CHILDREN = [stream for stream in STREAMS if stream.sideload]
OF_CONTACTS = tuple(stream for stream in CHILDREN if stream.sideload and stream.sideload.parent == "contacts")


def walked(line: ActiveCampaign, parent: str, *along: Stream) -> list[Page]:
    return list(pages(line, STREAM[parent], along=along))


def texts(found: list[Mapping[str, Any]]) -> dict[str, str]:
    return {key: text_of(row) for rows in found for key, row in rows.items()}


def come_along(line: ActiveCampaign, stream: Stream) -> list[Along]:
    assert stream.sideload
    return [page.along[stream.key] for page in walked(line, stream.sideload.parent, stream)]


def test_whatever_can_come_along_is_asked_for_by_name_and_can_be_asked_for() -> None:
    assert {stream.key for stream in CHILDREN} == INCLUDED.keys()


@pytest.mark.parametrize("stream", CHILDREN, ids=lambda stream: stream.key)
def test_what_comes_along_is_to_the_letter_what_its_own_list_gives_and_complete_for_each_parent(
    line: ActiveCampaign, account: SandboxServer, stream: Stream
) -> None:
    assert stream.sideload
    found = come_along(line, stream)

    assert texts([along.rows for along in found]) == texts([page.rows for page in pages(line, stream)])
    assert all(along.is_proven for along in found)
    held = {parent: ids for along in found for parent, ids in along.complete.items()}
    assert held == {
        parent: frozenset(account.world.tied(stream.key, stream.sideload.column, parent))
        for parent in account.world.ids(stream.sideload.parent)
    }


@pytest.mark.parametrize("parent", ["contacts", "deals", "accounts"])
def test_the_rows_beside_are_to_the_letter_as_they_come_alone(line: ActiveCampaign, parent: str) -> None:
    children = [stream for stream in CHILDREN if stream.sideload and stream.sideload.parent == parent]

    alone, beside = walked(line, parent), walked(line, parent, *children)

    assert texts([page.rows for page in beside]) == texts([page.rows for page in alone])


def test_a_field_is_left_out_of_a_row_to_the_letter() -> None:
    text = r'{"a":1.50,"tags":["1"],"b":"é\u00e9,\"tags\":[","c":{"tags":[]},"z":null,"lists":[]}'
    row = read(f'{{"rows":[{text}]}}')["rows"][0]

    assert text_of(without(row, ["tags", "lists"])) == r'{"a":1.50,"b":"é\u00e9,\"tags\":[","c":{"tags":[]},"z":null}'
    assert without(row, ["tags", "lists"]) == {key: row[key] for key in "abcz"}
    assert text_of(without(row, row)) == "{}"
    assert without(row, ["teapots"]) is row


@pytest.mark.parametrize(
    ("habits", "is_proven", "calls"),
    [
        pytest.param({"includes": False}, False, 4, id="ignored: it is asked for once more, and then not again"),
        pytest.param({"most_included": 40}, False, 4, id="cut"),
        pytest.param({"leaves_out": {"contactTags": 2}}, True, 4, id="missing once: it comes when asked for again"),
        pytest.param({}, True, 3, id="the usual"),
    ],
)
def test_what_does_not_come_is_asked_for_once_more_and_nothing_is_taken_for_gone(
    line: ActiveCampaign, account: SandboxServer, habits: dict[str, Any], is_proven: bool, calls: int
) -> None:
    account.behave(**habits)

    found = [page.along["contactTags"] for page in walked(line, "contacts", STREAM["contactTags"])]

    assert all(along.is_proven for along in found) is is_proven
    assert len(account.requests) == calls
    told = {parent: ids for along in found for parent, ids in along.complete.items()}
    assert (
        told.items()
        <= {
            parent: frozenset(account.world.tied("contactTags", "contact", parent))
            for parent in account.world.ids("contacts")
        }.items()
    )


def test_who_has_so_many_that_there_may_be_more_is_never_complete(line: ActiveCampaign, account: SandboxServer) -> None:
    first, second, *_ = account.world.ids("contacts")
    for place, tag in enumerate(account.world.ids("contactTags")[:27]):
        account.world.change("contactTags", tag, contact=first if place < 25 else second)

    page = next(pages(line, STREAM["contacts"], along=OF_CONTACTS)).along["contactTags"]

    assert (page.is_proven, first in page.complete, second in page.complete) == (True, False, True)


def tagged(*contacts: int) -> Answer:
    """So many tags for each of these contacts, one after the other."""
    owners = [str(contact) for contact, tags in enumerate(contacts) for _ in range(tags)]
    rows = {str(number): {"id": str(number), "contact": owner} for number, owner in enumerate(owners)}
    complete = {
        str(contact): frozenset(key for key, row in rows.items() if row["contact"] == str(contact))
        for contact in range(len(contacts))
    }
    along = Along(rows=rows, complete=complete, is_proven=True)
    return Answer(marks=tuple(map(str, range(len(contacts)))), along={"contactTags": along})


@pytest.mark.parametrize(
    ("whole", "half", "is_complete"),
    [
        pytest.param((60, 40), (0, 40), True, id="by itself the later half has the same"),
        pytest.param((60, 40), (0, 70), False, id="it has more"),
        pytest.param((60, 40), (0, 100), False, id="it is cut itself"),
        pytest.param((60, 41), (0, 70), True, id="no round number"),
    ],
)
def test_of_a_round_number_nothing_is_taken_for_gone_unless_it_is_the_same_in_halves(
    whole: tuple[int, int], half: tuple[int, int], is_complete: bool
) -> None:
    sideloads = Sideloads([STREAM["contactTags"]])
    answer, later = tagged(*whole), tagged(*half).along["contactTags"]
    shift = {str(number + whole[0]): row for number, row in enumerate(later.rows.values())}
    later = Along(rows=shift, complete={"1": frozenset(shift)}, is_proven=True)

    judged = sideloads.judged(answer, Answer(along={"contactTags": later})).along["contactTags"]

    assert sideloads.may_be_cut(answer) is (sum(whole) == 100)
    assert judged.complete == (answer.along["contactTags"].complete if is_complete else {})
    assert sideloads.second_half({"offset": "7", "limit": "100"}, answer) == {"offset": "8", "limit": "1"}


def test_a_round_number_is_not_doubted_once_more_came_with_another_page(
    line: ActiveCampaign, account: SandboxServer
) -> None:
    """Each page of contacts brings two tags to each of them, but for the first, which brings a tag more."""
    contacts = account.world.ids("contacts")
    for tag in account.world.ids("contactTags"):
        account.world.remove("contactTags", tag)
    for contact in (*contacts, *contacts, contacts[0]):
        account.world.insert("contactTags", contact=contact)
    account.reset()

    found = come_along(line, STREAM["contactTags"])

    assert sum(len(along.complete) for along in found) == len(contacts)
    halves = [call for call in account.requests if "offset" in call.query]
    assert not halves
