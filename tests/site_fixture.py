"""Fixtures: a site as operators run it, with DEBUG off, gunicorn and a database of its own; and proxies before it."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.processes import ROOT, bare_environment, copy_project, free_port, started, until

EMAIL, PASSWORD = "owner@site.example", "a-password-for-this-test-1"
SECRETS = {
    "SECRET_KEY": "W0nt-be-guessed-by-anyone-since-it-is-long-and-mixed-4711",
    "CREDENTIAL_KEYS": "c29tZS1tYWRlLXVwLWtleS1vZi0zMi1ieXRlcy0wMTI=",
    "OPERATOR_TOKEN": "t0ken-that-nobody-guesses-4711-4711-4711",
}
MAKE_SITE = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("collectstatic", verbosity=0)
from allauth.account.models import EmailAddress
from connections.models import User
person = User.objects.create_user("{EMAIL}", "{PASSWORD}", name="Olu Owner")
EmailAddress.objects.create(user=person, email="{EMAIL}", verified=True, primary=True)
"""


@dataclass(frozen=True)
class Site:
    """`folder` is a checkout, prepared to be served."""

    folder: Path
    settings: dict[str, str]

    def manage(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command, environment = [sys.executable, "manage.py", *words], bare_environment(**self.settings, **settings)
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Site:
    site = Site(copy_project(tmp_path_factory.mktemp("site") / "checkout"), {**SECRETS, "ALLOWED_HOSTS": "localhost"})
    shutil.copy(migrated, site.folder / "db.sqlite3")
    done = site.manage("shell", "-c", MAKE_SITE)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Whoever trusts the tests' authority; what they start and what they call does, too."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(f"{file}")
    monkeypatch.setenv("SSL_CERT_FILE", f"{file}")
    return ssl.create_default_context(cafile=f"{file}")


@contextmanager
def served(site: Site, **settings: str) -> Iterator[int]:
    """The port of a gunicorn with these settings."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config=python:blinkmetrics.serving", "blinkmetrics.wsgi"]
    command += [f"--bind=127.0.0.1:{port}", "--no-control-socket", "--graceful-timeout=1"]
    environment = bare_environment(**site.settings, **settings)
    with started(command, directory=site.folder, environment=environment) as server:
        until(lambda: is_up(port), what=f"gunicorn:\n{server.output}")
        yield port
        server.process.terminate()


def is_up(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    return False


@dataclass(frozen=True)
class Front:
    """Where people come: plain http, and https with a certificate for `localhost`."""

    http: int
    https: int

    @property
    def site_url(self) -> str:
        return f"https://localhost:{self.https}"


Stand = Callable[..., Front]


@pytest.fixture
def in_front(authority: trustme.CA, tmp_path: Path, site: Site) -> Iterator[Stand]:
    """`in_front("nginx", …)`: the example of the documents before a site with these settings, on other ports."""
    with ExitStack() as running:

        def stand(program: str, **settings: str) -> Front:
            if shutil.which(program) is None:
                refuse = pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip
                refuse(f"PROXY TESTS SKIPPED: install {program}")
            front = Front(free_port(), free_port())
            behind = {"SITE_URL": front.site_url, "TRUSTED_PROXY_COUNT": "1", **settings}
            port = running.enter_context(served(site, **behind))
            certificate = authority.issue_cert("localhost")
            certificate.private_key_pem.write_to_path(f"{tmp_path}/site.key")
            certificate.cert_chain_pems[0].write_to_path(f"{tmp_path}/site.pem")
            command = COMMANDS[program](tmp_path, front, port)
            environment = bare_environment(XDG_DATA_HOME=f"{tmp_path}", XDG_CONFIG_HOME=f"{tmp_path}")
            proxy = running.enter_context(started(command, directory=tmp_path, environment=environment))
            until(lambda: is_up(front.http), what=f"{program}:\n{proxy.output}")
            running.callback(proxy.process.terminate)
            return front

        yield stand


def example(name: str, folder: Path, site: int) -> str:
    """The example of the documents, with this certificate, before this port."""
    text = (ROOT / "docs" / "proxies" / name).read_text()
    text = re.sub(r"/etc/ssl/app\.example\.com\.(\w+)", rf"{folder}/site.\1", text)
    return text.replace("app.example.com", "localhost").replace("127.0.0.1:8000", f"127.0.0.1:{site}")


def nginx(folder: Path, front: Front, site: int) -> list[str]:
    text = example("nginx.conf", folder, site)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{front.http};")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{front.https} ssl;")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    around = (
        f"daemon off; pid {folder}/pid; {'user root;' if os.geteuid() == 0 else ''} events {{}} http {{ access_log off;"
    )
    (folder / "nginx.conf").write_text(f"{around} client_body_temp_path {folder}/body; {places}\n{text}}}")
    return ["nginx", "-c", f"{folder}/nginx.conf", "-e", "stderr"]


def caddy(folder: Path, front: Front, site: int) -> list[str]:
    ports = f"{{\n\tadmin off\n\thttp_port {front.http}\n\thttps_port {front.https}\n"
    text = example("Caddyfile", folder, site).replace("\n{\n", f"\n{ports}", 1)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]


COMMANDS: dict[str, Callable[[Path, Front, int], list[str]]] = {"nginx": nginx, "caddy": caddy}
