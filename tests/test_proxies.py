"""The examples of docs/proxies, run before a real site: `make test-scale` tries all, `make test` the first."""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest

from tests.processes import PATIENCE
from tests.site_fixture import EMAIL, PASSWORD, Front, Site, Stand

PROXIES = ["nginx", pytest.param("caddy", marks=pytest.mark.scale)]
HEAD = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
UNFINISHED = {"half a head": HEAD, "half a body": HEAD + b"Content-Length: 100000\r\n\r\nabc"}
CLIENTS = 40  # Below the example's limit for one client, and five times what gunicorn has threads for.


@pytest.mark.parametrize("program", PROXIES)
def test_people_log_in_behind_it_on_another_port(program: str, in_front: Stand, trust: ssl.SSLContext) -> None:
    front = in_front(program)

    with httpx.Client(base_url=front.site_url, verify=trust, headers={"Origin": front.site_url}) as browser:
        page = browser.get("/accounts/login/")
        form = {"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post("/accounts/login/", data=form)
        mine = browser.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "Log out" in mine.text
    assert page.headers["Strict-Transport-Security"] == "max-age=3600"
    assert all("Secure" in cookie for cookie in answer.headers.get_list("Set-Cookie"))


@pytest.mark.parametrize("program", PROXIES)
def test_plain_http_leads_to_https_whatever_a_client_says_and_probes_come_by_address(
    program: str, in_front: Stand, trust: ssl.SSLContext
) -> None:
    front = in_front(program)
    plain = f"http://localhost:{front.http}"

    for headers in ({}, {"X-Forwarded-Proto": "https"}):
        led = httpx.get(f"{plain}/accounts/login/", headers=headers)
        assert (led.status_code // 100, led.headers["Location"].split(":")[0]) == (3, "https")
    for probe in ("healthz", "readyz"):
        assert httpx.get(f"http://127.0.0.1:{front.http}/{probe}").status_code == 200


@pytest.mark.scale
@pytest.mark.parametrize("program", ["nginx", "caddy"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_doctor_finds_nothing_to_fix_behind_it(
    program: str, scheme: str, in_front: Stand, site: Site, trust: ssl.SSLContext
) -> None:
    front = in_front(program)
    address = front.site_url if scheme == "https" else f"http://localhost:{front.http}"

    mail = {"EMAIL_URL": "filemail:///mail", "DEFAULT_FROM_EMAIL": "us@site.test"}
    behind = {"SITE_URL": front.site_url, "TRUSTED_PROXY_COUNT": "1", "SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]}
    done = site.manage("doctor", address, **mail, **behind)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def hold() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


def come(front: Front, held: ExitStack, trust: ssl.SSLContext, text: bytes) -> None:
    """Somebody who sends this and then neither sends nor reads."""
    plain = held.enter_context(closing(socket.create_connection(("127.0.0.1", front.https), timeout=PATIENCE)))
    connection = held.enter_context(closing(trust.wrap_socket(plain, server_hostname="localhost")))
    connection.sendall(text)


@pytest.mark.scale
@pytest.mark.parametrize("program", ["nginx", "caddy"])
@pytest.mark.parametrize("what", [*UNFINISHED, "nobody who reads"])
def test_many_clients_that_stop_half_way_keep_nobody_from_a_page(
    program: str, what: str, in_front: Stand, trust: ssl.SSLContext, hold: ExitStack
) -> None:
    front = in_front(program)
    page = httpx.get(f"{front.site_url}/accounts/login/", verify=trust).text
    script = re.findall(r'src="(/static/[^"]+htmx[^"]+)"', page)[0]
    asks = f"GET {script} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 20

    for _ in range(CLIENTS):
        come(front, hold, trust, UNFINISHED.get(what, asks))

    elsewhere = httpx.HTTPTransport(verify=trust, local_address="127.0.0.2")  # Another client, to the proxy's limits.
    with httpx.Client(transport=elsewhere, timeout=5.0) as somebody_else:
        assert somebody_else.get(f"{front.site_url}/accounts/login/").status_code == 200
