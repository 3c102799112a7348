"""A deployment as it knows itself: each check yields a sentence for what is to be fixed, without any secret in it."""

import importlib.util
import shutil
import smtplib
import stat
import time
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core import mail
from django.core.cache import cache
from django.core.checks import WARNING, run_checks
from django.core.mail.backends.smtp import EmailBackend
from django.db import DatabaseError, connection
from django.http.request import validate_host

from connections.models import Engine, KeyCanary
from connections.models.budget import Clock
from connections.models.engine import longest_wait
from connections.operating.history import misfits
from connections.operating.readiness import is_migrated
from sources.registry import all_sources, get_source

Check = Callable[[], Iterator[str]]

REAL_LIMIT = 5.0  # Calls a second; developers.activecampaign.com/reference/rate-limits.
LARGEST_DIFFERENCE = 5.0  # Seconds between two clocks that are said to be the same.
LEAST_FREE = 1024**3  # Bytes.
# Of `check --deploy`: what is said here in a sentence that names the setting to change.
SAID_HERE = {"security.W004", "security.W008", "security.W012", "security.W016", "security.W018"}


def the_settings() -> Iterator[str]:
    if settings.DEBUG:
        yield "DEBUG is on, which is for a developer's machine only: remove it, or set DEBUG=off."
    if not settings.SITE_URL.startswith("https://"):
        yield "SITE_URL begins with http://, so passwords and cookies travel in the clear: set it to the https address."
    if settings.ACTIVECAMPAIGN_RATE > REAL_LIMIT:
        yield f"ACTIVECAMPAIGN_RATE is above {REAL_LIMIT:g}, which ActiveCampaign answers with refusals: lower it."
    for message in run_checks(include_deployment_checks=True):
        if message.level >= WARNING and message.id not in SAID_HERE and not message.is_silenced():
            yield " ".join(f"{part}" for part in (message.msg, message.hint) if part)


def names_of_settings() -> Iterator[str]:
    for name in settings.UNKNOWN_SETTINGS:
        similar = get_close_matches(name, settings.SETTING_NAMES, n=1)
        yield f"{name} in .env is no setting" + (f": did you mean {similar[0]}?" if similar else ": remove it.")
    for key in settings.SOURCES_SWITCHED_OFF:
        if get_source(key) is None:
            yield f"SOURCES_SWITCHED_OFF names {key}, which is no source: choose from {', '.join(all_sources())}."


def host_names() -> Iterator[str]:
    if "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS admits any name, so that links may lead to strangers: name the site's own."
    host = urlsplit(settings.SITE_URL).hostname or ""
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield f"SITE_URL leads people to {host}, which ALLOWED_HOSTS does not name: add it there, or correct SITE_URL."


def private_files() -> Iterator[str]:
    database = settings.DATABASES["default"]["NAME"] if connection.vendor == "sqlite" else ""
    for path in (settings.ENV_FILE, settings.CREDENTIAL_KEYS_FILE, database):
        if path and Path(path).is_file() and stat.S_IMODE(Path(path).stat().st_mode) & (stat.S_IROTH | stat.S_IWOTH):
            yield f"Everybody on this machine may read {path}: chmod 600 {path}"


def python_packages() -> Iterator[str]:
    for setting, package in (("REDIS_URL", "redis"), ("CELERY_BROKER_URL", "celery")):
        if getattr(settings, setting) and importlib.util.find_spec(package) is None:
            yield f"{setting} is set and the package {package} is not installed: pip install -r constraints.txt"


def static_files() -> Iterator[str]:
    """With DEBUG on they are served from where they are."""
    wanted = {path for finder in finders.get_finders() for path, _ in finder.list(None)}
    if wanted - getattr(staticfiles_storage, "hashed_files", dict.fromkeys(wanted)).keys():
        yield "Style sheets and scripts of this version are not collected: run manage.py collectstatic, then restart."


def disk() -> Iterator[str]:
    folder = Path(settings.DATABASES["default"]["NAME"]).parent if connection.vendor == "sqlite" else settings.BASE_DIR
    if (free := shutil.disk_usage(folder if Path(folder).is_dir() else settings.BASE_DIR).free) < LEAST_FREE:
        yield f"Only {free // 1024**2} MB are free where {folder} is: make room."


def outgoing_mail() -> Iterator[str]:
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith(".example"):
        yield "DEFAULT_FROM_EMAIL is the example's, which many mail servers refuse: set it to an address of yours."
    outbox = mail.get_connection()
    if not isinstance(outbox, EmailBackend):
        if not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
            yield "E-mails reach nobody: set EMAIL_URL to your mail server."
        return
    try:
        with outbox:  # Opens it, and closes it whatever happens; nothing is sent.
            return
    except smtplib.SMTPAuthenticationError:
        yield "The mail server does not accept the user and password of EMAIL_URL."
    except (OSError, smtplib.SMTPException) as error:
        yield f"The mail server of EMAIL_URL cannot be used ({type(error).__name__}): check host, port and encryption."


# What is asked of the database ------------------------------------------------------------------------------------


def database() -> Iterator[str]:
    try:
        connection.ensure_connection()
    except DatabaseError:
        yield "The database of DATABASE_URL does not answer, or refuses user and password: start it or correct that."


def migrations() -> Iterator[str]:
    misfit = [*misfits(connection)]
    yield from misfit
    if not misfit and not is_migrated():
        yield "The database lacks migrations of this version: run manage.py migrate."


def credential_keys() -> Iterator[str]:
    for canary in KeyCanary.objects.silent():
        since = f"in use since {canary.since:%d %B %Y}"
        yield f"Key {canary.pk}, {since}, is not in CREDENTIAL_KEYS as it was: put it back, behind the newest."


def cache_for_limits() -> Iterator[str]:
    cure = "start Redis, or correct REDIS_URL" if settings.REDIS_URL else "run manage.py createcachetable"
    try:
        cache.set("doctor", "was here", 60)
        if cache.get("doctor") != "was here":
            yield f"The cache keeps nothing, so nobody can log in: {cure}."
    except Exception as error:  # Each cache has errors of its own.
        yield f"The cache does not answer ({type(error).__name__}), so nobody can log in: {cure}."


def worker() -> Iterator[str]:
    if Engine.objects.is_missing():
        minutes = longest_wait() // 60
        yield f"Work has waited for {minutes:.0f} minutes, and no worker takes it up: start manage.py worker."


def clocks() -> Iterator[str]:
    theirs = ContentType.objects.values_list(Clock(), flat=True).first()
    if theirs is not None and abs(theirs - time.time()) > LARGEST_DIFFERENCE:
        yield (
            f"The clock of this machine and that of the database differ by {abs(theirs - time.time()):.0f} seconds: "
            "let both be set by NTP."
        )


CHECKS: tuple[Check, ...] = (
    *(the_settings, names_of_settings, host_names, private_files, python_packages, static_files, disk, outgoing_mail),
    *(database, migrations, credential_keys, cache_for_limits, worker, clocks),
)


def look_inside() -> Iterator[tuple[str, list[str]]]:
    """What was checked, and what is to be fixed there. Without its database nothing more can be asked."""
    for check in CHECKS:
        found = [*check()]
        yield check.__name__.replace("_", " "), found
        if found and check in (database, migrations):
            return
