"""Where a call goes: judged addresses, verified names, and nowhere else."""

import json
import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest
import trustme

from sources.errors import SourceError, TemporarilyDown, WrongAddress
from sources.http.public_addresses import is_public
from sources.http.wire import strict_tls
from sources.spec import Lane
from tests.sources.http.conftest import HOST, KEY, PUBLIC, MakeRig, server_tls
from tests.sources.http.scripted_server import ScriptedServer, answers

DNS_ANSWERS = [
    json.loads(line) for line in Path(__file__).with_name("bad_dns_answers.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", DNS_ANSWERS, ids=lambda case: case["why"])
def test_a_name_is_called_only_when_all_its_addresses_are_public(case: dict, make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), resolve=lambda host, port: case["answers"])

    if case["verdict"] == "accept":
        assert rig.get().status_code == 200
        return
    with pytest.raises(WrongAddress) as refused:
        rig.get()

    assert refused.value.code in ("dns_refused", "dns_not_found")
    assert rig.server.connections == 0


@pytest.mark.parametrize("text", ["", "localhost", "8.8.8.8.", "1.1.1", "fe80::1%eth0", "2606:4700::1111%1", "x" * 999])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


def test_the_key_the_name_and_the_host_header_arrive(make_rig: MakeRig) -> None:
    rig = make_rig(answers({"user": {}}))

    response = rig.get()

    assert response.extensions["json"] == {"user": {}}
    [heard] = rig.server.heard
    assert heard.target == "/api/3/users/me"
    assert heard.headers["host"] == HOST
    assert heard.headers["api-token"] == KEY


def test_an_unknown_name_and_an_inner_address_read_the_same(make_rig: MakeRig) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(WrongAddress) as not_found:
        make_rig(answers({}), resolve=unknown).get()
    with pytest.raises(WrongAddress) as inner:
        make_rig(answers({}), resolve=lambda host, port: ["10.0.0.1"]).get()

    assert str(not_found.value) == str(inner.value)
    assert (not_found.value.code, inner.value.code) == ("dns_not_found", "dns_refused")


def test_a_name_with_very_many_addresses_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), resolve=lambda host, port: [f"8.8.4.{n}" for n in range(17)])

    with pytest.raises(WrongAddress):
        rig.get()

    assert rig.server.connections == 0


def test_a_name_is_looked_up_once_so_it_cannot_turn_after_it_was_judged(make_rig: MakeRig) -> None:
    turning = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    dialled: list[str] = []

    def dial(address: str, port: int) -> tuple[str, int]:
        dialled.append(address)
        return "127.0.0.1", rig.server.port

    rig = make_rig(answers({}), resolve=lambda host, port: next(turning), dial=dial)
    rig.get()

    assert rig.lookups == [HOST]
    assert dialled == [PUBLIC]


def test_a_lookup_that_fails_for_now_is_asked_again(make_rig: MakeRig) -> None:
    outcomes = iter([socket.gaierror(socket.EAI_AGAIN, "later"), [PUBLIC]])

    def sometimes(host: str, port: int) -> list[str]:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    rig = make_rig(answers({}), resolve=sometimes)

    assert rig.get().status_code == 200
    assert len(rig.slept) == 1


def test_a_resolver_that_hangs_is_not_waited_for(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr("sources.http.lookup.LOOKUP_SECONDS", 0.05)
    rig = make_rig(answers({}), resolve=lambda host, port: never.wait(30) and [], lane=Lane.INTERACTIVE)

    with pytest.raises(TemporarilyDown) as failure:
        rig.get()
    never.set()

    assert failure.value.code == "dns_temporary"


def test_a_dead_first_address_is_passed_over(make_rig: MakeRig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead_port = closed.getsockname()[1]
    rig = make_rig(answers({}))
    live_port = rig.server.port

    def dial(address: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", dead_port if address == "8.8.4.4" else live_port

    two = make_rig(answers({}), resolve=lambda host, port: ["8.8.4.4", PUBLIC], dial=dial)
    two.get()

    assert rig.server.connections == 1


def test_a_refused_connection_is_tried_again_and_then_told(make_rig: MakeRig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead_port = closed.getsockname()[1]
    rig = make_rig(answers({}), dial=lambda address, port: ("127.0.0.1", dead_port))

    with pytest.raises(TemporarilyDown) as failure:
        rig.get()

    assert failure.value.code == "no_connection"
    assert len(rig.slept) == 3


@pytest.mark.parametrize("name", ["evil.com", "api-us1.com", "other.api-us1.com"])
def test_a_certificate_for_another_name_sends_no_key(name: str, authority: trustme.CA, make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), certificate=server_tls(authority, name))

    with pytest.raises(WrongAddress, match="did not send your key") as refused:
        rig.get()

    assert refused.value.code == "tls"
    assert rig.server.heard == []


def test_a_certificate_of_an_unknown_authority_sends_no_key(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), certificate=server_tls(trustme.CA()))

    with pytest.raises(WrongAddress, match="did not send your key"):
        rig.get()

    assert rig.server.heard == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_old_version_of_tls_sends_no_key(authority: trustme.CA, make_rig: MakeRig) -> None:
    old = server_tls(authority)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1

    rig = make_rig(answers({}), certificate=old)

    with pytest.raises(SourceError) as refused:
        rig.get()

    assert refused.value.code in ("tls_handshake", "cut_off")
    assert rig.server.heard == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, make_rig: MakeRig) -> None:
    with ScriptedServer([answers({})]) as second:
        for target in (second.origin, f"https://{HOST}/api/3/", "//evil.com/", "/", f"http://{HOST}/"):
            rig = make_rig(answers(b"", status=status, headers=[("Location", target)]))

            with pytest.raises(WrongAddress) as refused:
                rig.get()

            assert refused.value.code == "redirect"
            assert len(rig.server.heard) == 1
        assert second.heard == []


def test_nothing_in_the_environment_changes_the_way(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login someone password something\n")
    with ScriptedServer([answers({})]) as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        monkeypatch.setenv("NETRC", str(netrc))
        rig = make_rig(answers({}))
        rig.get()

        assert proxy.heard == []
    [heard] = rig.server.heard
    assert "authorization" not in heard.headers


def test_an_authority_from_the_environment_is_not_trusted(
    make_rig: MakeRig, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = tmp_path / "ca.pem"
    ours.write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    rig = make_rig(answers({}), tls=strict_tls.__wrapped__())

    with pytest.raises(WrongAddress) as refused:
        rig.get()

    assert refused.value.code == "tls"


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/api/3/users/me",
        "https://evil.com/api/3/users/me",
        f"https://{HOST}:8443/api/3/users/me",
        f"https://user:word@{HOST}/api/3/users/me",
        "https://127.0.0.1/api/3/users/me",
    ],
)
def test_the_guard_lets_nothing_out_to_another_origin(url: str, make_rig: MakeRig) -> None:
    rig = make_rig(answers({}))

    with pytest.raises(WrongAddress) as refused:
        rig.client.get(url)

    assert refused.value.code == "not_allowed"
    assert rig.server.connections == 0
    assert rig.lookups == []


def test_a_source_that_allows_anything_is_still_called_over_https_only(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}), allowed=lambda origin: True)

    with pytest.raises(WrongAddress) as refused:
        rig.client.get(f"http://{HOST}/api/3/users/me")

    assert refused.value.code == "not_allowed"


def test_only_reading_calls_go_out(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}))

    with pytest.raises(WrongAddress):
        rig.client.post("contacts", json={})

    assert rig.server.connections == 0


def test_an_exempt_origin_needs_neither_https_nor_a_public_address(make_rig: MakeRig) -> None:
    with ScriptedServer([answers({"user": {}})]) as sandbox, ScriptedServer([answers({})]) as neighbour:
        rig = make_rig(
            answers({}),
            exempt=frozenset({sandbox.origin}),
            resolve=lambda host, port: ["127.0.0.1"],
            dial=lambda address, port: (address, port),
        )

        assert rig.client.get(f"{sandbox.origin}/api/3/users/me").status_code == 200
        with pytest.raises(WrongAddress):
            rig.client.get(f"{neighbour.origin}/api/3/users/me")

        assert sandbox.heard[0].headers["api-token"] == KEY
        assert neighbour.heard == []


def test_cookies_are_not_kept(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}, headers=[("Set-Cookie", "a=b; Path=/")]))

    rig.get()
    rig.get()

    assert "cookie" not in rig.server.heard[1].headers
    assert not rig.client.cookies


def test_the_key_is_in_no_request_that_the_caller_can_see(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}))

    response = rig.get()

    for seen in (response.request.headers, rig.client.headers, response.headers, vars(rig.client)):
        assert KEY not in repr(seen)
    assert isinstance(response, httpx.Response)
