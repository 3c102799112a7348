"""What the guard and the wire pass on and hold back, to the byte and the status, asked part by part."""

import logging
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx
import pytest

from sources.errors import TemporarilyDown, UnexpectedAnswer, WrongAddress
from sources.http.dialling import Dialler
from sources.http.failures import Failures
from sources.http.guard import Guard, origin_of
from sources.http.limits import BULK, Limits
from sources.http.wire import Wire, strict_tls
from sources.spec import Lane, Secret
from tests.sources.http.conftest import HOST, KEY, MakeRig
from tests.sources.http.scripted_server import answers, gzipped, hangs, says

FAILURES = Failures("Anybody")

# The guard --------------------------------------------------------------------------------------------------------


def guard(answer: httpx.Response, *, keys: Iterable[tuple[str, str]] = (("Api-Token", KEY),), **options: Any) -> Guard:
    inner = httpx.MockTransport(lambda request: answer)
    secrets = {name: Secret(key) for name, key in keys}
    return Guard(inner, failures=FAILURES, secret_headers=secrets, **{"allowed": lambda origin: True, **options})


def test_an_origin_has_a_port_only_where_it_is_not_the_usual_one() -> None:
    assert origin_of(httpx.URL("https://acme.api-us1.com/api/3?a=b")) == "https://acme.api-us1.com"
    assert origin_of(httpx.URL("http://127.0.0.1:8010/x")) == "http://127.0.0.1:8010"


def test_an_echo_is_taken_out_with_its_length() -> None:
    echoing = httpx.Response(201, headers={"Content-Length": "999", "X-Other": "kept"}, content=f"<{KEY}>{KEY}")

    response = guard(echoing).handle_request(httpx.Request("GET", f"https://{HOST}"))

    assert response.status_code == 201
    assert response.content == b"<****>****"
    assert response.headers["content-length"] == "10"
    assert response.headers["x-other"] == "kept"


def test_an_answer_without_an_echo_is_passed_on_as_it_is() -> None:
    plain = httpx.Response(200, content=b"nothing secret")

    assert guard(plain).handle_request(httpx.Request("GET", f"https://{HOST}")) is plain


def test_each_of_several_keys_is_taken_out_and_an_empty_one_is_none() -> None:
    keys = [("Api-Token", KEY), ("X-Second", "second/secret"), ("X-Empty", "")]
    echoing = httpx.Response(200, headers={"X-Echo": "second/secret"}, content=f"{KEY} second\\/secret.")

    response = guard(echoing, keys=keys).handle_request(httpx.Request("GET", f"https://{HOST}"))

    assert response.content == b"**** ****."
    assert response.headers["x-echo"] == "****"


@pytest.mark.parametrize("echo", ["mixedcasekey", "MIXEDCASEKEY", "MiXedCaseKey", r"Mi\u0058edCaseKey"])
def test_an_echo_is_taken_out_in_letters_of_any_size_or_escaped(echo: str) -> None:
    echoing = httpx.Response(200, content=f"<{echo}>")

    guarded = guard(echoing, keys=[("Api-Token", "MiXedCaseKey")])
    response = guarded.handle_request(httpx.Request("GET", f"https://{HOST}"))

    assert response.content == b"<****>"


def test_where_an_echo_is_taken_out_other_escapes_still_mean_what_they_meant() -> None:
    body = rb'{"quoted": "she said \u0022so\u0022", "path": "a\u005cb", "key": "%b"}' % KEY.encode()

    response = guard(httpx.Response(200, content=body)).handle_request(httpx.Request("GET", f"https://{HOST}"))

    assert response.json() == {"quoted": 'she said "so"', "path": "a\\b", "key": "****"}


def test_the_guard_needs_no_key_and_closes_what_is_below() -> None:
    closed: list[bool] = []

    class Below(httpx.MockTransport):
        def close(self) -> None:
            closed.append(True)

    plain = Guard(
        Below(lambda request: httpx.Response(200, json=dict(request.headers))),
        allowed=lambda origin: True,
        failures=FAILURES,
    )

    answer = plain.handle_request(httpx.Request("GET", f"https://{HOST}", headers={"X-Own": "1"}))
    plain.close()

    assert answer.json() == {"host": HOST, "x-own": "1"}
    assert closed == [True]


# The wire ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [httpcore.ReadError(), httpcore.ReadTimeout(), httpcore.RemoteProtocolError(), FAILURES.too_slow("deadline")],
    ids=lambda failure: type(failure).__name__,
)
def test_the_status_of_a_refusal_counts_however_its_page_ends(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page() -> Iterator[bytes]:
        yield b"<html>"
        raise failure

    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", lambda *_: httpcore.Response(403, content=page()))

    response = Wire(failures=FAILURES).handle_request(httpx.Request("GET", f"https://{HOST}"))

    assert (response.status_code, response.content) == (403, b"<html>")


def test_an_answer_began_when_its_head_was_there_and_none_of_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    read_at: list[float] = []

    def body() -> Iterator[bytes]:
        read_at.append(time.monotonic())
        yield b"{}"

    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", lambda *_: httpcore.Response(200, content=body()))
    asked_at = time.monotonic()

    response = Wire(failures=FAILURES).handle_request(httpx.Request("GET", f"https://{HOST}"))

    assert asked_at <= response.extensions["began"] <= read_at[0]


def test_a_refusal_is_unpacked_and_cut_at_its_limit(make_rig: MakeRig) -> None:
    long = gzipped(b"x" * 64_000 + b"y")
    short = gzipped(b'{"message": "no"}')

    def refused(step: Any) -> Any:
        def answered(connection: socket.socket) -> None:
            class Changed:
                def sendall(self, raw: bytes) -> None:
                    connection.sendall(raw.replace(b"HTTP/1.1 200", b"HTTP/1.1 403", 1))

            step(Changed())

        return answered

    assert make_rig(refused(long)).get().content == b"x" * 64_000
    assert make_rig(refused(short)).get().json() == {"message": "no"}


@pytest.mark.parametrize(("status", "is_refusal"), [(299, False), (400, True), (499, True)])
def test_only_the_beginning_of_a_refusal_is_read_and_all_of_an_answer(
    status: int, is_refusal: bool, make_rig: MakeRig
) -> None:
    rig = make_rig(answers(b'{"a": "%b"}' % (b"x" * 70_000), status=status), lane=Lane.INTERACTIVE)

    response = rig.get()

    assert len(response.content) == (64_000 if is_refusal else 70_009)


@pytest.mark.parametrize("status", [300, 304, 399])
def test_every_status_from_300_to_399_is_a_redirect(status: int, make_rig: MakeRig) -> None:
    with pytest.raises(WrongAddress) as refused:
        make_rig(answers(b"", status=status)).get()

    assert refused.value.code == "redirect"


@pytest.mark.parametrize(("length", "is_read"), [(100, True), (101, False)])
def test_a_body_is_read_up_to_its_limit_and_refused_by_its_announcement(
    length: int, is_read: bool, make_rig: MakeRig
) -> None:
    body = b'{"a": "%b"}' % (b"x" * (length - 9))
    rig = make_rig(answers(body), limits=Limits(wire_bytes=100), lane=Lane.INTERACTIVE)

    if is_read:
        assert len(rig.get().content) == length
        return
    with pytest.raises(UnexpectedAnswer) as refused:
        rig.get()
    assert refused.value.code == "too_large"


def test_an_announced_length_is_believed_before_any_of_the_body_is_there(make_rig: MakeRig) -> None:
    announced = hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 2000001\r\n\r\n")

    with pytest.raises(UnexpectedAnswer) as refused:
        make_rig(announced, lane=Lane.INTERACTIVE).get()

    assert refused.value.code == "too_large"


def test_what_only_concerns_the_connection_is_not_passed_on(make_rig: MakeRig) -> None:
    own = [("Set-Cookie", "a=b"), ("X-Kept", "yes")]

    headers = make_rig(answers({"a": 1}, headers=own)).get().headers

    assert headers["x-kept"] == "yes"
    assert headers["content-length"] == "8"
    assert "set-cookie" not in headers
    zipped = make_rig(gzipped(b'{"a": 1}')).get().headers
    assert "content-encoding" not in zipped
    assert zipped["content-length"] == "8"
    chunked = make_rig(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")).get().headers
    assert "transfer-encoding" not in chunked


def test_a_request_that_breaks_the_rules_of_http_is_not_sent(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), secret_headers={"Api-Token": Secret("line\nbreak-0123456789")}, lane=Lane.INTERACTIVE)

    with pytest.raises(UnexpectedAnswer) as refused:
        rig.get()

    assert refused.value.code == "request_refused"
    assert "line" not in str(refused.value)
    assert rig.server.heard == []


def test_a_failed_call_is_logged_by_its_code_alone(make_rig: MakeRig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="sources.http.wire")

    with pytest.raises(WrongAddress):
        make_rig(answers(b"", status=301)).get()

    assert [record.getMessage() for record in caplog.records] == ["A call failed: redirect"]


def test_a_call_goes_out_with_its_method_address_query_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[httpcore.Request] = []

    def remember(self: object, request: httpcore.Request) -> httpcore.Response:
        sent.append(request)
        return httpcore.Response(200, content=b"{}")

    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", remember)
    wire = Wire(failures=FAILURES, limits=Limits(connect=1.0, read=2.0, total=3.0))

    wire.handle_request(httpx.Request("GET", f"https://{HOST}:444/api/3/x?a=b%20c", headers={"X-A": "1"}, content=b"b"))
    wire.close()

    (request,) = sent
    assert (request.method, request.url.scheme, request.url.host, request.url.port) == (
        b"GET",
        b"https",
        HOST.encode(),
        444,
    )
    assert request.url.target == b"/api/3/x?a=b%20c"
    assert (b"X-A", b"1") in request.headers
    assert b"".join(request.stream) == b"b"  # type: ignore[arg-type]
    assert request.extensions["timeout"] == {"connect": 1.0, "read": 2.0, "write": 2.0, "pool": 3.0}


def test_old_tls_is_refused_by_us_and_nothing_of_the_environment_is_trusted() -> None:
    context = strict_tls()

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_as_many_connections_as_calls_at_once_are_kept_for_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(httpcore, "ConnectionPool", lambda **options: made.append(options))
    context = ssl.create_default_context()

    Wire(failures=FAILURES, tls=context)
    Wire(failures=FAILURES)

    assert [(one["max_connections"], one["keepalive_expiry"]) for one in made] == [(32, 30.0)] * 2
    assert [one["ssl_context"] for one in made] == [context, strict_tls()]
    assert all(isinstance(one["network_backend"], Dialler) for one in made)


def test_no_call_goes_out_that_was_not_paid_for_when_a_new_connection_breaks(make_rig: MakeRig) -> None:
    rig = make_rig(says(b""))

    with pytest.raises(TemporarilyDown):
        rig.get()

    assert len(rig.server.heard) == len(rig.budget.taken) > 0


def test_answers_that_take_twelve_seconds_are_waited_for(make_rig: MakeRig) -> None:
    """In a hundredth of the time: an account was seen to take as long for everything, on a bad day."""

    def late(connection: socket.socket) -> None:
        time.sleep(0.12)
        answers({"user": {}})(connection)

    hundredth = Limits(connect=1.0, read=BULK.read / 100, total=BULK.total / 100)
    rig = make_rig(late, limits=hundredth)

    for _ in range(3):
        assert rig.get().extensions["json"] == {"user": {}}
    assert rig.slept == []
