"""What a server may send, and what becomes of it: within time, within size, and never a half answer."""

import gc
import gzip
import itertools
import json
import logging
import re
import socket
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sources.errors import SourceError, TemporarilyDown, UnexpectedAnswer
from sources.http.answer import json_object
from sources.http.failures import Failures
from sources.http.limits import Limits
from sources.spec import Lane, Secret, TextRow
from tests.sources.http.conftest import KEY, MakeRig
from tests.sources.http.scripted_server import (
    Step,
    answers,
    closes_after,
    drips,
    gzipped,
    hangs,
    repeats,
    resets,
    says,
)

OK = b"HTTP/1.1 200 OK\r\n"
SHORT = Limits(connect=1.0, read=0.3, total=0.6)
BOUND = 5.0  # Seconds; generous for a busy machine, and far below what any of these servers would take.


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(parts) + (b"0\r\n\r\n" if end else b"")


READ_WELL: dict[str, tuple[Step, dict]] = {
    "plain": (answers({"a": 1}), {"a": 1}),
    "gzip": (gzipped(b'{"a": 1}'), {"a": 1}),
    "chunked": (says(chunked(b'{"a":', b"1}")), {"a": 1}),
    "no length, no content type": (says(OK + b'\r\n{"a": 1}'), {"a": 1}),
    "byte order mark": (answers(b'\xef\xbb\xbf{"a": 1}'), {"a": 1}),
    "called a web page": (answers({"a": 1}, headers=[("Content-Type", "text/html")]), {"a": 1}),
    "NUL and lone surrogates": (answers(b'{"a\\u0000": ["\\ud800", "\\ud83d\\ude00"]}'), {"a\ufffd": ["\ufffd", "😀"]}),
    "key given twice": (answers(b'{"a": 1, "a": 2}'), {"a": 2}),
    "some 100 Continue first": (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b'\r\n{"a": 1}'), {"a": 1}),
}


@pytest.mark.parametrize("name", READ_WELL)
def test_a_sound_answer_is_read(name: str, make_rig: MakeRig) -> None:
    step, expected = READ_WELL[name]

    assert make_rig(step).get().extensions["json"] == expected


HALVES_AND_MORE = [r"\ud83d", r"\uDBFF", r"\udc00", r"\uDFFF", r"\\", r"\u0000", r"\ud7ff", r"\ue000", "ud83d", "udc00"]


def test_no_spelling_of_half_a_character_or_a_nul_gets_through() -> None:
    for count in range(1, 5):
        for spelled in map("".join, itertools.product(HALVES_AND_MORE, repeat=count)):
            response = httpx.Response(200, content=f'{{"a": "{spelled}"}}')

            read = json_object(response, failures=Failures("Anybody"))["a"]

            assert read == re.sub("[\x00\ud800-\udfff]", "\ufffd", json.loads(f'"{spelled}"')), spelled


REFUSED: dict[str, tuple[Step, str]] = {
    "headers drip": (drips(b"X-More: yes\r\n", first=OK), "deadline"),
    "body drips": (drips(b" ", first=OK + b"Content-Length: 9000\r\n\r\n"), "deadline"),
    "silence": (hangs(), "read_timeout"),
    "body hangs half-way": (hangs(OK + b"Content-Length: 50\r\n\r\n{"), "read_timeout"),
    "reset before the status line": (resets, "cut_off"),
    "closed before the status line": (says(b""), "cut_off"),
    "cut with a length": (answers({"a": 1}, length=500), "cut_off"),
    "cut in chunks": (says(chunked(b'{"a":', end=False)), "cut_off"),
    "cut without a length": (says(OK + b'\r\n{"a": "b'), "cut_off"),
    "cut after an inner object": (says(OK + b'\r\n{"a": [{"b": 1}'), "cut_off"),
    "cut within a text that ends in a bracket": (says(OK + b'\r\n{"a": "b}'), "cut_off"),
    "cut gzip": (answers(gzip.compress(b'{"a": 1}')[:-5], headers=[("Content-Encoding", "gzip")]), "cut_off"),
    "garbage": (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "protocol"),
    "two lengths": (says(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "protocol"),
    "huge header": (says(OK + b"X-Big: " + b"a" * 300_000 + b"\r\n\r\n{}"), "protocol"),
    "switching protocols": (says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "protocol"),
    "endless 100 Continue": (repeats(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "endless_head"),
    "empty": (answers(b""), "empty_answer"),
    "204": (answers(b"", status=204), "empty_answer"),
    "web page": (answers(b"\n<!doctype html><title>Down</title>"), "web_page"),
    "web page called JSON": (answers(b"<div>", headers=[("Content-Type", "application/json")]), "web_page"),
    "list": (answers([1]), "not_an_object"),
    "text": (answers("hello"), "not_an_object"),
    "null": (answers(b"null"), "not_an_object"),
    "latin-1": (answers('{"a": "é"}'.encode("latin-1")), "odd_text"),
    "latin-1 in words": (answers("Gateway en déroute".encode("latin-1")), "not_json"),
    "a control character": (answers(b'{"a": "\x01"}'), "odd_text"),
    "an escape that is none": (answers(rb'{"a": "\x"}'), "odd_text"),
    "utf-16": (answers('{"a": 1}'.encode("utf-16")), "not_json"),
    "NaN": (answers(b'{"a": NaN}'), "odd_json"),
    "Infinity": (answers(b'{"a": -Infinity}'), "odd_json"),
    "1e400": (answers(b'{"a": 1e400}'), "odd_json"),
    "a number of 5,000 digits": (answers(b'{"a": %s}' % (b"9" * 5000)), "odd_json"),
    "deeply nested": (answers(b'{"a": %b1%b}' % (b"[" * 100_000, b"]" * 100_000)), "odd_json"),
    "two objects": (answers(b'{"a": 1}{"b": 2}'), "not_json"),
    "length announced too large": (answers(b"{}", length=10**9), "too_large"),
    "endless body": (repeats(b" " * 65_536, first=OK + b"\r\n{"), "too_large"),
    "endless chunks": (repeats(b"400\r\n" + b" " * 1024 + b"\r\n", first=chunked(b"{", end=False)), "too_large"),
    "stacked encodings": (gzipped(b"{}", encoding="gzip, gzip"), "encoding_refused"),
    "brotli": (gzipped(b"{}", encoding="br"), "encoding_refused"),
    "deflate": (answers(zlib.compress(b"{}"), headers=[("Content-Encoding", "deflate")]), "encoding_refused"),
    "gzip that is none": (answers(b"{}", headers=[("Content-Encoding", "gzip")]), "encoding"),
    "corrupt gzip": (
        answers(gzip.compress(b"{}")[:-8] + b"\xff" * 8, headers=[("Content-Encoding", "gzip")]),
        "encoding",
    ),
    "data after gzip": (answers(gzip.compress(b"{}") + b"more", headers=[("Content-Encoding", "gzip")]), "encoding"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_unsound_answer_is_refused_in_time_and_without_the_key(
    name: str, make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    step, code = REFUSED[name]
    caplog.set_level(logging.DEBUG)
    limits = SHORT if code in ("deadline", "read_timeout") else Limits(total=30.0)
    began = time.monotonic()

    with pytest.raises(SourceError) as refused:
        make_rig(step, limits=limits, lane=Lane.INTERACTIVE).get()

    assert refused.value.code == code
    assert time.monotonic() - began < BOUND
    assert KEY not in caplog.text + str(refused.value) + repr(refused.value)


@pytest.mark.parametrize(
    ("name", "tries"),
    [
        ("cut in chunks", 4),
        ("empty", 2),
        ("not json", 2),
        ("NaN", 1),
        ("garbage", 2),
        ("web page", 1),
        ("list", 1),
        ("too large", 1),
    ],
)
def test_a_pull_asks_again_as_often_as_it_may_help(name: str, tries: int, make_rig: MakeRig) -> None:
    named = {"not json": "latin-1", "too large": "length announced too large"}.get(name, name)
    rig = make_rig(REFUSED[named][0])

    with pytest.raises(SourceError):
        rig.get()

    assert len(rig.server.heard) == tries
    assert len(rig.budget.taken) == tries


@pytest.mark.parametrize("level", [1, 9])
def test_a_gzip_bomb_is_left_unpacked(level: int, make_rig: MakeRig) -> None:
    bomb = gzip.compress(b" " * 200_000_000, level)
    rig = make_rig(answers(bomb, headers=[("Content-Encoding", "gzip")]))
    tracemalloc.start()

    with pytest.raises(UnexpectedAnswer) as refused:
        rig.get()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.code == "too_large"
    assert peak < 40_000_000


@pytest.mark.parametrize("value", [b"{}", b"[]", b'"ab"', b"[[{}]]", b'{"a":1}'])
def test_millions_of_values_are_refused_before_there_are_any(value: bytes, make_rig: MakeRig) -> None:
    body = b'{"a":[' + (value + b",") * (14_000_000 // (len(value) + 1)) + b"1]}"
    rig = make_rig(answers(gzip.compress(body, 1), headers=[("Content-Encoding", "gzip")]))
    tracemalloc.start()

    with pytest.raises(UnexpectedAnswer) as refused:
        rig.get()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.code == "too_large"
    assert peak < 40_000_000  # The text, twice for a moment; its values would be hundreds of megabytes.


def test_of_an_answer_that_nobody_holds_any_more_nothing_stays_until_garbage_is_looked_for(make_rig: MakeRig) -> None:
    rig = make_rig(answers(json.dumps({"contacts": [{"id": str(one)} for one in range(1000)]}).encode()))
    gc.collect()
    gc.disable()
    try:
        rig.get()
        assert not [one for one in gc.get_objects() if isinstance(one, TextRow)]
    finally:
        gc.enable()


def test_a_long_text_with_very_many_commas_is_read(make_rig: MakeRig) -> None:
    text = "a, b, c, " * 100_000
    rig = make_rig(gzipped(json.dumps({"text": text}).encode()))

    assert rig.get().extensions["json"] == {"text": text}


def test_the_beginning_of_a_refusal_is_kept_however_it_goes_on(make_rig: MakeRig) -> None:
    page = b"<html>" + b"x" * 200_000
    went_on = [
        answers(page, status=403),
        answers(gzip.compress(page), status=403, headers=[("Content-Encoding", "gzip")]),
        answers(page[:1000], status=403, length=5000),
        repeats(page, first=b"HTTP/1.1 403 No\r\n\r\n<html>"),
    ]
    for step in went_on:
        response = make_rig(step).get()

        assert response.status_code == 403
        assert response.content.startswith(b"<html>")
        assert len(response.content) <= 64_000


def test_a_failure_status_counts_even_when_its_page_is_broken(make_rig: MakeRig) -> None:
    broken = [
        answers(b"x" * 100_000, status=404),
        answers(b"x", status=404, headers=[("Content-Encoding", "br")]),
        answers(b"x", status=404, length=500),
    ]
    for step in broken:
        assert make_rig(step).get().status_code == 404


def test_a_kept_connection_is_used_again(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}))

    for _ in range(3):
        rig.get()

    assert rig.server.connections == 1
    assert len(rig.lookups) == 1


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(closes_after(answers({})), answers({}))

    rig.get()
    rig.get()

    assert rig.server.connections == 2
    assert rig.slept == []


def test_a_kept_connection_that_closes_on_the_next_call_is_replaced_at_once(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), says(b""), answers({}))

    rig.get()
    rig.get()

    assert [heard.connection for heard in rig.server.heard] == [1, 1, 2]
    assert rig.slept == []


def test_a_connection_is_not_kept_after_half_an_answer(make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"{}", length=10**9), answers({"a": 1}), lane=Lane.INTERACTIVE)

    with pytest.raises(UnexpectedAnswer):
        rig.get()

    assert rig.get().extensions["json"] == {"a": 1}


def test_all_calls_of_a_check_end_together(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), hangs(), lane=Lane.INTERACTIVE, seconds=0.5)
    began = time.monotonic()

    rig.get()
    for _ in range(3):
        with pytest.raises(TemporarilyDown):
            rig.get()

    assert time.monotonic() - began < BOUND


def test_a_page_of_a_hundred_large_rows_is_read(make_rig: MakeRig) -> None:
    rows = [{"id": str(number), "text": "x" * 10_000} for number in range(100)]

    assert make_rig(answers({"contacts": rows})).get().extensions["json"] == {"contacts": rows}
    assert len(json.dumps(rows)) > 1_000_000


def test_a_text_of_ten_million_characters_is_cut_and_said(make_rig: MakeRig, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"id": "1", "text": "x" * 10_000_000}, {"id": "2", "text": "short"}]
    rig = make_rig(gzipped(json.dumps({"contacts": rows}).encode(), level=1))

    found = rig.get().extensions["json"]["contacts"]

    assert [len(row["text"]) for row in found] == [1_000_000, 5]
    assert "A text of 10000000 characters was cut" in caplog.text


def test_a_name_that_comes_twice_is_said(make_rig: MakeRig, caplog: pytest.LogCaptureFixture) -> None:
    assert make_rig(answers(b'{"a": [{"b": 1, "b": 2}]}')).get().extensions["json"] == {"a": [{"b": 2}]}

    assert "A name came twice" in caplog.text


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("key", [KEY, "a/key+with/slashes=="])
def test_a_key_that_is_echoed_is_taken_out(status: int, key: str, make_rig: MakeRig) -> None:
    echo = b'{"plain": "no %b!", "escaped": "%b"}' % (key.encode(), key.replace("/", "\\/").encode())
    rig = make_rig(
        answers(echo, status=status, headers=[("X-Echo", f"you sent {key}")]),
        secret_headers={"Api-Token": Secret(key)},
    )

    response = rig.get()

    assert response.json() == {"plain": "no ****!", "escaped": "****"}
    assert response.headers["x-echo"] == "you sent ****"
    assert rig.server.heard[0].headers["api-token"] == key


@pytest.mark.parametrize(
    "spelling",
    ["".join(f"\\u{ord(letter):04x}" for letter in KEY), f"\\u{ord(KEY[0]):04X}{KEY[1:]}", KEY.upper()],
    ids=["escaped", "one letter escaped", "capitals"],
)
def test_a_key_that_is_echoed_in_another_spelling_is_taken_out(spelling: str, make_rig: MakeRig) -> None:
    rig = make_rig(answers(b'{"a": "no %b!"}' % spelling.encode()), secret_headers={"Api-Token": Secret(KEY)})

    assert rig.get().extensions["json"] == {"a": "no ****!"}


def test_escapes_in_an_answer_without_the_key_are_read_as_ever(make_rig: MakeRig) -> None:
    rig = make_rig(answers(rb'{"a": "\u0041 \\u0041 \u00e9"}'), secret_headers={"Api-Token": Secret(KEY)})

    assert rig.get().extensions["json"] == {"a": "A \\u0041 é"}


def test_threads_share_a_client_each_with_its_own_limits(make_rig: MakeRig) -> None:
    def answer_slowly(connection: socket.socket) -> None:
        time.sleep(0.05)
        answers({"a": 1})(connection)

    rig = make_rig(answer_slowly)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: rig.get().extensions["json"], range(64)))

    assert found == [{"a": 1}] * 64
    assert 1 < rig.server.connections <= 8


def test_one_slow_call_does_not_take_the_time_of_another(make_rig: MakeRig) -> None:
    rig = make_rig(hangs(), answers({"a": 1}), limits=SHORT, lane=Lane.INTERACTIVE)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(rig.get)
        while not rig.server.heard:
            time.sleep(0.01)
        assert threads.submit(rig.get).result().extensions["json"] == {"a": 1}

        assert isinstance(slow.exception(), TemporarilyDown)
