"""Which addresses are called and when a call ends, to the neighbour, the byte and the second."""

import socket
import ssl
import threading
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import httpcore
import pytest

from sources.errors import SourceError, TemporarilyDown, UnexpectedAnswer, WrongAddress
from sources.http.dialling import Dialler, LimitedStream
from sources.http.failures import Failures
from sources.http.limits import Call, Limits
from sources.http.lookup import ask_resolver, look_up
from sources.http.public_addresses import NEVER, is_public
from sources.http.waiting import LOOK
from sources.http.wire import strict_tls
from sources.spec import Lane
from tests.sources.http.conftest import HOST, PUBLIC, MakeRig
from tests.sources.http.scripted_server import answers

FAILURES = Failures("Anybody")
SHORT = Limits(connect=1.0, read=0.2, total=0.4)

# Public addresses -------------------------------------------------------------------------------------------------


CLOSED = [
    "168.63.129.16/32",
    "192.0.0.0/24",
    "192.88.99.0/24",
    "100.64.0.0/10",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
]


@pytest.mark.parametrize("text", CLOSED)
def test_the_first_and_the_last_address_of_each_closed_network_are_refused(text: str) -> None:
    network = ip_network(text)

    assert not is_public(str(network[0]))
    assert not is_public(str(network[-1]))


def test_what_is_closed_is_closed_whatever_this_python_thinks_of_it() -> None:
    assert [str(network) for network in NEVER] == CLOSED


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("168.63.129.15", True),
        ("168.63.129.17", True),
        ("192.0.1.0", True),
        ("192.88.98.255", True),
        ("192.88.100.0", True),
        ("100.63.255.255", True),
        ("100.128.0.0", True),
        ("2001:200::", True),
        ("2003::", True),
        ("3ffe:ffff::1", True),
        ("1fff::1", False),
        ("4000::1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("::ffff:168.63.129.16", False),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::6812:27e4", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::a83f:8110", False),
        ("64:ff9b::1:808:808", False),
        ("64:ff9b:1::808:808", False),
        ("64:ff9a::808:808", False),
        ("2002:808:808::1", False),
        ("2001:0:808:808::1", False),
        ("::ffff:0:808:808", False),
        ("::808:808", False),
        ("224.0.1.1", False),
        ("ff0e::1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
    ],
)
def test_a_neighbour_of_a_closed_network_is_judged_by_itself(address: str, public: bool) -> None:
    assert is_public(address) == public


# Look-ups ---------------------------------------------------------------------------------------------------------


def test_a_lookup_names_each_address_once_and_fails_as_the_resolver_does(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def two_of_each(host: str, port: int, **kinds: Any) -> list[Any]:
        asked.append((host, port, kinds))
        return [(None, None, None, "", (address, port)) for address in ("9.9.9.9", PUBLIC, "9.9.9.9")]

    monkeypatch.setattr(socket, "getaddrinfo", two_of_each)

    assert ask_resolver(HOST, 443) == ["9.9.9.9", PUBLIC]
    assert asked == [(HOST, 443, {"type": socket.SOCK_STREAM})]


def test_a_lookup_runs_in_a_thread_that_holds_nobody_up() -> None:
    seen: list[threading.Thread] = []
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        seen.append(threading.current_thread())
        asked.append((host, port))
        return [PUBLIC]

    assert look_up(HOST, 443, resolve=resolve, seconds=5) == [PUBLIC]
    assert asked == [(HOST, 443)]
    assert seen[0] is not threading.current_thread()
    assert seen[0].daemon
    assert seen[0].name == "lookup"


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.02])
def test_a_lookup_ends_with_the_time_that_is_left(seconds: float) -> None:
    over = threading.Event()

    with pytest.raises(TimeoutError):
        look_up(HOST, 443, resolve=lambda host, port: over.wait(30) and [], seconds=seconds)
    over.set()


def test_a_lookup_has_no_more_than_three_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("sources.http.lookup.in_time", lambda work, *, seconds, **options: waited.append(seconds))

    for seconds in (60.0, 2.5, 0.0):
        look_up(HOST, 443, resolve=lambda host, port: [], seconds=seconds)

    assert waited == [3.0, 2.5, 0.0]


@pytest.mark.parametrize(
    ("failure", "errno"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "later"), socket.EAI_AGAIN),
        (UnicodeError("label too long"), socket.EAI_NONAME),
    ],
)
def test_what_the_resolver_says_arrives_from_its_thread(failure: Exception, errno: int) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise failure

    with pytest.raises(socket.gaierror) as told:
        look_up(HOST, 443, resolve=resolve, seconds=5)

    assert told.value.errno == errno


# Dialling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), WrongAddress, "dns_not_found"),
        (socket.gaierror(socket.EAI_AGAIN, ""), TemporarilyDown, "dns_temporary"),
        (socket.gaierror(socket.EAI_SYSTEM, ""), TemporarilyDown, "dns_temporary"),
        (socket.gaierror(socket.EAI_MEMORY, ""), TemporarilyDown, "dns_temporary"),
        (OSError("network is down"), TemporarilyDown, "dns_temporary"),
        (None, WrongAddress, "dns_not_found"),
    ],
)
def test_what_a_resolver_says_is_told_apart(
    failure: Exception | None, kind: type[SourceError], code: str, make_rig: MakeRig
) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if failure:
            raise failure
        return []

    with pytest.raises(kind) as told:
        make_rig(answers({}), resolve=resolve, lane=Lane.INTERACTIVE).get()

    assert told.value.code == code
    assert told.value.__suppress_context__


@pytest.mark.parametrize(("count", "is_called"), [(16, True), (17, False)])
def test_a_host_may_have_sixteen_addresses(
    count: int, is_called: bool, make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig(answers({}), resolve=lambda host, port: [f"8.8.4.{n}" for n in range(count)])

    if is_called:
        assert rig.get().status_code == 200
    else:
        with pytest.raises(WrongAddress) as refused:
            rig.get()
        assert refused.value.code == "dns_refused"
        assert "8.8.4.16" in caplog.text


def test_each_address_is_dialled_with_the_port_of_the_call(make_rig: MakeRig) -> None:
    dialled: list[tuple[str, int]] = []
    rig = make_rig(answers({}))

    def dial(address: str, port: int) -> tuple[str, int]:
        dialled.append((address, port))
        return "127.0.0.1", rig.server.port

    looked_up: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append((host, port))
        return ["8.8.4.4", PUBLIC]

    make_rig(answers({}), resolve=resolve, dial=dial).get()

    assert looked_up == [(HOST, 443)]
    assert dialled == [("8.8.4.4", 443)]


def dialler(*, dials: Callable[[str, int], tuple[str, int]], addresses: list[str]) -> Dialler:
    made = Dialler(failures=FAILURES, resolve=lambda host, port: addresses, dial=dials)
    made.call = Call(ends_at=float("inf"), limits=Limits(wire_bytes=1000))
    return made


class Connected(Exception):
    """Stands for a connection."""


def dialled_by(
    addresses: list[str], *, silent: str = "-", seconds: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[tuple[str, float]], bool]:
    """Each address that was tried, with the part of the seconds that it got; and whether one connected in the end.

    Nothing is waited for: those that contain `silent` say at once that their time is over, others refuse or connect.
    """
    dialled: list[tuple[str, float]] = []

    def connect(self: object, host: str, port: int, timeout: float = 0.0) -> object:
        dialled.append((host, round(timeout / seconds, 2)))
        if silent in host:
            raise httpcore.ConnectTimeout
        raise httpcore.ConnectError if silent == "-" else Connected

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    one = dialler(dials=lambda address, port: (address, port), addresses=addresses)
    with pytest.raises((TemporarilyDown, Connected)) as outcome:
        one.connect_tcp(HOST, 443, timeout=seconds)
    return dialled, outcome.type is Connected


V6, V4 = ["2606:4700::1", "2606:4700::2", "2606:4700::3"], ["8.8.4.1", "8.8.4.2"]


@pytest.mark.parametrize(
    ("addresses", "silent", "tried"),
    [
        ([*V6, *V4], ":", [V6[0], V4[0]]),
        ([*V4, *V6], ".", [V4[0], V6[0]]),
        ([*V6, V4[0]], ":", [V6[0], V4[0]]),
        ([*V6, *V4], "2606:4700::1", [V6[0], V4[0]]),
        ([*V4], "8.8.4.1", [*V4]),
    ],
)
def test_a_family_that_leads_nowhere_costs_one_short_wait(
    addresses: list[str], silent: str, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled, is_connected = dialled_by(addresses, silent=silent, seconds=5.0, monkeypatch=monkeypatch)

    assert is_connected
    assert [address for address, _ in dialled] == tried
    assert dialled[0][1] == 0.2


def test_the_last_address_has_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled, _ = dialled_by([V4[0], V6[0]], seconds=5.0, monkeypatch=monkeypatch)

    assert dialled == [(V4[0], 0.2), (V6[0], 1.0)]


def test_refusing_addresses_are_all_tried_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled, is_connected = dialled_by([*V6, *V4], seconds=4.5, monkeypatch=monkeypatch)

    assert not is_connected
    assert [address for address, _ in dialled] == [V6[0], V4[0], V6[1], V4[1], V6[2]]


# The stream's limits ----------------------------------------------------------------------------------------------


class Plain(httpcore.NetworkStream):
    """A stream that gives what it was given, and remembers how it was asked."""

    def __init__(self, sent: bytes = b"", failure: Exception | None = None) -> None:
        self.sent, self.failure = sent, failure
        self.asked: list[tuple[Any, ...]] = []
        self.is_closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.asked.append((max_bytes, timeout))
        return self.sent

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.asked.append((buffer, timeout))

    def close(self) -> None:
        self.is_closed = True

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self.asked.append((ssl_context, server_hostname, timeout))
        if self.failure:
            raise self.failure
        return Plain(b"inner")

    def get_extra_info(self, info: str) -> Any:
        return f"about {info}"


def limited(plain: Plain, call: Call) -> LimitedStream:
    made = Dialler(failures=FAILURES)
    made.call = call
    return LimitedStream(plain, dialler=made, failures=FAILURES)


def test_a_stream_passes_on_what_it_is_asked_within_its_time() -> None:
    plain, call = Plain(b"sent"), Call(ends_at=float("inf"), limits=Limits(wire_bytes=1000))
    stream = limited(plain, call)

    assert stream.read(9, timeout=2.5) == b"sent"
    stream.write(b"out", timeout=1.5)
    assert stream.get_extra_info("is_readable") == "about is_readable"
    stream.close()

    assert plain.asked == [(9, LOOK), (b"out", 1.5)]
    assert plain.is_closed
    assert call.received == 4
    stream.read(9)
    assert call.received == 8


def test_no_time_left_ends_a_stream_before_it_is_used() -> None:
    plain = Plain()
    stream = limited(plain, Call(ends_at=0.0, limits=Limits(wire_bytes=1000)))

    for use in (lambda: stream.read(1), lambda: stream.write(b"x"), lambda: stream.start_tls(strict_tls())):
        with pytest.raises(TemporarilyDown) as told:
            use()
        assert told.value.code == "deadline"
    assert plain.asked == []


@pytest.mark.parametrize(
    ("head_is_read", "received", "code"),
    [
        (False, 255_999, ""),
        (False, 256_000, "endless_head"),
        (True, 256_999, ""),
        (True, 257_000, "too_large"),
        (True, 999_999, "too_large"),
    ],
)
def test_a_stream_ends_at_its_bytes(head_is_read: bool, received: int, code: str) -> None:
    call = Call(ends_at=float("inf"), limits=Limits(wire_bytes=1000), received=received, head_is_read=head_is_read)
    stream = limited(Plain(b"x"), call)

    if not code:
        assert stream.read(1) == b"x"
        return
    with pytest.raises(UnexpectedAnswer) as told:
        stream.read(1)
    assert told.value.code == code


def caused(failure: Exception, cause: Exception | None) -> Exception:
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (httpcore.ConnectTimeout(), "no_connection"),
        (caused(httpcore.ConnectError(), ssl.SSLCertVerificationError()), "tls"),
        (caused(httpcore.ConnectError(), ssl.SSLError()), "tls_handshake"),
        (caused(httpcore.ConnectError(), ssl.SSLEOFError()), "cut_off"),
        (caused(httpcore.ConnectError(), ssl.SSLZeroReturnError()), "cut_off"),
        (caused(httpcore.ConnectError(), ConnectionResetError()), "cut_off"),
        (httpcore.ConnectError(), "cut_off"),
    ],
)
def test_why_no_secure_connection_came_about_is_told(failure: Exception, code: str) -> None:
    stream = limited(Plain(failure=failure), Call(ends_at=float("inf"), limits=Limits(wire_bytes=1)))

    with pytest.raises(SourceError) as told:
        stream.start_tls(strict_tls(), HOST, 2.0)

    assert told.value.code == code
    assert told.value.__suppress_context__


def test_a_secure_connection_is_asked_for_by_name_and_is_limited_like_the_plain_one() -> None:
    plain, call, context = Plain(), Call(ends_at=float("inf"), limits=Limits(wire_bytes=1000)), strict_tls()

    inner = limited(plain, call).start_tls(context, HOST, 2.0)

    assert plain.asked == [(context, HOST, 2.0)]
    assert inner.read(5) == b"inner"
    assert call.received == 5
    call.received = 10**9
    with pytest.raises(UnexpectedAnswer):
        inner.read(5)
