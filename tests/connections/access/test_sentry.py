"""What Sentry is sent of a fault: where it happened, and nothing that was posted, stored or held in a variable."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.site_fixture import SECRETS, Site

pytest.importorskip("sentry_sdk")

POSTED = "Posted-canary-8f-hn3v-8s2j"
# A page and a sync fail with what must not be told in their hands; then a library says what it should not.
FAULTS = f"""
import logging
import sentry_sdk
from django.test import Client
from structlog.contextvars import bound_contextvars
from connections.login.forms import LogInForm

def fails(form):
    typed = form.data["login"]
    try:
        int(typed)
    except ValueError as error:
        raise RuntimeError(f"cannot use {{typed}}") from error

LogInForm.clean = fails
person = Client(raise_request_exception=False, headers={{"host": "localhost", "referer": "https://localhost/?{POSTED}"}})
person.cookies["sessionid"] = "{POSTED}"
assert person.post("/accounts/login/?q={POSTED}", {{"login": "{POSTED}"}}, secure=True).status_code == 500
log = logging.getLogger("connections.syncing.syncing")
with bound_contextvars(connection="6a2f", sync=7, key="{POSTED}"):
    try:
        raise KeyError("{POSTED}")
    except KeyError:
        log.exception("A sync of %s failed.", "{POSTED}", extra={{"key": "{POSTED}"}})
log.warning("{POSTED}")
logging.getLogger("library").error("{POSTED}")
sentry_sdk.flush(10)
"""


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes events: its DSN, and what it was sent."""
    taken: list[bytes] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words: Any) -> None:
            """Not on the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Takes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://public@127.0.0.1:{server.server_port}/1", taken
        server.shutdown()
        thread.join()


def test_faults_arrive_with_where_and_which_and_nothing_that_was_sent(
    site: Site, sentry: tuple[str, list[bytes]]
) -> None:
    dsn, taken = sentry
    done = site.manage("shell", "-c", FAULTS, SENTRY_DSN=dsn)

    assert done.returncode == 0, done.stderr
    page, sync, library = [json.loads(sent.splitlines()[2]) for sent in taken]
    assert [error["type"] for error in page["exception"]["values"]] == ["ValueError", "RuntimeError"]
    assert page["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "fails"
    assert page["transaction"] == "account_login"
    assert page["tags"]["request_id"]
    assert (sync["logentry"]["message"], sync["logger"]) == ("A sync of %s failed.", "connections.syncing.syncing")
    assert sync["tags"] == {"connection": "6a2f", "sync": "7"}
    assert library["logentry"]["message"] == "see the log of library"
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    (failed,) = [line for line in lines if line["event"].startswith("A sync of")]
    assert (failed["connection"], failed["sync"]) == ("6a2f", 7)
    assert {line["request_id"] for line in lines if "request" in line} == {page["tags"]["request_id"]}
    assert {line["request"] for line in lines if "request" in line} == {
        "POST /accounts/login/",
        "POST /accounts/login/?****",
    }
    told = b"".join(taken).decode()
    for secret in (POSTED, *SECRETS.values(), '"vars"', '"request"'):
        assert secret not in told
