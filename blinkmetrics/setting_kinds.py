"""What a setting may be, in words and as the function that reads it. What it refuses is never repeated."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import environ

TRUE, FALSE = environ.Env.BOOLEAN_TRUE_STRINGS, ("false", "off", "no", "n", "0")
HOST = r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?|\[[0-9a-f:.]+\]"
DEFAULT_PORTS = {"http": 80, "https": 443}
POSTGRESQL = ("postgres", "postgresql", "psql", "pgsql")
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}
# What ends the user and password of an address, or begins something else, if it is not written as %xx.
HARMFUL_IN_PASSWORD = str.maketrans({mark: f"%{ord(mark):02X}" for mark in "/?[]@"})


class NotMeant(Exception):
    """Its text says what is wrong with what was given, as far as more is to be said than what it has to be."""


@dataclass(frozen=True)
class Kind:
    """`words` go on from “Set NAME to”. `read` makes a value of a text and raises NotMeant."""

    words: str
    read: Callable[[str], Any]


def text_of(read: Callable[[str], Any] = str, words: str = "a text") -> Kind:
    return Kind(words, read)


def whole(least: int, most: int) -> Kind:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise NotMeant
        return int(text)

    return Kind(f"a whole number from {least} to {most}", read)


def number(least: float, most: float) -> Kind:
    def read(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text) or not least <= float(text) <= most:
            raise NotMeant
        return float(text)

    return Kind(f"a number from {least:g} to {most:.0f}", read)


def read_on_or_off(text: str) -> bool:
    word = text.lower()
    if word not in (*TRUE, *FALSE):
        raise NotMeant
    return word in TRUE


def list_of(words: str, read: Callable[[str], str] = str) -> Kind:
    """Separated by commas. Blanks around them mean nothing, nor does a comma too many."""

    def read_each(text: str) -> list[str]:
        return [read(one.strip()) for one in text.split(",") if one.strip()]

    return Kind(f"{words}, separated by commas", read_each)


def read_host(text: str) -> str:
    """A name or address; beginning with a dot, all names below it, too; `*` any."""
    host = text.lower()
    if host != "*" and not re.fullmatch(HOST, host.removeprefix(".")):
        raise NotMeant("names alone, without https://, port or path")
    return host


def read_domain(text: str) -> str:
    """What a host has to end in: at least two words, since one would admit a whole country."""
    domain = text.lower().removeprefix("*").removeprefix(".")
    if not re.fullmatch(HOST, domain) or "." not in domain or domain.startswith("["):
        raise NotMeant("each of at least two words with a dot between them")
    return domain


def read_origin(text: str) -> str:
    """As a browser writes it: small letters, and no port that goes without saying."""
    url = split(text, schemes=DEFAULT_PORTS)
    host = url.netloc.lower().rpartition(":")[0] if url.port is not None else url.netloc.lower()
    if not re.fullmatch(HOST, host.removesuffix(":")) or url.path.strip("/") or url.query or url.fragment:
        raise NotMeant("without user, path or question mark")
    port = "" if url.port in (None, DEFAULT_PORTS[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{host.removesuffix(':')}{port}"


def read_sender(text: str) -> str:
    _, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise NotMeant
    return text


def read_file(text: str) -> str:
    if text:
        try:
            Path(text).open("rb").close()
        except OSError as error:
            raise NotMeant(f"{error.strerror}") from None
    return text


# Addresses with a user and a password ----------------------------------------------------------------------------


def split(text: str, *, schemes: Collection[str]) -> SplitResult:
    """Take an address apart. What urllib says of one that it does not understand repeats it: that is left out."""
    if "://" not in text:
        raise NotMeant
    try:
        url = urlsplit(text)
        is_cluster = url.scheme in POSTGRESQL and "," in url.netloc.rpartition("@")[2]
        _ = is_cluster or url.port  # Its hosts have a port each.
    except ValueError:
        raise NotMeant("the host, or its port, is not understood") from None
    if url.scheme not in schemes:
        raise NotMeant
    return url


def plain(text: str) -> str:
    """An address in which each character of user and password means itself, unless it is written as %xx.

    `#` begins nothing in these addresses, and `+` is no blank.
    """
    scheme, separator, rest = text.partition("://")
    rest = rest.replace("#", "%23").replace("+", "%2B")
    place = re.split("[/?]", rest, maxsplit=1)[0]
    if place and "@" in rest[len(place) :]:
        # A slash in the password, or an @ far behind: only one of them makes sense of `user:pass/word@host`.
        if not re.fullmatch(r"[^@:]*:(?![0-9]*$)[^@]*", place):
            raise NotMeant("in user and password, write / as %2F and @ as %40; behind the host, @ as %40")
        place = rest.rpartition("@")[0] + "@"
    person, at, _ = place.rpartition("@")
    return f"{scheme}{separator}{person.translate(HARMFUL_IN_PASSWORD)}{at}{rest[len(person) + len(at) :]}"


def read_database(text: str) -> dict[str, Any]:
    """What Django needs, by django-environ. A file is named in full, or from the folder of manage.py."""
    if text.lower() in ("sqlite://", "sqlite://:memory:"):
        return dict(environ.Env.db_url_config("sqlite://:memory:"))
    url = split(plain(text), schemes=("sqlite", *POSTGRESQL))
    if url.scheme == "sqlite" and url.netloc:
        raise NotMeant("a file has three slashes before its name, or four before a whole path")
    facts = dict(environ.Env.db_url_config(plain(text)))
    if not facts["NAME"]:
        raise NotMeant("it names no database")
    return facts


def read_mail(text: str) -> dict[str, Any]:
    """Django's settings of the same names, by django-environ, with the port that the way of encryption has."""
    url = split(plain(text), schemes=environ.Env.EMAIL_SCHEMES)
    facts = dict(environ.Env.email_url_config(plain(text)))
    if url.scheme == "filemail" and not url.path.strip("/"):
        raise NotMeant("it names no folder")
    if url.scheme not in MAIL_PORTS:
        # django-environ takes a whole path for one from wherever the process was started.
        return {**facts, "EMAIL_FILE_PATH": unquote(url.path)}
    if not url.hostname or url.query:
        raise NotMeant("it names no host, or more than user, password, host and port")
    port = url.port or MAIL_PORTS[url.scheme]
    # django-environ would begin in the clear at the one port where nobody answers that.
    encrypted = {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True} if port == MAIL_PORTS["smtps"] else {}
    return {**facts, "EMAIL_PORT": port, **encrypted}


def read_redis(text: str) -> str:
    if not text:
        return ""
    url = split(plain(text), schemes=("redis", "rediss", "unix"))
    if url.scheme == "unix" and not url.path:
        raise NotMeant("it names no socket")
    if url.scheme != "unix" and not (url.hostname and re.fullmatch("/?[0-9]*", url.path)):
        raise NotMeant("it names no host, or a database that is no number")
    return plain(text)


def read_contact(text: str) -> str:
    """As RFC 9116 has it: an address of the web by https, mail or telephone. A bare e-mail address is a mailto."""
    contact = f"mailto:{text}" if re.fullmatch(r"[^@\s:/]+@[^@\s]+", text) else text
    if contact and not re.fullmatch(r"(https://|mailto:[^@\s]+@|tel:\+?[0-9])[!-~]*", contact):
        raise NotMeant
    return contact


def read_dsn(text: str) -> str:
    if text:
        url = split(text, schemes=DEFAULT_PORTS)
        if not (url.username and url.hostname and url.path.strip("/").rpartition("/")[2].isdecimal()):
            raise NotMeant("Sentry shows it under the project's client keys")
    return text


def one_of(*words: str) -> Kind:
    """None, or one of these, in whatever letters."""

    def read(text: str) -> str:
        if text and text.lower() not in words:
            raise NotMeant
        return text.lower()

    return Kind(" or ".join(words), read)


def address(words: str, *schemes: str) -> Kind:
    """None, or one that begins in one of these ways."""

    def read(text: str) -> str:
        if text:
            split(plain(text), schemes=schemes)
        return plain(text)

    return Kind(words, read)


TEXT = text_of()
ON_OR_OFF = Kind("on or off", read_on_or_off)
HOSTS = list_of("host names", read_host)
DOMAINS = list_of("domains", read_domain)
ORIGINS = list_of("origins such as https://app.example.com", read_origin)
SECRETS = list_of("secrets")
NAMES = list_of("names", str.lower)
ORIGIN = Kind("an origin such as https://app.example.com", lambda text: read_origin(text) if text else "")
SENDER = Kind("an e-mail address, with a name before it or not", read_sender)
FILE = Kind("the path of a file", read_file)
DATABASE = Kind("sqlite:///path or postgres://user:password@host/name", read_database)
MAIL = Kind("smtp+tls://user:password@host:587, smtp+ssl://…, smtp://… or consolemail://", read_mail)
REDIS = Kind("redis://user:password@host:6379/0, rediss://… or unix:///path", read_redis)
CONTACT = Kind("an e-mail address, mailto:…, https://… or tel:…", read_contact)
LOG_FORMAT = one_of("json", "plain")
DSN = Kind("a DSN such as https://key@sentry.example.com/1", read_dsn)
BROKER = address(
    "the address of a broker that Celery knows, such as redis://host:6379/1",
    *("redis", "rediss", "sentinel", "amqp", "amqps", "pyamqp", "sqs", "memory", "filesystem"),
)
