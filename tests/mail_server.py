"""A mail server that speaks just enough SMTP, and fails in the ways that a test wants."""

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest

FINE = {"HELLO": "220 here", "MAIL": "250 fine", "RCPT": "250 fine", "DATA": "354 go on", "BODY": "250 taken"}
HANG_UP = ""


class MailServer(socketserver.ThreadingTCPServer):
    """`says` is what it answers at each step, in the place of what is fine, and `says_once` the same for one time.

    `HANG_UP` ends the conversation there. At `hangs_at` it waits for `go_on`, where that is cleared.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.says: dict[str, str] = {}
        self.says_once: dict[str, str] = {}
        self.hangs_at = "HELLO"
        self.bodies: list[bytes] = []
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def received(self) -> list[str]:
        return [body.decode() for body in self.bodies]

    @property
    def mails(self) -> list[Any]:
        """All that came whole, taken or not."""
        return [message_from_bytes(body, policy=policy.default) for body in self.bodies]


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if not self.says("HELLO"):
            return
        for line in iter(self.rfile.readline, b""):
            step = line[:4].strip().upper().decode()
            if not self.says(step):
                return
            if step == "DATA" and not self.takes_the_body():
                return

    def takes_the_body(self) -> bool:
        if not self.answer("DATA").startswith("354"):
            return True
        self.server.bodies.append(b"".join(iter(self.rfile.readline, b".\r\n")))
        return self.says("BODY")

    def says(self, step: str) -> bool:
        """Returns whether the conversation goes on."""
        if step == self.server.hangs_at:
            self.server.go_on.wait(30)
        answer = self.answer(step)
        if answer != HANG_UP:
            self.wfile.write(f"{answer}\r\n".encode())
        return answer != HANG_UP

    def answer(self, step: str) -> str:
        usual = self.server.says.get(step, FINE.get(step, "250 fine"))
        return self.server.says_once.pop(step, usual)


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """The site sends its mails there."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield server
        server.go_on.set()
        server.shutdown()
