"""`make run`: all that the product needs on one machine, under one parent, with people and data to try it with."""

import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from blinkmetrics.children import Child, say, stop_all
from blinkmetrics.env_file import add_missing, demo_settings, keep_private, read_env_file
from blinkmetrics.setting_kinds import NotMeant
from blinkmetrics.setting_table import SETTINGS, read_settings
from sources.activecampaign.sandbox.world.world import demo_key

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
POLL_SECONDS = 0.1
LONGEST_START = 60.0  # Seconds; a slow machine needs a few.
LONGEST_PAUSE = 30.0  # Seconds between two starts of a worker that keeps dying.
SETTLED_AFTER = 60.0  # Seconds that a worker must live for its next death to count as the first.

# The server of production: one process stops with its parent, which runserver's reloader does not, and whitenoise
# serves the static files straight from their sources while DEBUG is on.
GUNICORN = (
    *("-m", "gunicorn", "--config=python:blinkmetrics.serving", "blinkmetrics.wsgi", "--log-level=warning"),
    *("--graceful-timeout=3", "--no-control-socket"),
)

WELCOME = """
BlinkMetrics is running.

  Open       {site}/
  Log in as  alice@harbourtea.example    (owner)
             bob@harbourtea.example      (member, in Alice's team)
             dana@harbourtea.example     (admin)
             charlie@stranger.example    (of another company)
             staff@blinkmetrics.example  (site staff: {site}/admin/)
  Password   demo-password-1             (the same for all)

  Then choose Settings cog > Connections > Add Connection > ActiveCampaign and paste:

  API URL    {sandbox}
  API key    {key}

  E-mails appear here. Ctrl-C stops everything; the data stays for the next time.
"""


class CannotRun(Exception):
    """Its text is a sentence with the cure."""


class AskedToStop(Exception):
    """Somebody pressed Ctrl-C, closed the terminal or sent SIGTERM; or `make` is gone."""


@dataclass(frozen=True)
class Ports:
    web: int
    sandbox: int

    @property
    def site(self) -> str:
        return f"http://{HOST}:{self.web}"

    @property
    def sandbox_origin(self) -> str:
        return f"http://{HOST}:{self.sandbox}"


@dataclass
class Demo:
    """What runs, and whether it should go on."""

    environment: Mapping[str, str]
    stop: threading.Event
    make: int | None  # The process whose end is ours, too.
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "blinkmetrics.leash", f"{os.getpid()}", *arguments]
        self.children[name] = Child(name, command, environment=self.environment, directory=BASE_DIR)

    def rest(self, seconds: float = POLL_SECONDS) -> None:
        if self.stop.wait(seconds) or (self.make and self.make != os.getppid()):
            raise AskedToStop


def main() -> int:
    stop = stop_on_signals()
    try:
        ports = free_ports(os.environ)
        make = os.getppid() if "MAKELEVEL" in os.environ else None
        run(Demo(prepared_environment(ports), stop, make), ports)
    except (CannotRun, ImproperlyConfigured, NotMeant) as problem:
        say(f"make run: {problem}")
        return 1
    except OSError as error:
        say(f"make run: {error.filename or BASE_DIR} cannot be written here ({error.strerror}).")
        return 1
    except AskedToStop:
        say("Stopped; nothing is left running.")
    return 0


def stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def run(demo: Demo, ports: Ports) -> None:
    try:
        prepare_database(demo)
        demo.start("sandbox", "manage.py", "activecampaign_sandbox", f"--port={ports.sandbox}")
        demo.start("web", *GUNICORN, f"--bind={HOST}:{ports.web}")
        demo.start("worker", "manage.py", "worker")
        wait_for(demo, "sandbox", ports.sandbox, "/__stats")
        wait_for(demo, "web", ports.web, "/healthz")
        say(WELCOME.format(site=ports.site, sandbox=ports.sandbox_origin, key=demo_key(1)))
        watch(demo)
    finally:
        stop_all(demo.children.values())


def free_ports(environment: Mapping[str, str]) -> Ports:
    ports = Ports(
        web=free_port("PORT", environment.get("PORT") or "8000"),
        sandbox=free_port("SANDBOX_PORT", environment.get("SANDBOX_PORT") or "8010"),
    )
    if ports.web == ports.sandbox:
        raise CannotRun(f"PORT and SANDBOX_PORT are both {ports.web}; give them different numbers.")
    return ports


def free_port(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise CannotRun(f"{variable} is no port number; choose one from 1024 to 65535, as in: {variable}=8123 make run")
    with socket.socket() as probe:
        # As servers bind: connections that a stopped server left behind in TIME_WAIT take nothing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(text)))
        except OSError as error:
            cure = f"Stop what uses it, or choose another: {variable}=8123 make run"
            raise CannotRun(f"port {text} cannot be used ({error.strerror}). {cure}") from error
    return int(text)


def prepared_environment(ports: Ports) -> dict[str, str]:
    """What the children see: the environment beats `.env`, and the addresses follow the chosen ports."""
    path = BASE_DIR / ".env"
    if added := add_missing(path, demo_settings(sandbox_origin=ports.sandbox_origin)):
        say(f"Wrote to .env: {', '.join(added)}")
    read_env_file(path)
    if not SETTINGS["DEBUG"].read(os.environ["DEBUG"]):
        raise CannotRun("DEBUG is off here, and demo people belong on no real site; set DEBUG=on in .env to go on.")
    origins = {ports.sandbox_origin, *read_settings(os.environ)["ACTIVECAMPAIGN_SANDBOX_ORIGINS"]}
    return {
        "SITE_URL": ports.site,
        **os.environ,
        "ACTIVECAMPAIGN_SANDBOX_ORIGINS": ",".join(sorted(origins)),
        "PYTHONUNBUFFERED": "1",
    }


def prepare_database(demo: Demo) -> None:
    say("Preparing the database and the demo people")
    if path := database_file(demo.environment):
        keep_private(path)  # SQLite gives what it writes beside it the same rights.
    for command in (("migrate", "--verbosity=0"), ("seed_demo",)):
        demo.start("set-up", "manage.py", *command)
        while (exit_code := demo.children["set-up"].exit_code) is None:
            demo.rest()
        if exit_code:
            raise CannotRun(f"`manage.py {command[0]}` failed; what it said stands above.")


def database_file(environment: Mapping[str, str]) -> Path | None:
    """Where SQLite keeps everything; None for a database that is a server's, or in memory."""
    facts = SETTINGS["DATABASE_URL"].read(environment.get("DATABASE_URL", ""))
    is_file = facts["ENGINE"] == "django.db.backends.sqlite3" and facts["NAME"] != ":memory:"
    return BASE_DIR / facts["NAME"] if is_file else None


def wait_for(demo: Demo, name: str, port: int, path: str) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not answers(port, path):
        refuse_a_dead(demo, name)
        if time.monotonic() > deadline:
            raise CannotRun(f"{name} does not answer after {LONGEST_START:.0f} seconds; what it said stands above.")
        demo.rest()


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False  # Not yet.
    finally:
        connection.close()


def refuse_a_dead(demo: Demo, name: str) -> None:
    if (exit_code := demo.children[name].exit_code) is not None:
        raise CannotRun(f"{name} ended by itself (exit code {exit_code}), so all is stopped; its last words are above.")


def watch(demo: Demo) -> None:
    """Keep the three alive until asked to stop: without web or sandbox there is nothing to see, a worker may return."""
    pause = 0.5  # Doubled before it is first used.
    while True:
        demo.rest()
        refuse_a_dead(demo, "web")
        refuse_a_dead(demo, "sandbox")
        worker = demo.children["worker"]
        if worker.exit_code is not None:
            pause = 1.0 if worker.age > SETTLED_AFTER else min(pause * 2, LONGEST_PAUSE)
            say(f"The worker ended (exit code {worker.exit_code}); another starts in {pause:.0f} s.")
            worker.end(deadline=time.monotonic())
            demo.rest(pause)
            demo.start("worker", "manage.py", "worker")


if __name__ == "__main__":
    sys.exit(main())
