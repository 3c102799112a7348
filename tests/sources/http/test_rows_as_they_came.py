"""Each row of an answer has the text that it came as, whatever way of writing JSON the account has."""

import json
import random
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sources.activecampaign.client import ActiveCampaign
from sources.activecampaign.streams import STREAMS
from sources.http.answer import json_object
from sources.http.exact import MOST_DEEP, read
from sources.http.failures import Failures
from sources.http.tokens import frame_of, rewritten
from sources.spec import Secret, TextRow, text_of
from tests.sources.http.conftest import KEY, MakeRig
from tests.sources.http.scripted_server import answers

# A tree is a token as it is spelled, or ("[", items), or ("{", pairs of a name's token and a tree).
Tree = Any
Blank = Callable[[], str]

PIECES = ["a", " ", ", ", ": ", "{ ", '\\" ', '\\"', "\\\\", "\\/", "/", "\\n", "\\u00e9", "\\u00E9", "é", "\\u0041"]
PIECES += ["\\ud83d\\ude00", "😀", "\u2028", "\x85", "\xa0", "1.10", "null", "u0000", "\ufdd0"]
UNSTORABLE = ["\\u0000", "\\ud800", "\\uDFFF"]
NUMBERS = r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"


def strings(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=6).map(lambda chosen: f'"{"".join(chosen)}"')


def trees(pieces: list[str] = PIECES, *, twice: bool = False) -> st.SearchStrategy[Tree]:
    """`twice`: names may come again in one object."""
    numbers = st.from_regex(NUMBERS, fullmatch=True)
    leaves = st.one_of(strings(pieces), numbers, st.sampled_from(["true", "false", "null", "1e308", "-0.0"]))
    return st.recursive(leaves, lambda inner: lists(inner) | objects(inner, pieces, twice=twice), max_leaves=12)


def lists(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.tuples(st.just("["), st.lists(inner, max_size=4))


def objects(
    inner: st.SearchStrategy[Tree], pieces: list[str] = PIECES, *, twice: bool = False
) -> st.SearchStrategy[Tree]:
    pairs = st.lists(st.tuples(strings(pieces), inner), max_size=5, unique_by=None if twice else name_of)
    return st.tuples(st.just("{"), pairs)


def name_of(pair: tuple[str, Tree]) -> Any:
    return json.loads(pair[0])


def written(tree: Tree, blank: Blank = str) -> str:
    if isinstance(tree, str):
        return tree
    match tree:
        case ("[", items):
            inside = ",".join(f"{blank()}{written(item, blank)}{blank()}" for item in items)
            return f"[{inside or blank()}]"
        case ("{", pairs):
            inside = ",".join(
                f"{blank()}{name}{blank()}:{blank()}{written(item, blank)}{blank()}" for name, item in pairs
            )
            return f"{{{inside or blank()}}}"
    raise AssertionError(tree)


def blanks(dice: random.Random) -> Blank:
    return lambda: dice.choice(["", "", "", " ", "  ", "\n", "\t", "\r\n    "])


def answered(rows: list[Tree], blank: Blank = str) -> Any:
    content = blank() + written(("{", [('"contacts"', ("[", rows)), ('"meta"', ("{", []))]), blank) + blank()
    return json_object(httpx.Response(200, content=content), failures=Failures("Anybody"))["contacts"]


def an_object(text: str) -> TextRow:
    (row,) = read(f'{{"rows": [{text}]}}')["rows"]
    assert isinstance(row, TextRow)
    return row


@given(st.lists(objects(trees()), max_size=4), st.randoms(use_true_random=False))
def test_a_row_keeps_its_tokens_and_loses_its_blanks(rows: list[Tree], dice: random.Random) -> None:
    found = answered(rows, blanks(dice))

    assert [text_of(row) for row in found] == [written(row) for row in rows]
    assert found == [json.loads(written(row)) for row in rows]
    assert all(isinstance(row, TextRow) for row in found)


@given(objects(trees()), st.data())
def test_one_blank_between_tokens_is_noticed_and_those_in_strings_are_none(row: Tree, data: Any) -> None:
    places = 0

    def count() -> str:
        nonlocal places
        places += 1
        return ""

    compact = written(row, count)
    chosen = data.draw(st.integers(0, places - 1))
    turns = iter(range(places))
    blank = data.draw(st.sampled_from(" \n\t\r"))

    assert not {*frame_of(compact)} & {*b" \n\t\r"}
    assert blank.encode() in frame_of(written(row, lambda: blank if next(turns) == chosen else ""))


def pairs_kept(pairs: list[tuple[str, Tree]]) -> dict[str, tuple[str, Tree]]:
    return {json.loads(name): (name, tree) for name, tree in pairs}


def last_of_each(tree: Tree) -> Tree:
    """The tree without names that come again later in the same object."""
    match tree:
        case ("[", items):
            return ("[", [last_of_each(item) for item in items])
        case ("{", pairs):
            return ("{", [(name, last_of_each(item)) for name, item in pairs_kept(pairs).values()])
    return tree


FEW = ["a", "\\u0061", " ", '\\"']


@given(objects(trees(FEW, twice=True), FEW, twice=True), st.randoms(use_true_random=False))
@example(("{", [('"a"', "1.10"), ('"b"', "2"), ('"\\u0061"', "3.30")]), random.Random(1))
def test_of_a_name_that_comes_twice_the_last_is_kept(row: Tree, dice: random.Random) -> None:
    (found,) = answered([row], blanks(dice))

    assert text_of(found) == written(last_of_each(row))
    assert json.dumps(found) == json.dumps(json.loads(written(row)))


def storable(value: Any) -> Any:
    match value:
        case str():
            return re.sub("[\x00\ud800-\udfff]", "\ufffd", value)
        case list():
            return [storable(item) for item in value]
        case dict():
            return {storable(name): storable(item) for name, item in value.items()}
    return value


@given(st.lists(objects(trees(PIECES + UNSTORABLE), PIECES + UNSTORABLE), max_size=3), st.randoms())
def test_what_cannot_be_stored_is_mended_in_the_text_too(rows: list[Tree], dice: random.Random) -> None:
    found = answered(rows, blanks(dice))

    assert found == [storable(json.loads(written(row))) for row in rows]
    for row in found:
        assert json.loads(text_of(row)) == row
        assert storable(text_of(row)) == text_of(row) == rewritten(text_of(row), storable)


def test_mending_leaves_the_other_tokens_of_a_row_as_they_came() -> None:
    (found,) = answered(['{"a\\u0000\\/" : "\\ud800\\u0041", "b" : ["\\u0041\\/", 1.10, 1E5, -0.0], "c": 1}'])

    assert text_of(found) == '{"a\ufffd/":"\ufffdA","b":["\\u0041\\/",1.10,1E5,-0.0],"c":1}'


def test_a_text_that_is_too_long_is_cut_in_the_rows_text_and_no_other_is_touched() -> None:
    long, short = answered(['{"a": "%s", "b": 1.10}' % ("x" * 1_000_001), '{"a": "\\/", "b": 1.10}'])

    assert text_of(long) == '{"a":"%s","b":1.10}' % ("x" * 1_000_000)
    assert text_of(short) == '{"a":"\\/","b":1.10}'


@pytest.mark.parametrize(
    "number", ["1.10", "1e308", "-0.0", "-0", "12345678901234567890", "1E+2", "0.1000000000000001"]
)
def test_a_number_keeps_its_digits(number: str) -> None:
    assert text_of(an_object(f'{{"n": {number}}}')) == f'{{"n":{number}}}'


@pytest.mark.parametrize("number", ["1e999", "-1e400", "NaN", "Infinity"])
def test_a_number_that_is_none_is_refused_in_a_row_as_elsewhere(number: str) -> None:
    with pytest.raises(ValueError, match="number"):
        read(f'{{"rows": [{{"n": {number}}}]}}')


def nested(deep: int) -> str:
    """A row of so many brackets in one another; those in its texts are none."""
    return '{"a": "[{", "b": ' + "[" * (deep - 1) + '"]}{[\\"["' + "]" * (deep - 1) + "}"


def test_a_row_is_read_as_deep_as_whatever_reads_it_again_can_go() -> None:
    within = nested(MOST_DEEP - 2)  # It stands in a list, and that in an object.

    assert text_of(an_object(within)) == within.replace(" ", "")
    for deep in (MOST_DEEP - 1, MOST_DEEP + 400):
        with pytest.raises(RecursionError):
            an_object(nested(deep))


def test_lists_of_other_things_are_read_as_ever() -> None:
    text = '{"a": [1, "b", [{"c": 1}], null], "d": {"e": [{"f": 1}]}, "g": [], "h": [ ], "i": {} }'

    assert read(text) == json.loads(text)
    assert read(f" {text}\n") == json.loads(text)


def test_a_row_without_a_text_of_its_own_is_written_without_blanks() -> None:
    assert text_of({"a": [1, {"é": "x, y"}]}) == '{"a":[1,{"é":"x, y"}]}'


def outcome(loads: Callable[[str], Any], text: str) -> Any:
    """What was read, or what tells a text that was cut off from one that is no JSON."""
    try:
        return loads(text)
    except json.JSONDecodeError as error:
        return (error.pos >= len(text.rstrip()), error.msg.startswith("Unterminated"))


@given(st.lists(objects(trees()), max_size=3), st.randoms(use_true_random=False), st.data())
def test_a_broken_answer_is_told_apart_as_json_tells_it(rows: list[Tree], dice: random.Random, data: Any) -> None:
    whole = written(("{", [('"contacts"', ("[", rows)), ('"meta"', ("{", []))]), blanks(dice))
    begin = data.draw(st.integers(0, len(whole)))
    broken = whole[:begin] + data.draw(st.sampled_from(["", *'{}[],:" 1x'])) + whole[begin + 1 :]

    for text in (whole[:begin], broken):
        assert outcome(read, text) == outcome(json.loads, text)


def test_rows_come_over_the_wire_as_they_were_sent(make_rig: MakeRig) -> None:
    rig = make_rig(answers(b'{"contacts": [ {"id": 12345678901234567890, "z": 1.10,\n "a": "\\/ \\u00e9"} ]}'))

    (row,) = rig.get().extensions["json"]["contacts"]

    assert text_of(row) == '{"id":12345678901234567890,"z":1.10,"a":"\\/ \\u00e9"}'
    assert row == {"id": 12345678901234567890, "z": 1.1, "a": "/ é"}


def test_a_page_of_activecampaign_has_the_texts_of_its_rows(make_rig: MakeRig) -> None:
    rig = make_rig(
        answers(b'{"contacts": [{"id": "7", "score": 1.10}, {"score": 2.20, "id": 8}], "meta": {"total": 2}}')
    )

    page = ActiveCampaign(rig.client, key=Secret(KEY)).page(STREAMS[0], {"limit": "100"})

    assert {key: text_of(row) for key, row in page.rows.items()} == {
        "7": '{"id":"7","score":1.10}',
        "8": '{"score":2.20,"id":8}',
    }
