"""Rows 24 to 42, and those like them: answers that arrive, but are not what they should be."""

import gzip
import json
import socket
import zlib
from functools import cache
from typing import Any

from sources.errors import BadCredentials, TemporarilyDown, UnexpectedAnswer, WrongAddress
from tests.sources.activecampaign.conftest import KEY
from tests.sources.http.misbehaviour.case import CONTACTS, ME, ROWS, Case, Cases
from tests.sources.http.misbehaviour.reaching import OK, UNREADABLE
from tests.sources.http.scripted_server import Step, answers, gzipped, repeats, says

WEB_PAGE = "ActiveCampaign showed a web page instead of data. It may be under maintenance."
WEB_PAGE_AT_TEST = (
    "A web page answered instead of ActiveCampaign's API. Copy the API URL again from Settings > Developer; "
    "if it is right, ActiveCampaign may be under maintenance."
)
TOO_LARGE = "The answer of ActiveCampaign was too large to read."
ELSEWHERE = "ActiveCampaign pointed us to another address. Copy the API URL again from Settings > Developer."
REFUSED = "ActiveCampaign did not accept our request."
BAD_KEY = "ActiveCampaign did not accept this key. Copy it again from Settings > Developer."
BLOCKED = "ActiveCampaign blocked our request. Try again later."
NO_RECORDS = "ActiveCampaign sent an answer without the records that we asked for."

web_page: dict[str, Any] = {"error": TemporarilyDown, "code": "web_page", "says": WEB_PAGE, "requests": 1}
unread: dict[str, Any] = {"error": UnexpectedAnswer, "says": UNREADABLE}
too_large: dict[str, Any] = {"error": UnexpectedAnswer, "code": "too_large", "says": TOO_LARGE, "requests": 5}
refused: dict[str, Any] = {"error": UnexpectedAnswer, "code": "request_refused", "says": REFUSED}
bad_key: dict[str, Any] = {"error": BadCredentials, "code": "key_refused", "says": BAD_KEY}
blocked: dict[str, Any] = {"error": TemporarilyDown, "code": "blocked", "says": BLOCKED, "requests": 1}

BODY = json.dumps(CONTACTS).encode()
PAGE = b"<!doctype html><title>Back soon</title>"


def packed(body: bytes, encoding: str = "gzip") -> Step:
    return answers(body, headers=[("Content-Encoding", encoding)])


@cache
def blanks(megabytes: int) -> bytes:
    """So many megabytes of blanks, packed to a thousandth; made piece by piece, since its own memory is measured."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(megabytes)), packer.flush()])


def bomb(connection: socket.socket) -> None:
    packed(blanks(100))(connection)


def stacked_bomb(connection: socket.socket) -> None:
    packed(gzip.compress(blanks(100)), "gzip, gzip")(connection)


def long_text(connection: socket.socket) -> None:
    gzipped(json.dumps({"contacts": [{"id": "1", "note": "x" * 10_000_000}, ROWS["2"]]}).encode(), level=1)(connection)


KINDS: Cases = (
    Case(row=24, does="shows a web page", script=(answers(PAGE),), **web_page),
    Case(
        row=24,
        does="shows a web page",
        by="test",
        script=(answers(PAGE),),
        requests=1,
        error=WrongAddress,
        code="web_page",
        says=WEB_PAGE_AT_TEST,
    ),
    *(
        Case(row=25, does=f"calls its JSON {kind}", script=(answers(BODY, headers=headers),), requests=1)
        for kind, headers in {
            "a web page": [("Content-Type", "text/html; charset=UTF-8")],
            "text": [("Content-Type", "text/plain")],
            "nothing": [],
        }.items()
    ),
    Case(
        row=26,
        does="calls its web page JSON",
        script=(answers(PAGE, headers=[("Content-Type", "application/json")]),),
        **web_page,
    ),
    *(
        Case(row=27, does=f"answers {body!r}", script=(answers(body),), code="not_an_object", requests=1, **unread)
        for body in (b"[]", b'"hello"', b"7", b"null")
    ),
    *(
        Case(row=28, does=f"writes {what}", script=(answers(body),), code=code, requests=calls, **unread)
        for code, calls, what, body in (
            ("not_json", 2, "UTF-16", BODY.decode().encode("utf-16")),
            ("odd_text", 8, "Latin-1", '{"contacts": [], "name": "Zoë"}'.encode("latin-1")),
            ("odd_text", 8, "broken UTF-8", b'{"contacts": [], "name": "\xc3\x28"}'),
        )
    ),
    Case(row=28, does="begins with a byte order mark", script=(answers(b"\xef\xbb\xbf" + BODY),), requests=1),
    *(
        Case(row=29, does=f"counts {number}", script=(answers(body),), code="odd_json", requests=4, **unread)
        for number, body in {
            "NaN": b'{"contacts": [NaN]}',
            "Infinity": b'{"contacts": [-Infinity]}',
            "1e400": b'{"contacts": [1e400]}',
        }.items()
    ),
    Case(
        row=29,
        does="gives a name twice",
        script=(answers(b'{"contacts": [{"id": "9", "id": "1"}]}'),),
        rows={"1": {"id": "1"}},
        requests=1,
        logs="A name came twice in one object",
    ),
    *(
        Case(row=30, does=f"sends {what}", script=(answers(body),), code="odd_json", requests=4, **unread)
        for what, body in {
            "100,000 brackets": b'{"contacts": %b1%b}' % (b"[" * 100_000, b"]" * 100_000),
            "5,000 digits": b'{"contacts": %b}' % (b"9" * 5000),
        }.items()
    ),
    Case(
        row=31,
        does="sends what no database takes",
        script=(answers(b'{"contacts": [{"id": "1", "a\\u0000": "\\ud800", "b": "\\ud83c\\udf75"}]}'),),
        rows={"1": {"id": "1", "a\ufffd": "\ufffd", "b": "\U0001f375"}},
        requests=1,
    ),
)

SIZES: Cases = (
    Case(row=32, does="announces a gigabyte", script=(answers(b"{}", length=10**9),), megabytes=10, **too_large),
    Case(row=33, does="never ends", script=(repeats(b" " * 65_536, first=OK + b"\r\n{"),), megabytes=60, **too_large),
    Case(row=34, does="packs a bomb", script=(bomb,), megabytes=80, **too_large),
    Case(row=34, does="packs a bomb", by="test", script=(bomb,), megabytes=80, **too_large | {"requests": 1}),
    Case(
        row=35,
        does="packs a bomb twice",
        script=(stacked_bomb,),
        code="encoding_refused",
        requests=1,
        megabytes=10,
        **unread,
    ),
    *(
        Case(
            row=35,
            does=f"packs as {encoding}",
            script=(packed(zlib.compress(BODY), encoding),),
            code="encoding_refused",
            requests=1,
            **unread,
        )
        for encoding in ("br", "zstd", "deflate", "gzip, br", "x-unheard-of")
    ),
    *(
        Case(row=36, does=f"packs {how}", script=(packed(body),), code="encoding", requests=2, **unread)
        for how, body in {
            "nothing but says so": BODY,
            "wrongly": gzip.compress(BODY)[:-8] + b"\xff" * 8,
            "more behind its end": gzip.compress(BODY) + b"more",
        }.items()
    ),
    Case(
        row=71,
        does="sends ten million characters in one field",
        script=(long_text,),
        rows={"1": {"id": "1", "note": "x" * 1_000_000}, "2": ROWS["2"]},
        requests=1,
        logs="A text of 10000000 characters was cut to 1000000.",
    ),
)

ELSEWHERES = {
    37: ["https://evil.example/api/3/contacts", "//evil.example/"],
    38: ["http://acme.api-us1.com/", "https://127.0.0.1/", "http://169.254.169.254/latest"],
    39: ["/api/3/contacts", ""],
}
DIRECTIONS: Cases = (
    *(
        Case(
            row=row,
            does=f"sends us by {status} to {where or 'nowhere'}",
            script=(answers(b"", status=status, headers=[("Location", where)] if where else []),),
            requests=2,  # One more on this host: perhaps one stream alone is elsewhere.
            lookups=2,
            error=WrongAddress,
            code="redirect",
            says=ELSEWHERE,
        )
        for row, places in ELSEWHERES.items()
        for where in places
        for status in ((301, 302, 303, 307, 308) if row == 37 else (302,))
    ),
    Case(
        row=39,
        does="wants to be asked again elsewhere",
        script=(answers(BODY, headers=[("Refresh", "0; url=https://evil.example/")]),),
        requests=1,
        lookups=1,
    ),
    Case(row=72, does="sets a cookie", by="test", script=(answers(ME, headers=[("Set-Cookie", "a=b")]),), requests=3,
         recovers=True),
)  # fmt: skip

REFUSALS: Cases = (
    Case(row=40, does="answers 400", script=(answers({}, status=400),), requests=1, **refused),
    Case(row=41, does="answers 401", by="test", script=(answers({}, status=401),), requests=3, **bad_key),
    Case(row=41, does="answers 403", by="test", script=(answers({}, status=403),), requests=3, **bad_key),
    Case(row=41, does="answers 403 without a word", by="test", script=(says(b"HTTP/1.1 403 No\r\n\r\n"),), requests=3,
         **bad_key),
    Case(row=41, does="answers 403 twice", by="test", script=(answers({}, status=403),) * 2, recovers=True, requests=5),
    *(
        Case(row=42, does=f"blocks us with {what}", by=by, script=(answers(page, status=403),), **blocked)
        for by in ("pull", "test")
        for what, page in {
            "a page": PAGE,
            "a page of 200 kB": PAGE + b"x" * 200_000,
            "a number": b"error code: 1020",
        }.items()
    ),
    *(
        Case(row=57, does=f"answers {status}", script=(answers({}, status=status),), requests=1, **refused)
        for status in (451, 410, 418, 405, 422)
    ),
    Case(row=58, does="answers 200 with errors", script=(answers({"errors": [{"title": "x"}]}),), requests=2,
         error=UnexpectedAnswer, code="no_envelope", says=NO_RECORDS),
    Case(row=58, does="answers 200 with rows and errors", script=(answers(CONTACTS | {"errors": ["x"]}),), requests=1,
         **refused),
    Case(row=58, does="answers 200 without success", script=(answers(CONTACTS | {"succeeded": 0}),), requests=1,
         **refused),
    *(
        Case(row=58, does=f"answers 200 with {said}", script=(answers({"contacts": []} | said),), requests=1, **refused)
        for said in (
            {"error": "database down"},
            {"status": "error", "code": 500},
            {"success": 0, "result_code": 0},
            {"success": False},
            {"result_code": "0"},
            {"message": "Internal Server Error"},
            {"code": 500},
            {"code": "503", "meta": {"total": "0"}},
            {"status": 404},
        )
    ),
    Case(row=58, does="answers 200 with rows and an error", script=(answers(CONTACTS | {"error": "x"}),), requests=1,
         **refused),
    Case(row=58, does="says that it succeeded", script=(answers(CONTACTS | {"success": 1, "status": "ok"}),),
         requests=1),
    Case(row=58, does="has a message beside none that are counted, too", requests=1, rows={},
         script=(answers({"contacts": [], "message": "There are none.", "meta": {"total": "0"}}),)),
    Case(row=58, does="has a message beside rows", script=(answers(CONTACTS | {"message": "Hello"}),), requests=1),
    Case(row=58, does="answers 200 with errors", by="test", script=(answers({"errors": [{}]}),), requests=1, **refused),
    Case(row=60, does="leaves the list out", script=(answers({"meta": {"total": "2"}}),), requests=2,
         error=UnexpectedAnswer, code="no_envelope", says=NO_RECORDS),
    Case(row=60, does="answers null for the list", script=(answers({"contacts": None}),), requests=2,
         error=UnexpectedAnswer, code="no_envelope", says=NO_RECORDS),
    Case(row=60, does="leaves the list out once", script=(answers({"meta": {}}),), recovers=True, requests=2),
)  # fmt: skip

ECHO = f"Your key {KEY} is not right.\r\n\x1b[31mForged line"
ECHOES: Cases = (
    Case(row=78, does="repeats the key in a refusal", script=(answers({"message": ECHO}, status=400),), requests=1,
         **refused),
    Case(row=78, does="repeats the key in a refusal", by="test", script=(answers({"message": ECHO}, status=403),),
         requests=3, **bad_key),
    Case(row=78, does="repeats the key in a row", script=(answers({"contacts": [{"id": "1", "note": KEY}]}),),
         rows={"1": {"id": "1", "note": "****"}}, requests=1),
    Case(row=78, does="repeats the key in a header", script=(answers(BODY, headers=[("X-Sent", KEY)]),), requests=1),
    Case(row=79, does="breaks lines in its errors", script=(answers({"message": ECHO}, status=422),), requests=1,
         **refused),
    Case(row=79, does="colours its reason", script=(says(b"HTTP/1.1 200 \x1b[31mNo\r\n\r\n" + BODY),), requests=1),
    Case(row=79, does="colours a header", script=(says(OK + b"X-A: \x1b[31mred\r\n\r\n" + BODY),), requests=1),
)  # fmt: skip

ANSWERING: Cases = (*KINDS, *SIZES, *DIRECTIONS, *REFUSALS, *ECHOES)
