"""`manage.py doctor` finds what is planted, says how to mend it, and finds nothing where nothing is."""

import os
import re
import shutil
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
import time_machine
import trustme
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from connections.models import KeyCanary, Sync
from connections.models.sync import SyncState, Trigger
from tests.conftest import Connect
from tests.connections.operating.faulty_front import FAULTS, FaultyFront, standing
from tests.processes import free_port
from tests.site_fixture import SECRETS, Site, served

MAIL = {"EMAIL_URL": "filemail:///mail", "DEFAULT_FROM_EMAIL": "us@site.test"}


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is to be fixed; nothing of a secret may be in it."""

    def doctor(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            call_command("doctor", *words, stdout=sys.stdout)
        said = capsys.readouterr().out
        assert bool(end.value.code) == ("fix  " in said), said
        assert not [secret for secret in (*SECRETS.values(), "sesame") if secret in said]
        return "\n".join(line for line in said.splitlines() if line.startswith("fix  "))

    return doctor


# From inside -------------------------------------------------------------------------------------------------------


@pytest.fixture
def well(settings: Any, tmp_path: Path, db: None) -> Any:
    """The settings of a real site, as far as this process can be one."""
    # Tests with a browser need what the last one warns of.
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, "async.E001"]
    settings.DEBUG, settings.TRUSTED_PROXY_COUNT, settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = False, 1, []
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://app.example.com", ["app.example.com"]
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.ENV_FILE, settings.UNKNOWN_SETTINGS = 3600, tmp_path / ".env", []
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH, settings.DEFAULT_FROM_EMAIL = f"{tmp_path}", "us@site.test"
    if connection.vendor == "sqlite":
        Path(connection.settings_dict["NAME"]).chmod(0o600)
    return settings


Plant = Callable[[Any, Path, Connect], None]


def readable_env_file(settings: Any, folder: Path, connect: Connect) -> None:
    (folder / ".env").write_text("SECRET_KEY=sesame\n")
    (folder / ".env").chmod(0o644)


def readable_keys(settings: Any, folder: Path, connect: Connect) -> None:
    (folder / "keys").write_text("sesame")
    (folder / "keys").chmod(0o604)
    settings.CREDENTIAL_KEYS_FILE = f"{folder / 'keys'}"


def missing_migration(settings: Any, folder: Path, connect: Connect) -> None:
    connection.cursor().execute("DELETE FROM django_migrations WHERE app = 'allauth_mfa' OR app = 'mfa'")


def missing_key(settings: Any, folder: Path, connect: Connect) -> None:
    KeyCanary.objects.plant()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]


def cache_without_a_table(settings: Any, folder: Path, connect: Connect) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "no_such_table"}}


def redis_that_is_down(settings: Any, folder: Path, connect: Connect) -> None:
    settings.REDIS_URL = "redis://:sesame@127.0.0.1:1"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL


def printed_mail(settings: Any, folder: Path, connect: Connect) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"


def mail_server_that_is_down(settings: Any, folder: Path, connect: Connect) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_PASSWORD = "127.0.0.1", free_port(), "sesame"


def no_worker(settings: Any, folder: Path, connect: Connect) -> None:
    sync = Sync.objects.start(connect(), trigger=Trigger.PERSON)
    long_ago = timezone.now() - timedelta(minutes=10)
    Sync.objects.filter(pk=sync.pk).update(state=SyncState.QUEUED, run_after=long_ago, lease_until=None)


def dead_worker(settings: Any, folder: Path, connect: Connect) -> None:
    sync = Sync.objects.start(connect(), trigger=Trigger.PERSON)
    Sync.objects.filter(pk=sync.pk).update(lease_until=timezone.now() - timedelta(minutes=11))


def uncollected_files(settings: Any, folder: Path, connect: Connect) -> None:
    storage = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STATIC_ROOT, settings.STORAGES = folder, {**settings.STORAGES, "staticfiles": storage}


def setting(**values: Any) -> Plant:
    def plant(settings: Any, folder: Path, connect: Connect) -> None:
        for name, value in values.items():
            setattr(settings, name, value)

    return plant


PLANTED: dict[str, tuple[Plant, str]] = {
    "DEBUG on": (setting(DEBUG=True), "DEBUG is on"),
    "http": (setting(SITE_URL="http://app.example.com"), "SITE_URL begins with http://"),
    "no proxy": (setting(TRUSTED_PROXY_COUNT=0), "set TRUSTED_PROXY_COUNT to how many"),
    "a sandbox": (setting(ACTIVECAMPAIGN_SANDBOX_ORIGINS=["http://127.0.0.1:1"]), "names a sandbox on a real site"),
    "too fast": (setting(ACTIVECAMPAIGN_RATE=50.0), "ACTIVECAMPAIGN_RATE is above 5"),
    "a misspelt setting": (setting(UNKNOWN_SETTINGS=["ALOWED_HOSTS"]), "did you mean ALLOWED_HOSTS?"),
    "another host": (setting(ALLOWED_HOSTS=["www.example.com"]), "which ALLOWED_HOSTS does not name"),
    "any host": (setting(ALLOWED_HOSTS=["*"]), "ALLOWED_HOSTS admits any name"),
    "the example's sender": (setting(DEFAULT_FROM_EMAIL="B <no@blinkmetrics.example>"), "Set it to an address"),
    "secrets for all": (readable_env_file, "chmod 600"),
    "keys for all": (readable_keys, "chmod 600"),
    "a migration": (missing_migration, "run manage.py migrate"),
    "a key": (missing_key, "is not in CREDENTIAL_KEYS as it was"),
    "a cache table": (cache_without_a_table, "run manage.py createcachetable"),
    "Redis": (redis_that_is_down, "start Redis"),
    "printed mail": (printed_mail, "set EMAIL_URL"),
    "a mail server": (mail_server_that_is_down, "check host, port and encryption"),
    "no worker": (no_worker, "waited for 10 minutes, and no worker"),
    "a dead worker": (dead_worker, "waited for 12 minutes, and no worker"),
    "static files": (uncollected_files, "run manage.py collectstatic"),
}


def test_twenty_faults_at_least_are_planted() -> None:
    assert len(PLANTED) >= 20


# PostgreSQL answers nothing more in a transaction in which something was refused; doctor has none around it.
@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=pytest.mark.django_db(transaction=name == "a cache table")) for name in PLANTED]
)
def test_a_planted_fault_is_the_one_that_is_found(
    fault: str, doctor: Callable[..., str], well: Any, tmp_path: Path, connect: Connect
) -> None:
    plant, words = PLANTED[fault]
    plant(well, tmp_path, connect)

    found = doctor()

    assert words.lower() in found.lower()
    assert len(found.splitlines()) == 1


def test_where_nothing_is_wrong_nothing_is_found(doctor: Callable[..., str], well: Any, connect: Connect) -> None:
    Sync.objects.start(connect(), trigger=Trigger.PERSON)

    assert doctor() == ""


class RefusingMailServer(StreamRequestHandler):
    """It takes nobody's password."""

    ANSWERS = {b"EHLO": b"250-here\r\n250 AUTH PLAIN", b"AUTH": b"535 no", b"QUIT": b"221 bye"}

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            self.wfile.write(self.ANSWERS.get(line[:4].upper(), b"500 what") + b"\r\n")


def test_a_mail_server_that_refuses_the_password_is_found(doctor: Callable[..., str], well: Any) -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), RefusingMailServer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        well.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        well.EMAIL_HOST, well.EMAIL_PORT = server.server_address
        well.EMAIL_HOST_USER, well.EMAIL_HOST_PASSWORD = "us", "sesame"

        found = doctor()
        server.shutdown()

    assert "does not accept the user and password of EMAIL_URL" in found


def test_a_disk_that_is_full_is_found(doctor: Callable[..., str], well: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**12, 10**12, 10**6))  # type: ignore[attr-defined]

    assert "Only 0 MB are free" in doctor()


def test_a_clock_that_is_wrong_is_found(doctor: Callable[..., str], well: Any) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        assert re.search(r"differ by 36\d\d seconds", doctor())  # The database is asked a while later.


def test_a_package_that_is_missing_is_found(
    doctor: Callable[..., str], well: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    well.CELERY_BROKER_URL = "redis://:sesame@localhost"
    monkeypatch.setitem(sys.modules, "celery", None)

    assert "the package celery is not installed" in doctor()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ACTIVECAMPAIGN_RATE": "0"}, "Set ACTIVECAMPAIGN_RATE to a number"),
        ({"DATABASE_URL": "sqlite:////no/such/folder/db.sqlite3"}, "The database of DATABASE_URL does not answer"),
        (
            {"DATABASE_URL": "postgres://me:sesame@127.0.0.1:1/none", **MAIL},
            "The database of DATABASE_URL does not answer",
        ),
    ],
)
def test_a_site_that_cannot_start_is_told_why(site: Site, settings: dict[str, str], words: str) -> None:
    done = site.manage("doctor", **settings)

    assert done.returncode == 1
    assert words in done.stdout + done.stderr
    assert not [one for one in (*SECRETS.values(), "sesame", "Traceback") if one in done.stdout + done.stderr]


# From outside ------------------------------------------------------------------------------------------------------


def context(authority: trustme.CA, **options: Any) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", **options).configure_cert(tls)
    return tls


@pytest.fixture(scope="module")
def front_of_a_site(site: Site, authority: trustme.CA) -> Iterator[FaultyFront]:
    with standing(0, context(authority)) as front:
        address = f"https://localhost:{front.secure}"
        with served(site, SITE_URL=address, TRUSTED_PROXY_COUNT="1") as front.upstream:
            yield front


@pytest.fixture
def front(front_of_a_site: FaultyFront, well: Any, trust: ssl.SSLContext) -> Iterator[FaultyFront]:
    well.SITE_URL, well.ALLOWED_HOSTS = f"https://localhost:{front_of_a_site.secure}", ["localhost"]
    well.CSRF_TRUSTED_ORIGINS, well.OPERATOR_TOKEN = [well.SITE_URL], SECRETS["OPERATOR_TOKEN"]
    yield front_of_a_site
    front_of_a_site.faults.clear()


# By plain http, which leads to https: so all is asked that can be.
FOUND = {
    "hsts is dropped": "Strict-Transport-Security does not arrive",
    "hsts is another": "add none of its own",
    "cookies lose Secure": "Cookies arrive without Secure",
    "pages are cached": "A cache in front keeps pages",
    "its clock is wrong": "The clock at the address differs",
    "something else is healthz": "does not answer “ok”",
    "addresses are no hosts": "whatever the Host",
    "static files are elsewhere": "Style sheets do not arrive",
    "nothing is said of https": "set TRUSTED_PROXY_COUNT",
    "http is said of all": "leads in a circle",
    "https is said of all": "does not lead to https",
    "clients say https": "let the proxy overwrite X-Forwarded-Proto",
    "clients say who they are": "A client's own X-Forwarded-For is believed",
    "the host is its own": "add that to ALLOWED_HOSTS",
    "cookies go": "Forms are refused",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_proxy_does_wrong_is_found(fault: str, doctor: Callable[..., str], front: FaultyFront) -> None:
    front.faults.add(fault)

    assert FOUND[fault] in doctor(f"http://localhost:{front.plain}")


def test_a_site_that_is_well_has_nothing_to_fix(site: Site, front: FaultyFront) -> None:
    settings = {**MAIL, "SITE_URL": f"https://localhost:{front.secure}", "TRUSTED_PROXY_COUNT": "1"}
    authorities = {"SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]}

    done = site.manage("doctor", settings["SITE_URL"], **settings, **authorities)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.endswith("Nothing to fix.\n")
    assert "ok   certificate" in done.stdout


def test_an_address_that_people_are_not_led_to_is_found(
    doctor: Callable[..., str], front: FaultyFront, well: Any
) -> None:
    well.CSRF_TRUSTED_ORIGINS = ["https://app.example.com"]

    assert "which is neither SITE_URL nor among" in doctor(f"https://localhost:{front.secure}")


@pytest.mark.parametrize(
    ("days", "words"),
    [(-1, "The certificate of https://localhost"), (3, "The certificate ends on"), (60, "")],
)
def test_a_certificate_that_ends_is_found(
    days: int, words: str, doctor: Callable[..., str], front: FaultyFront, authority: trustme.CA, well: Any
) -> None:
    tls = context(authority, not_after=datetime.now(UTC) + timedelta(days=days))
    with standing(front.upstream, tls) as other:
        well.CSRF_TRUSTED_ORIGINS = [f"https://localhost:{other.secure}"]

        found = doctor(f"https://localhost:{other.secure}")

    assert words in found if words else "certificate" not in found


def test_an_authority_that_nobody_knows_is_found(
    doctor: Callable[..., str], front: FaultyFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    assert "The certificate of https://localhost" in doctor(f"https://localhost:{front.secure}")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_where_nothing_answers_is_found(doctor: Callable[..., str], well: Any, scheme: str) -> None:
    assert "Nothing answers at" in doctor(f"{scheme}://localhost:{free_port()}")


def test_something_else_at_the_address_is_found(doctor: Callable[..., str], front: FaultyFront) -> None:
    assert "is it this site's address?" in doctor(f"https://localhost:{front.secure}/nothing")
