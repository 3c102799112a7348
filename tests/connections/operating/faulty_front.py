"""A proxy in front of a site, with TLS, that can be told to do wrong what proxies do wrong."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = (
    *("hsts is dropped", "hsts is another", "cookies lose Secure", "pages are cached", "its clock is wrong"),
    *(
        "something else is healthz",
        "addresses are no hosts",
        "static files are elsewhere",
        "nothing is said of https",
        "http is said of all",
    ),
    *("https is said of all", "clients say https", "clients say who they are", "the host is its own", "cookies go"),
)


class FaultyFront:
    """`plain` and `secure` are its ports; what is in `faults` it does wrong."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.faults: set[str] = set()
        self.plain = self.secure = 0

    def asks(self, sent: dict[str, str], *, scheme: str) -> dict[str, str]:
        """The headers with which a request is passed on."""
        passed = {**sent, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": scheme}
        if "nothing is said of https" in self.faults:
            del passed["X-Forwarded-Proto"]
        if "http is said of all" in self.faults:
            passed["X-Forwarded-Proto"] = "http"
        if "https is said of all" in self.faults:
            passed["X-Forwarded-Proto"] = "https"
        if "clients say https" in self.faults:
            passed["X-Forwarded-Proto"] = sent.get("X-Forwarded-Proto", scheme)
        if "clients say who they are" in self.faults:
            passed["X-Forwarded-For"] = sent.get("X-Forwarded-For", "192.0.2.1")
        if "the host is its own" in self.faults:
            passed["Host"] = "upstream.internal"
        if "cookies go" in self.faults:
            passed.pop("Cookie", None)
        return passed

    def gives(self, headers: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """The headers with which an answer comes back."""
        for name, value in headers:
            if name == "Strict-Transport-Security" and "hsts is dropped" in self.faults:
                continue
            if name == "Strict-Transport-Security" and "hsts is another" in self.faults:
                yield name, "max-age=1"
            elif name == "Set-Cookie" and "cookies lose Secure" in self.faults:
                yield name, value.replace("; Secure", "")
            elif name == "Date" and "its clock is wrong" in self.faults:
                yield name, formatdate(1_000_000_000, usegmt=True)
            elif name not in ("Connection", "Transfer-Encoding", "Content-Length"):
                yield name, value
        if "pages are cached" in self.faults:
            yield "Age", "30"

    def path(self, path: str, host: str) -> str:
        if "addresses are no hosts" in self.faults and not host.startswith("localhost"):
            return "/nothing/"
        lost = ("something else is healthz", "/healthz"), ("static files are elsewhere", "/static/")
        return "/nothing/" if any(one in self.faults and path.startswith(start) for one, start in lost) else path


@contextmanager
def standing(upstream: int, tls: ssl.SSLContext) -> Iterator[FaultyFront]:
    front = FaultyFront(upstream)
    servers = {scheme: ThreadingHTTPServer(("127.0.0.1", 0), handler(front, scheme)) for scheme in ("http", "https")}
    servers["https"].socket = tls.wrap_socket(servers["https"].socket, server_side=True)
    front.plain, front.secure = (servers[scheme].server_address[1] for scheme in ("http", "https"))
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers.values()]
    for thread in threads:
        thread.start()
    try:
        yield front
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def handler(front: FaultyFront, scheme: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            upstream = http.client.HTTPConnection("127.0.0.1", front.upstream, timeout=30)
            headers = front.asks(dict(self.headers), scheme=scheme)
            upstream.request(self.command, front.path(self.path, headers["Host"]), body=body, headers=headers)
            answer = upstream.getresponse()
            text = answer.read()
            upstream.close()
            self.send_response_only(answer.status)
            for name, value in front.gives(answer.getheaders()):
                self.send_header(name, value)
            self.send_header("Content-Length", f"{len(text)}")
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """It is quiet."""

    return Handler
