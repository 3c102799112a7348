"""The table of settings: what is understood, what is refused, and that no secret stands in what is said."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from blinkmetrics.env_file import read_env_file
from blinkmetrics.secrets import credential_keys
from blinkmetrics.setting_kinds import NotMeant
from blinkmetrics.setting_table import SETTINGS, read_settings
from tests.processes import ROOT, bare_environment

STRONG = "W0nt-be-guessed-by-anyone-since-it-is-long-and-mixed-4711"
KEY = "c29tZS1tYWRlLXVwLWtleS1vZi0zMi1ieXRlcy0wMTI="
SITE = {"SECRET_KEY": STRONG, "CREDENTIAL_KEYS": KEY, "ALLOWED_HOSTS": "app.example.com"}


def read(**settings: str) -> dict[str, Any]:
    return read_settings({**SITE, **settings})


def refusal(**settings: str) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**settings)
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ALLOWED_HOSTS", "a.example, b.example", ["a.example", "b.example"]),
        ("ALLOWED_HOSTS", " App.Example.com ,,.below.example\t", ["app.example.com", ".below.example"]),
        ("ALLOWED_HOSTS", "10.0.0.5,[::1],*", ["10.0.0.5", "[::1]", "*"]),
        ("CREDENTIAL_KEYS", f" {KEY} , {Fernet.generate_key().decode()}"[:-45].rstrip(" ,"), [KEY]),
        ("ACTIVECAMPAIGN_HOST_SUFFIXES", ".API-us1.com, *.activehosted.com", ["api-us1.com", "activehosted.com"]),
        ("SITE_URL", "HTTPS://App.example.com:443/ ", "https://app.example.com"),
        ("SITE_URL", "https://app.example.com:8443", "https://app.example.com:8443"),
        ("SITE_URL", "http://[::1]:8000/", "http://[::1]:8000"),
        ("CSRF_TRUSTED_ORIGINS", "https://b.example, http://c.example:80", ["https://b.example", "http://c.example"]),
        ("DEBUG", " ON ", True),
        ("SIGNUP_OPEN", "No", False),
        ("RATE_LIMITS", "True", True),
        ("ACTIVECAMPAIGN_RATE", "4.5", 4.5),
        ("ACTIVECAMPAIGN_RATE", "", 5.0),
        ("SYNC_LEASE_SECONDS", " 60 ", 60.0),
        ("HSTS_SECONDS", "0", 0),
        ("REDIS_URL", "", ""),
        ("REDIS_URL", "redis://:pa/ss#wo+rd@cache.example/1", "redis://:pa%2Fss%23wo%2Brd@cache.example/1"),
        ("SECRET_KEY", f"${STRONG}#", f"${STRONG}#"),
        ("SECRET_KEY_FALLBACKS", "$HOME, old#key", ["$HOME", "old#key"]),
        ("OPERATOR_TOKEN", f"$PATH{STRONG}", f"$PATH{STRONG}"),
        ("LOG_FORMAT", " JSON ", "json"),
        ("SECURITY_CONTACT", "security@example.com", "mailto:security@example.com"),
        ("SECURITY_CONTACT", "https://example.com/report", "https://example.com/report"),
    ],
)
def test_blanks_and_capitals_are_forgiven_and_each_character_is_itself(name: str, text: str, value: object) -> None:
    assert read(**{name: text})[name] == value


@pytest.mark.parametrize(
    "password", ["a/ss", "a,ss", "a#ss", "a?ss", "$ass", "a%ss", "a+ss", "a@ss", "a:ss", "[ss", "12@/"]
)
def test_a_password_in_an_address_may_have_any_character(password: str) -> None:
    """Or it is refused without being repeated, where it could be read in two ways."""
    try:
        database = read(DATABASE_URL=f"postgres://me:{password}@db.example:5433/metrics")["DATABASE_URL"]
        mail = read(EMAIL_URL=f"smtp+tls://me:{password}@mail.example")["EMAIL_URL"]
    except ImproperlyConfigured as problem:
        assert password in ("12@/",)
        assert password not in str(problem)
        return

    assert (database["PASSWORD"], database["HOST"], database["PORT"]) == (password, "db.example", 5433)
    assert (database["USER"], database["NAME"]) == ("me", "metrics")
    assert (mail["EMAIL_HOST_PASSWORD"], mail["EMAIL_HOST"]) == (password, "mail.example")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////srv/me@home/a+b #1/db.sqlite3", "/srv/me@home/a+b #1/db.sqlite3"),
        ("SQLite:///beside.sqlite3", "beside.sqlite3"),
        ("sqlite://:memory:", ":memory:"),
        ("postgresql:///metrics?host=/run/postgresql", "metrics"),
        ("postgres://me:p%2Fw@one.example:1,two.example:2/metrics", "metrics"),
        ("", "db.sqlite3"),
    ],
)
def test_a_database_is_the_one_that_is_named(url: str, name: str) -> None:
    assert read(DATABASE_URL=url)["DATABASE_URL"]["NAME"] == name


@pytest.mark.parametrize(
    ("url", "port", "begins_in_the_clear", "is_encrypted_at_once"),
    [
        ("smtp+tls://mail.example", 587, True, False),
        ("smtps://mail.example:465", 465, False, True),
        ("smtps://mail.example", 465, False, True),
        ("smtp+ssl://mail.example:2465", 2465, False, True),
        ("smtp://mail.example", 25, False, False),
    ],
)
def test_mail_goes_by_the_port_and_in_the_way_that_its_address_says(
    url: str, port: int, begins_in_the_clear: bool, is_encrypted_at_once: bool
) -> None:
    facts = read(EMAIL_URL=url)["EMAIL_URL"]

    assert facts["EMAIL_PORT"] == port
    assert facts.get("EMAIL_USE_TLS", False) == begins_in_the_clear
    assert facts.get("EMAIL_USE_SSL", False) == is_encrypted_at_once


NOT_MEANT = {
    "ACTIVECAMPAIGN_RATE": ["0", "0.0", "-1", "five", "5 per second", "inf", "nan", "1e3", "5,0", "٥", "9" * 400],
    "SYNC_LEASE_SECONDS": ["0", "-60", "60s", "1e9"],
    "TRUSTED_PROXY_COUNT": ["-1", "1.5", "on", "11", "9" * 5000],
    "CHECKS_AT_ONCE": ["0", "-4"],
    "CHANGES_KEPT_DAYS": ["-1", "forever"],
    "MOST_BYTES_PER_CONNECTION": ["0", "5GB"],
    "REAUTHENTICATION_SECONDS": ["0"],
    "DEBUG": ["maybe", "on # for now", "2", "offf"],
    "SIGNUP_OPEN": ["open", "'on'"],
    "RATE_LIMITS": ["none"],
    "HSTS_SECONDS": ["-1", "1 year"],
    "HSTS_PRELOAD": ["perhaps"],
    "ALLOWED_HOSTS": ["https://a.example", "a.example:8000", "a.example/", "a b.example", "*.example.com", "a..b"],
    "SITE_URL": ["app.example.com", "https://a.example/app", "ftp://a.example", "https://", "https://me@a.example"],
    "CSRF_TRUSTED_ORIGINS": ["a.example", "https://a.example/path", "https://a.example:port"],
    "ACTIVECAMPAIGN_HOST_SUFFIXES": ["com", "https://api-us1.com", "*", "[::1]"],
    "ACTIVECAMPAIGN_SANDBOX_ORIGINS": ["127.0.0.1:8010"],
    "DATABASE_URL": ["mysql://a/b", "postgres://", "db.sqlite3", "sqlite://db.sqlite3", "postgres://h", "/srv/db"],
    "EMAIL_URL": ["mail.example", "smtp://", "http://mail.example", "filemail://", "smtp://mail.example?tls=1"],
    "REDIS_URL": ["localhost:6379", "redis://", "http://localhost", "redis://localhost/cache", "redis://localhost:x"],
    "CELERY_BROKER_URL": ["localhost", "http://localhost"],
    "DEFAULT_FROM_EMAIL": ["BlinkMetrics", "@", "a b@"],
    "CREDENTIAL_KEYS_FILE": ["/no/such/file", "/"],
    "OUTGOING_PROXY": ["proxy.example:3128", "http://proxy.example", "socks5://proxy.example:1080", "http://me:x@p:y"],
    "OUTGOING_CA_FILE": ["/no/such/file", "/", f"{ROOT / 'README.md'}"],
    "ADMINS": ["ops", "ops@example.com, @"],
    "LOG_FORMAT": ["xml", "on"],
    "SECURITY_CONTACT": ["example.com", "http://example.com", "mailto:nobody", "a@b.example\nExpires: 2999"],
    "SENTRY_DSN": ["key", "https://sentry.example.com/1", "https://key@sentry.example.com/", "ftp://k@host/1"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NOT_MEANT.items() for text in texts])
def test_what_cannot_be_meant_is_refused_with_what_to_set(name: str, text: str) -> None:
    sentence = refusal(**{name: text})

    assert sentence.startswith(f"Set {name} to {SETTINGS[name].kind.words}")
    assert "\n" not in sentence


PIECES = ["://", *":/@?#%[],=$+.-ü٣ \n", "%2", "sqlite", "postgres", "smtp", "redis", "host", "5432", "::1"]
pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
addresses = st.sampled_from(["sqlite", "postgres", "smtp+tls", "filemail", "redis", "unix", "https", "amqp"])
texts = pieces | st.tuples(addresses, pieces).map("://".join)


@given(text=texts)
@settings(max_examples=100)
def test_whatever_is_given_is_understood_or_refused_in_a_sentence(text: str) -> None:
    for setting in SETTINGS.values():
        try:
            setting.read(text)
        except NotMeant as problem:
            assert str(problem).startswith(f"Set {setting.name} to ")


def test_each_setting_that_is_not_any_text_or_word_has_something_that_it_cannot_be() -> None:
    anything = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "CREDENTIAL_KEYS", "OPERATOR_TOKEN", "SOURCES_SWITCHED_OFF"}
    tried = {SETTINGS[name].kind.read.__qualname__ for name in NOT_MEANT}

    assert {name for name, one in SETTINGS.items() if one.kind.read.__qualname__ not in tried} <= anything


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SECRET_KEY": ""}, "Set SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too easy to guess"),
        ({"OPERATOR_TOKEN": "sesame"}, "OPERATOR_TOKEN is too easy to guess"),
        ({"OPERATOR_TOKEN": "a" * 40}, "OPERATOR_TOKEN is too easy to guess"),
        ({"CREDENTIAL_KEYS": ""}, "Set CREDENTIAL_KEYS"),
        ({"CREDENTIAL_KEYS": f"{KEY},nonsense"}, "Key 2 in CREDENTIAL_KEYS is not usable"),
        ({"CREDENTIAL_KEYS": f"{KEY},{KEY}"}, "the same key twice"),
        ({"CREDENTIAL_KEYS_FILE": __file__}, "Both CREDENTIAL_KEYS and CREDENTIAL_KEYS_FILE are set"),
        ({"CREDENTIAL_KEYS": "", "CREDENTIAL_KEYS_FILE": os.devnull}, "Set CREDENTIAL_KEYS_FILE"),
        ({"CREDENTIAL_KEYS": "", "CREDENTIAL_KEYS_FILE": __file__}, "Key 1 in CREDENTIAL_KEYS_FILE is not usable"),
        ({"ALLOWED_HOSTS": ""}, "Set ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ".example.com"}, "Set SITE_URL"),
        ({"RATE_LIMITS": "off"}, "RATE_LIMITS=off is for development only"),
        ({"HSTS_PRELOAD": "on"}, "HSTS_PRELOAD needs"),
        ({"HSTS_PRELOAD": "on", "HSTS_SUBDOMAINS": "on", "HSTS_SECONDS": "3600"}, "HSTS_PRELOAD needs"),
    ],
)
def test_what_does_not_go_together_is_refused(settings: dict[str, str], words: str) -> None:
    sentence = refusal(**settings).partition("\n")[0]

    assert words in sentence
    assert not [value for value in settings.values() if len(value) > 4 and value.isalpha() and value in sentence]


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(refusal(ACTIVECAMPAIGN_RATE="0", SYNC_LEASE_SECONDS="-1", SITE_URL="here").splitlines()) == 3


def test_keys_may_stand_in_a_file(tmp_path: Path) -> None:
    file, older = tmp_path / "keys", Fernet.generate_key().decode()
    file.write_text(f"{KEY}\n{older},\n")

    assert credential_keys(read(CREDENTIAL_KEYS="", CREDENTIAL_KEYS_FILE=f"{file}")) == [KEY, older]


SECRETS = {
    "SECRET_KEY": "$sesame",
    "CREDENTIAL_KEYS": "sesame",
    "CREDENTIAL_KEYS_FILE": "sesame",
    "DATABASE_URL": "postgres://me:1/sesame@db.example:port/metrics",
    "REDIS_URL": "redis://:ses/ame@sesame@cache.example:sesame",
    "EMAIL_URL": "smtp://me:[sesame@mail.example:sesame",
    "CELERY_BROKER_URL": "sesame",
    "OPERATOR_TOKEN": "sesame",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_start_that_is_refused_says_why_and_nothing_of_a_secret(name: str) -> None:
    environment = bare_environment(**{**SITE, name: SECRETS[name]})

    command = [sys.executable, "manage.py", "check"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert result.returncode == 1
    assert result.stdout == ""
    assert name in result.stderr
    assert not [piece for piece in ("sesame", "ses", "ame@", "Traceback") if piece in result.stderr]


def test_a_web_server_that_is_refused_its_start_shows_nothing_of_a_secret() -> None:
    environment = bare_environment(**SITE | {"DATABASE_URL": SECRETS["DATABASE_URL"]})

    command = [sys.executable, "-c", "import blinkmetrics.wsgi"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert result.stderr.splitlines()[-1].startswith("django.core.exceptions.ImproperlyConfigured: Set DATABASE_URL")
    assert not [piece for piece in ("sesame", "ses") if piece in result.stderr]


def read_file(folder: Path, text: str | bytes) -> list[str]:
    file = folder / ".env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_env_file(file)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr("environ.Env.ENVIRON", here := {"MINE": "stays"})
    return here


def test_a_line_of_the_file_is_what_it_says(tmp_path: Path, environment: dict[str, str]) -> None:
    text = "\ufeff# Ours\r\nA=$HOME#1\r\n  export B = two words \nC='s#$'\nD=\"q$#\"\n\nMINE=other\nE=\nF=a=b"

    names = read_file(tmp_path, text)

    assert names == ["A", "B", "C", "D", "MINE", "E", "F"]
    assert [environment[name] for name in names] == ["$HOME#1", "two words", "s#$", "q$#", "stays", "", "a=b"]


@pytest.mark.parametrize("text", ["SECRET_KEY: sesame", "sesame", "A=1\nMY-KEY=sesame", b"A=1\nSECRET_KEY=sesame\xff"])
def test_a_file_that_is_not_understood_is_refused_without_being_repeated(
    tmp_path: Path, environment: dict[str, str], text: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"line \d of .*\.env|cannot be read") as refused:
        read_file(tmp_path, text)

    assert "sesame" not in f"{refused.value}{caplog.text}"
    assert refused.value.__cause__ is None


def test_a_file_that_is_there_and_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be read: Is a directory"):
        read_env_file(tmp_path)
    assert read_env_file(tmp_path / "none") == []
