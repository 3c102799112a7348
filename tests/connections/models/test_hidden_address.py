"""The account's address in stored JSON: hidden in every spelling, and shown again exactly as it came."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connections.models.hidden_address import ADDRESS_MARK, hide, hide_all, show

ADDRESSES = ["https://harbourtea.api-us1.com", "http://127.0.0.1:8001", "https://j-k.example:8443"]
PIECES = ["a", "h", '\\"', "\\\\", "\\/", "/", "u0068", "\\u0068", "\\u00e9", "é", "\ufdd0", "\ufdd1", ADDRESS_MARK]
PIECES += ["https:", "harbourtea.api-us1.com", "\\ufdd0address\\ufdd1", "\ufdd0address/\ufdd1", "\ufdd0address.u\ufdd1"]


def spellings_of(letter: str) -> list[str]:
    spellings = [letter, f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"]
    return [*spellings, "\\/"] if letter == "/" else spellings


def spelled(address: str) -> st.SearchStrategy[str]:
    """The address with each of its letters in some spelling."""
    return st.tuples(*(st.sampled_from(spellings_of(letter)) for letter in address)).map("".join)


@st.composite
def cases(draw: Any) -> tuple[str, str]:
    """A JSON text that may hold an address in any spelling, and the address."""
    address = draw(st.sampled_from(ADDRESSES))
    whole = st.sampled_from([address, address.replace("/", "\\/"), address.replace("/", "\\/", 1), f"{address}.evil"])
    pieces = draw(st.lists(st.one_of(st.sampled_from(PIECES), whole, spelled(address)), max_size=8))
    return f'{{"a":"{"".join(pieces)}"}}', address


@given(cases())
@example(('{"a":"https:\\/\\/harbourtea.api-us1.com\\/x \\\\u0068ttps://harbourtea.api-us1.com"}', ADDRESSES[0]))
@example(('{"a":"\\\\\\u0068ttps://harbourtea.api-us1.com"}', ADDRESSES[0]))
def test_what_is_hidden_is_shown_exactly_as_it_came_and_is_in_no_spelling_meanwhile(case: tuple[str, str]) -> None:
    text, address = case

    hidden = hide(text, address)

    assert show(hidden, address) == text
    assert address not in hidden
    assert address not in json.dumps(json.loads(hidden), ensure_ascii=False)


@given(st.lists(cases(), max_size=4), st.sampled_from(ADDRESSES))
def test_many_at_once_are_hidden_as_each_by_itself(several: list[tuple[str, str]], address: str) -> None:
    texts = [text for text, _ in several]

    assert hide_all(texts, address) == [hide(text, address) for text in texts]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_two_usual_spellings_have_a_mark_each(address: str) -> None:
    slashed = address.replace("/", "\\/")

    assert hide(f'["{address}/x"]', address) == f'["{ADDRESS_MARK}/x"]'
    assert hide(f'["{slashed}\\/x"]', address) == '["\ufdd0address/\ufdd1\\/x"]'


def test_a_text_without_the_address_stays_as_it_is() -> None:
    text = '{"a":"\\u00e9 \\u0041 \\\\u0068ttps://harbourtea.api-us1.com harbourtea.api-us1.com"}'

    assert hide('{"a":"é harbourtea.api-us1.com"}', ADDRESSES[0]) == '{"a":"é harbourtea.api-us1.com"}'
    assert hide(text, ADDRESSES[0]) == text


def test_marks_that_were_stored_stand_for_the_address_of_today() -> None:
    odd = hide('["\\u0068ttps://harbourtea.api-us1.com"]', ADDRESSES[0])

    assert show(f'["{ADDRESS_MARK}"]', ADDRESSES[1]) == f'["{ADDRESSES[1]}"]'
    assert show(odd, ADDRESSES[1]) == f'["{ADDRESSES[1]}"]'
    assert show('["\ufdd0 of a customer"]', ADDRESSES[0]) == '["\ufdd0 of a customer"]'
