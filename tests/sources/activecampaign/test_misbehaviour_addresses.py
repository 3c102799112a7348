"""Addresses mutated at will: none is accepted and read differently by urllib, by httpx and by what dials.

`MUTATED_ADDRESSES=20000` in the environment tries as many as a release should; without it a few hundred are tried.
"""

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sources.activecampaign.address import RefusedAddress, clean_address
from sources.errors import WrongAddress
from sources.http.session import polite_client
from sources.spec import Lane, host_of
from tests.sources.activecampaign.conftest import FreeBudget

SUFFIXES = ("api-us1.com", "activehosted.com")
LISTED = [json.loads(line)["input"] for line in Path(__file__).with_name("bad_urls.jsonl").read_text().splitlines()]
GOOD = [
    "https://acme.api-us1.com",
    "https://acme.api-us1.com/api/3",
    "HTTPS://Acme.API-us1.com:443/",
    " https://a-1.activehosted.com/api/3/ ",
]
STRANGE = [text for text in LISTED if isinstance(text, str) and len(text) < 300]
NASTY = [
    *"/\\@:?#%[].;,&=+~^|`'\"<>{}() \t\r\n\x00\x0b\x7f\x85\xa0\u00ad\u200b\u2028\u3002\uff0e\uff0f\ufeff０٣ｅaA1-_"
]
PIECES = [
    "//",
    "://",
    "@evil.com",
    ".evil.com",
    "evil.com/",
    ":443",
    ":80",
    "/api/3",
    "/../",
    "%2f",
    "%00",
    "xn--",
    "..",
]

Mutation = Callable[[str], str]
places = st.integers(0, 60)
snippets = st.sampled_from(NASTY) | st.sampled_from(PIECES) | st.characters()


def inserted(place: int, text: str) -> Mutation:
    return lambda typed: typed[:place] + text + typed[place:]


def removed(place: int, count: int) -> Mutation:
    return lambda typed: typed[:place] + typed[place + count :]


def replaced(place: int, text: str) -> Mutation:
    return lambda typed: typed[:place] + text + typed[place + 1 :]


def quoted(place: int) -> Mutation:
    return lambda typed: typed[:place] + quote(typed[place : place + 1], safe="") + typed[place + 1 :]


def in_capitals(place: int) -> Mutation:
    return lambda typed: typed[:place] + typed[place:].swapcase()


def doubled(place: int, count: int) -> Mutation:
    return lambda typed: typed[: place + count] + typed[place:]


mutations = st.one_of(
    st.builds(inserted, places, snippets),
    st.builds(replaced, places, snippets),
    st.builds(removed, places, st.integers(1, 4)),
    st.builds(doubled, places, st.integers(1, 12)),
    st.builds(quoted, places),
    st.builds(in_capitals, places),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    typed = draw(st.sampled_from(GOOD) | st.sampled_from(STRANGE))
    for mutation in draw(st.lists(mutations, max_size=3)):
        typed = mutation(typed)
    return typed


def dialled(api_url: str) -> tuple[str, int]:
    """Which host and port a call to this account would look up."""
    asked: list[tuple[str, int]] = []

    def refuse(host: str, port: int) -> list[str]:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "nobody is called here")

    client = polite_client(
        base_url=f"{api_url}/api/3/",
        service="ActiveCampaign",
        allowed=lambda origin: origin == api_url,
        budget=FreeBudget(),
        lane=Lane.INTERACTIVE,
        secret_headers={},
        resolve=refuse,
    )
    with client, pytest.raises(WrongAddress, match="couldn't find"):
        client.get("users/me")
    [only] = asked
    return only


@settings(max_examples=int(os.environ.get("MUTATED_ADDRESSES", "400")), deadline=None)
@given(mutated())
def test_what_is_accepted_is_read_alike_by_everyone(typed: str) -> None:
    try:
        cleaned = clean_address(typed, suffixes=SUFFIXES)
    except RefusedAddress as refused:
        event(f"refused: {refused.code}")
        return
    event("accepted")

    host = cleaned.removeprefix("https://")
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.(?:api-us1|activehosted)\.com", host)
    assert clean_address(cleaned, suffixes=SUFFIXES) == cleaned
    for text in (cleaned, typed.strip()):
        by_urllib, by_httpx = urlsplit(text), httpx.URL(text)
        assert (by_urllib.scheme, by_urllib.hostname, by_urllib.port or 443) == ("https", host, 443)
        assert (by_httpx.scheme, by_httpx.host, by_httpx.port or 443) == ("https", host, 443)
        assert not by_urllib.username and not by_httpx.userinfo
    assert dialled(cleaned) == (host, 443)
    assert host_of(cleaned) == host
