"""How the site is served: `gunicorn --config python:blinkmetrics.serving blinkmetrics.wsgi`."""

import gc
import os
import shutil
import socket
import struct
import tempfile
import time
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers import gthread

LONGEST_ARRIVAL = 30.0  # Seconds for a whole request. The largest is 256 kB.
LONGEST_GOODBYE = 0.5  # Seconds that a client has for what it still sends when it was answered already.
# Seconds that a client may take nothing of an answer; a slow download goes on. At 1 kB/s one that is on this machine
# makes room for the next packet after 64 seconds.
LONGEST_STALL = 180
MOST_WAITING = 65_536  # Bytes of an answer that wait to be sent. Of megabytes, it would take an hour to notice some go.

# gunicorn's settings, by their names.
worker_class = "blinkmetrics.serving.ImpatientWorker"
threads = 40  # Eight for pages, and one for each download: DOWNLOADS_AT_ONCE.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# By itself gunicorn believes whoever calls from this machine that a request came by https. Whether to believe it is for
# TRUSTED_PROXY_COUNT to say: Django reads the same header then.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}

OBJECTS_BETWEEN_LOOKS = 10_000  # For garbage in cycles. By itself Python looks after 700, many times a page.
COUNTED_IN = "PROMETHEUS_MULTIPROC_DIR"  # Where prometheus-client looks for the folder, in each process.


def on_starting(arbiter: Any) -> None:
    """Before any process is forked: a folder in which all of them count, so that each can tell the sum."""
    folder = tempfile.mkdtemp(prefix="blinkmetrics-counts-")
    os.chown(folder, arbiter.cfg.uid, arbiter.cfg.gid)
    os.environ[COUNTED_IN] = folder


def post_worker_init(_worker: Any) -> None:
    """What was loaded stays, so nobody looks through it for garbage, and less often for that of pages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, 20, 20)


def on_exit(_arbiter: Any) -> None:
    shutil.rmtree(os.environ.pop(COUNTED_IN), ignore_errors=True)  # As a process may still be writing its last.


# A new connection that sends nothing waits without a thread after this; gunicorn's own five seconds are an open door.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.2


class ImpatientWorker(gthread.ThreadWorker):
    """Hangs up on clients that hold a thread by sending or taking slowly; gunicorn would wait for them without end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arriving: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """In a thread of its own: reads a request and answers it."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", LONGEST_STALL, 0))
        if conn.sock.family in (socket.AF_INET, socket.AF_INET6):
            conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_WAITING)
        self.arriving[conn] = time.monotonic() + LONGEST_ARRIVAL
        try:
            goes_on = super().handle(conn)
        finally:
            self.arriving.pop(conn, None)
        if not goes_on:
            say_goodbye(conn)
        return goes_on

    def murder_pending(self) -> None:
        """About once a second, in the main thread."""
        super().murder_pending()
        now = time.monotonic()
        for conn, ends_at in [*self.arriving.items()]:
            if ends_at < now:
                self.arriving.pop(conn, None)
                stop_reading(conn.sock)


def say_goodbye(conn: Any) -> None:
    """Here, as the main thread would wait two seconds for each client that sends the rest of a request slowly."""
    close_graceful(conn.sock, timeout=LONGEST_GOODBYE)
    conn.close = lambda graceful=False: None


def stop_reading(sock: socket.socket) -> None:
    """Whoever waits for more of the request finds its end; an answer that is under way goes on."""
    try:
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        return  # It has hung up by itself.
