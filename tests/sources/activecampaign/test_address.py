import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.activecampaign.address import MESSAGES, RefusedAddress, clean_address, notes_on
from sources.spec import host_of

SUFFIXES = ("api-us1.com", "activehosted.com")
SANDBOX = "http://127.0.0.1:8010"
CASES = [json.loads(line) for line in Path(__file__).with_name("bad_urls.jsonl").read_text("utf-8").splitlines()]


def clean(typed: object, *, sandboxes: tuple[str, ...] = ()) -> str:
    return clean_address(typed, suffixes=SUFFIXES, sandbox_origins=sandboxes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['code'] or 'accepted'}: {case['why']}")
def test_each_listed_address_is_read_as_listed(case: dict) -> None:
    if case["verdict"] == "accept":
        assert clean(case["input"]) == case["normalized"]
        return
    with pytest.raises(RefusedAddress) as refused:
        clean(case["input"])

    assert refused.value.code == case["code"]
    assert refused.value.message.startswith(case["message"])


def test_a_foreign_host_is_told_where_the_right_one_stands_and_whom_to_ask_and_no_setting() -> None:
    with pytest.raises(RefusedAddress, match=r"Settings > Developer. .* ask whoever runs BlinkMetrics\.$") as refused:
        clean("https://acme.api-eu1.com")

    assert "SUFFIXES" not in refused.value.message


def test_a_domain_in_the_settings_is_accepted_in_any_spelling_of_it() -> None:
    assert clean_address("https://mail.acme.org", suffixes=[".ACME.org"]) == "https://mail.acme.org"


def test_an_empty_domain_in_the_settings_admits_nothing() -> None:
    with pytest.raises(RefusedAddress):
        clean_address("https://evil.com", suffixes=["", "."])


@pytest.mark.parametrize(
    ("suffix", "host"), [("X.example", "acme.x.example"), ("X", "acme.x"), ("example.X.", "acme.example.x")]
)
def test_only_dots_are_taken_off_a_domain_in_the_settings(suffix: str, host: str) -> None:
    assert clean_address(f"https://{host}", suffixes=[suffix]) == f"https://{host}"


@pytest.mark.parametrize(
    "typed", ["localhost:80", "localhost:8/x", "acme.api-us1.com:443", "acme.api-us1.com:x", "acme.api-us1.com"]
)
def test_a_host_with_a_port_is_no_scheme(typed: str) -> None:
    with pytest.raises(RefusedAddress) as refused:
        clean(typed)

    assert refused.value.code == "no_scheme"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("a.b://acme.api-us1.com", "bad_scheme"),
        ("localhost:x", "bad_scheme"),
        ("https:/acme.api-us1.com", "malformed"),
        ("https://[acme.api-us1.com", "ip_literal"),
        ("https://acme].api-us1.com", "ip_literal"),
        ("https://a:1:2.api-us1.com", "ip_literal"),
    ],
)
def test_each_way_to_spell_an_address_wrongly_has_its_own_name(typed: str, code: str) -> None:
    with pytest.raises(RefusedAddress) as refused:
        clean(typed)

    assert refused.value.code == code
    assert refused.value.message == MESSAGES[code] == str(refused.value)


@pytest.mark.parametrize(("length", "code"), [(255, "host_not_allowed"), (256, "too_long")])
def test_an_address_has_255_characters_at_most(length: int, code: str) -> None:
    head, tail = "https://", ".example"
    labels = ".".join(["a" * 50] * 9)
    typed = head + labels[: length - len(head + tail)] + tail

    with pytest.raises(RefusedAddress) as refused:
        clean(typed)

    assert (len(typed), refused.value.code) == (length, code)


@pytest.mark.parametrize("path", ["", "/", "/api/3", "/api/3/"])
def test_a_sandbox_is_accepted_by_its_exact_origin(path: str) -> None:
    assert clean(f" {SANDBOX}{path}", sandboxes=(SANDBOX,)) == SANDBOX


@pytest.mark.parametrize(
    "typed", ["http://127.0.0.1:8011", "http://127.0.0.1", "https://127.0.0.1:8010", f"{SANDBOX}/admin", f"{SANDBOX}?"]
)
def test_anything_but_the_exact_origin_is_no_sandbox(typed: str) -> None:
    with pytest.raises(RefusedAddress):
        clean(typed, sandboxes=(SANDBOX,))


def test_no_sandbox_is_accepted_when_none_is_set() -> None:
    with pytest.raises(RefusedAddress):
        clean(SANDBOX)


def test_the_refusal_does_not_repeat_what_was_typed() -> None:
    for case in CASES:
        if case["verdict"] == "refuse" and isinstance(case["input"], str) and len(case["input"].strip()) > 30:
            with pytest.raises(RefusedAddress) as refused:
                clean(case["input"])
            assert case["input"].strip() not in refused.value.message


@pytest.mark.parametrize(
    ("typed", "note"),
    [
        ("https://acme.api-us1.com", ""),
        ("https://acme.api-us1.com/", "We removed the slash at the end."),
        ("https://acme.api-us1.com/api/3", "We removed /api/3 from the end."),
        ("https://acme.api-us1.com:443/api/3/", "We removed :443 and /api/3/ from the end."),
        (" https://acme.api-us1.com\n", "We removed the blanks around it."),
        ("HTTPS://Acme.api-us1.com", "We wrote it in small letters."),
        (
            " https://XACME.api-us1.com/",
            "We removed the blanks around it and the slash at the end. We wrote it in small letters.",
        ),
    ],
)
def test_what_was_cleaned_is_said(typed: str, note: str) -> None:
    assert notes_on(typed, clean(typed)) == note


def test_cleaning_a_clean_address_changes_nothing() -> None:
    cleaned = clean("HTTPS://Acme.api-us1.com:443/api/3")

    assert clean(cleaned) == cleaned
    assert host_of(cleaned) == "acme.api-us1.com"


pieces = st.sampled_from(
    [
        *"hHtTpPsS:/\\@?#%[]. \t\n\x00-_0",
        "https://",
        "acme",
        "api-us1.com",
        "activehosted.com",
        "/api/3",
        ":443",
        "é",
        "。",
    ]
)
addresses = st.lists(pieces | st.characters(), max_size=25).map("".join)
near_misses = st.tuples(
    st.sampled_from(["https://", "HTTPS://", ""]),
    addresses,
    st.sampled_from([".api-us1.com", ".api-us1.com/", ".activehosted.com:443/api/3", "@acme.api-us1.com"]),
).map("".join)


@given(addresses | near_misses)
def test_whatever_is_accepted_is_read_the_same_by_every_parser(typed: str) -> None:
    try:
        cleaned = clean(typed)
    except RefusedAddress:
        return

    assert re.fullmatch(r"https://[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.(?:api-us1|activehosted)\.com", cleaned)
    host = cleaned.removeprefix("https://")
    assert urlsplit(cleaned)[:3] == ("https", host, "")
    assert (httpx.URL(cleaned).host, httpx.URL(cleaned).port) == (host, None)
    assert urlsplit(typed.strip()).hostname == httpx.URL(typed.strip()).host == host
