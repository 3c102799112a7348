"""Through a proxy, and with authorities of one's own: for networks that nothing leaves directly."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from sources.errors import TemporarilyDown, WrongAddress
from sources.http.wire import strict_tls
from tests.sources.http.conftest import HOST, KEY, MakeRig, server_tls
from tests.sources.http.scripted_server import ScriptedServer, answers


class Proxy:
    """Opens a tunnel to a port of this machine, whatever name is asked for; `heard` has the heads of the requests."""

    def __init__(self, *, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.answer, self.heard, self.leads_to = answer, list[str](), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(caller,), daemon=True).start()

    def serve(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError), caller:
            head = b""
            while b"\r\n\r\n" not in head:
                head += caller.recv(4096)
            self.heard.append(head.decode())
            caller.sendall(self.answer)
            if b" 200 " in self.answer:
                with socket.create_connection(("127.0.0.1", self.leads_to)) as inside:
                    threading.Thread(target=pass_on, args=(caller, inside), daemon=True).start()
                    pass_on(inside, caller)


def pass_on(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := here.recv(65_536):
            there.sendall(piece)


@pytest.fixture
def proxy(settings: Any) -> Iterator[Proxy]:
    proxy = Proxy()
    settings.OUTGOING_PROXY = proxy.address.replace("//", "//us%40er:pa%3Ass@")
    yield proxy
    proxy.listener.close()


NewRig = Callable[..., Any]


@pytest.fixture
def rig_behind(proxy: Proxy, make_rig: MakeRig) -> NewRig:
    """Its server is reached by the proxy alone: nothing else that is dialled from here leads there."""

    def make(*script: Any, **options: Any) -> Any:
        here = {"resolve": lambda host, port: [host], "dial": lambda address, port: (address, port)}
        rig = make_rig(*script, **here | options)
        proxy.leads_to = rig.server.port
        return rig

    return make


def test_a_call_goes_through_the_proxy_which_learns_the_host_and_not_the_key(rig_behind: NewRig, proxy: Proxy) -> None:
    rig = rig_behind(answers({"user": {}}))

    rig.get()
    response = rig.get()

    assert response.extensions["json"] == {"user": {}}
    assert [one.headers["api-token"] for one in rig.server.heard] == [KEY, KEY]
    assert len(proxy.heard) == 1
    assert proxy.heard[0].startswith(f"CONNECT {HOST}:443 ")
    assert "Proxy-Authorization: Basic dXNAZXI6cGE6c3M=" in proxy.heard[0]  # us@er:pa:ss
    assert KEY not in proxy.heard[0]


def test_no_name_is_looked_up_here_but_the_proxys(rig_behind: NewRig) -> None:
    rig = rig_behind(answers({}))

    rig.get()

    assert rig.lookups == ["127.0.0.1"]


def test_only_the_sources_own_hosts_are_asked_of_the_proxy(rig_behind: NewRig, proxy: Proxy) -> None:
    rig = rig_behind(answers({}))

    with pytest.raises(WrongAddress) as refused:
        rig.client.get("https://evil.example/api/3/users/me")

    assert refused.value.code == "not_allowed"
    assert proxy.heard == []


def test_what_is_exempt_is_called_directly(rig_behind: NewRig, proxy: Proxy) -> None:
    with ScriptedServer([answers({"user": {}})]) as sandbox:
        rig = rig_behind(answers({}), exempt=frozenset({sandbox.origin}))

        assert rig.client.get(f"{sandbox.origin}/api/3/users/me").status_code == 200

    assert proxy.heard == []


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
def test_a_proxy_that_refuses_is_nobodys_key_or_address(
    status: str, rig_behind: NewRig, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    rig = rig_behind(answers({}))

    with pytest.raises(TemporarilyDown) as failure:
        rig.get()

    assert failure.value.code == "no_way_out"
    assert status[:3] in caplog.text
    assert rig.server.heard == []


def test_a_proxy_that_is_not_there_did_not_answer(rig_behind: NewRig, proxy: Proxy) -> None:
    rig = rig_behind(answers({}))
    proxy.listener.shutdown(socket.SHUT_RDWR)
    proxy.listener.close()

    with pytest.raises(TemporarilyDown):
        rig.get()


def test_the_certificate_is_the_hosts_and_not_the_proxys(rig_behind: NewRig) -> None:
    stranger = trustme.CA()
    rig = rig_behind(answers({}), certificate=server_tls(stranger))

    with pytest.raises(WrongAddress) as refused:
        rig.get()

    assert refused.value.code == "tls"
    assert rig.server.heard == []


def test_an_authority_from_the_operators_file_is_trusted(
    make_rig: MakeRig, authority: trustme.CA, settings: Any, tmp_path: Path
) -> None:
    ours = tmp_path / "ca.pem"
    ours.write_bytes(authority.cert_pem.bytes())
    settings.OUTGOING_CA_FILE = str(ours)

    assert make_rig(answers({}), tls=None).get().status_code == 200
    strict_tls.cache_clear()
