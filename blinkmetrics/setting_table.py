"""The table of settings: what each may be, its default and what it does; and how it is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from blinkmetrics import outgoing
from blinkmetrics import setting_kinds as kinds
from blinkmetrics.secrets import MAKE_CREDENTIAL_KEY, MAKE_SECRET_KEY, WEAKEST_TOKEN, wrong_secrets
from blinkmetrics.setting_kinds import Kind, NotMeant, number, whole

DAY = 86_400  # Seconds.
KEPT = whole(0, 36_500)  # Days.
LONGEST_HSTS = 2 * 365 * DAY
SHORTEST_PRELOAD = 365 * DAY  # What browsers want of a site before they take it into their list: hstspreload.org.


@dataclass(frozen=True)
class Setting:
    """`default` is written as a person would write it; `says` what the default is, where that text does not."""

    name: str
    kind: Kind
    default: str
    sentence: str
    says: str = ""
    example: str = ""
    make: str = ""

    def read(self, text: str) -> Any:
        """Raises NotMeant with the whole sentence, in which nothing of the text stands."""
        try:
            return self.kind.read(text.strip() or self.default)
        except NotMeant as problem:
            more = f" ({problem})" if str(problem) else ""
            raise NotMeant(f"Set {self.name} to {self.kind.words}{more}.") from None


SECTIONS: dict[str, tuple[Setting, ...]] = {
    "Required": (
        Setting("SECRET_KEY", kinds.TEXT, "", "signs sessions and links", says="none; required", make=MAKE_SECRET_KEY),
        Setting(
            "CREDENTIAL_KEYS",
            kinds.SECRETS,
            "",
            "Fernet keys that seal customers' API keys, the newest first. **Losing them loses every stored key**",
            says="none; required",
            make=MAKE_CREDENTIAL_KEY,
        ),
        Setting(
            "CREDENTIAL_KEYS_FILE",
            kinds.FILE,
            "",
            "a file that holds them instead, separated by commas or one a line",
            example="/run/secrets/credential_keys",
        ),
        Setting(
            "ALLOWED_HOSTS",
            kinds.HOSTS,
            "",
            "the host names that this site answers to. May be empty with `DEBUG` on only",
            says="none; required",
            example="app.example.com",
        ),
    ),
    "The site": (
        Setting(
            "DEBUG",
            kinds.ON_OR_OFF,
            "off",
            "for a developer's machine only: demo people, sandbox, errors in full in the log",
        ),
        Setting(
            "SITE_URL",
            kinds.ORIGIN,
            "",
            "where people find the site, and where links in e-mails lead; forms from there are always accepted. With "
            "https, cookies are secure and plain http is redirected",
            says="`https://` and the first of `ALLOWED_HOSTS`; http://127.0.0.1:8000 with `DEBUG` on",
            example="https://app.example.com",
        ),
        Setting(
            "DATABASE_URL",
            kinds.DATABASE,
            "sqlite:///db.sqlite3",
            "SQLite or PostgreSQL. In user and password write `/` as `%2F` and `@` as `%40`",
            example="postgres://blinkmetrics@localhost/blinkmetrics",
        ),
        Setting(
            "REDIS_URL",
            kinds.REDIS,
            "",
            "the cache that limits on logins are counted in, over all processes",
            says="a table in the database",
            example="redis://localhost:6379/0",
        ),
        Setting(
            "EMAIL_URL",
            kinds.MAIL,
            "consolemail://",
            "how e-mails leave; by default they are printed",
            example="smtp+tls://user:password@mail.example.com:587",
        ),
        Setting("DEFAULT_FROM_EMAIL", kinds.SENDER, "BlinkMetrics <no-reply@blinkmetrics.example>", "their sender"),
        Setting(
            "ADMINS",
            kinds.list_of("e-mail addresses", kinds.read_sender),
            "",
            "who runs the site: told of faults, and when work waits and no worker is there",
            example="ops@example.com",
        ),
        Setting("SECRET_KEY_FALLBACKS", kinds.SECRETS, "", "retired `SECRET_KEY`s that still open what they signed"),
        Setting(
            "OPERATOR_TOKEN",
            kinds.TEXT,
            "",
            f"at least {WEAKEST_TOKEN} characters: who sends it (`Authorization: Bearer …`) may read `/metrics` and "
            "the details of `/readyz`; without one nobody may",
            make=MAKE_SECRET_KEY,
        ),
        Setting(
            "SECURITY_CONTACT",
            kinds.CONTACT,
            "",
            "where to report a weakness of this site: `/.well-known/security.txt` says so, where it is set",
            example="mailto:security@example.com",
        ),
        Setting(
            "HELP_CONTACT",
            kinds.CONTACT,
            "",
            "where people ask for help: it stands at the foot of each page, where it is set",
            example="mailto:help@example.com",
        ),
        Setting(
            "LOG_FORMAT",
            kinds.LOG_FORMAT,
            "",
            "how log lines look: `json` is one object a line, with the ids of request, connection and sync",
            says="`json`; `plain` with `DEBUG` on",
        ),
        Setting(
            "SENTRY_DSN",
            kinds.DSN,
            "",
            "where faults are reported besides the log, by the rules of fault reports: no text, nothing that was sent, "
            "no variable",
            example="https://key@sentry.example.com/1",
        ),
    ),
    "Behind a proxy": (
        Setting(
            "TRUSTED_PROXY_COUNT",
            whole(0, 10),
            "0",
            "how many proxies of yours stand in front. A client is then the entry of `X-Forwarded-For` that the "
            "outermost of them added, that many from the right, and `X-Forwarded-Proto` is believed. At 0 neither is "
            "looked at",
        ),
        Setting(
            "CSRF_TRUSTED_ORIGINS",
            kinds.ORIGINS,
            "",
            "further origins that forms are accepted from, besides the origin of `SITE_URL`",
            example="https://www.example.com:8443",
        ),
        Setting(
            "HSTS_SECONDS",
            whole(0, LONGEST_HSTS),
            "3600",
            "for how long browsers that came by https refuse plain http. Raise it when https has worked for a while: "
            "it cannot be taken back",
        ),
        Setting("HSTS_SUBDOMAINS", kinds.ON_OR_OFF, "off", "whether that holds for all hosts below this one, too"),
        Setting(
            "HSTS_PRELOAD",
            kinds.ON_OR_OFF,
            "off",
            f"whether browsers may know it before the first visit; needs `HSTS_SUBDOMAINS` and {SHORTEST_PRELOAD} "
            "seconds",
        ),
    ),
    "People": (
        Setting("SIGNUP_OPEN", kinds.ON_OR_OFF, "on", "**no effect yet**: nobody can sign up by themselves"),
        Setting(
            "REAUTHENTICATION_SECONDS",
            whole(1, DAY),
            "300",
            "how recent a login, or a confirmation, must be to change a connection's address or key",
        ),
        Setting(
            "CHECKS_PER_PERSON", whole(1, 100_000), "10", "how many live checks of one person may fail in ten minutes"
        ),
        Setting(
            "CHECKS_PER_PERSON_IN_ALL",
            whole(1, 100_000),
            "60",
            "how many live checks one person may make in ten minutes, those that succeed included",
        ),
        Setting(
            "CHECKS_PER_WORKSPACE",
            whole(1, 100_000),
            "30",
            "how many of one workspace may fail in an hour; of these its plain members together have two thirds",
        ),
        Setting(
            "CHECKS_PER_ACCOUNT",
            whole(1, 100_000),
            "20",
            "how many of one account may fail in ten minutes, over all workspaces that have no proven key of it; one "
            "that has counts for itself, and the first three of each workspace are always made",
        ),
        Setting(
            "CHECKS_AT_ONCE",
            whole(1, 64),
            "4",
            "how many live checks one web process makes at the same moment: one of a person, two of a workspace. "
            "Keep it below the number of its threads for pages, which is eight",
        ),
        Setting(
            "DOWNLOADS_AT_ONCE",
            whole(1, 1000),
            "32",
            "how many downloads one web process sends at the same moment: a quarter of them to a person, half to a "
            "workspace. `blinkmetrics/serving.py` has a thread for each",
        ),
        Setting(
            "RATE_LIMITS",
            kinds.ON_OR_OFF,
            "on",
            "`off` lifts the limits on logins and checks; allowed with `DEBUG` on only",
        ),
    ),
    "What is kept": (
        Setting(
            "SYNCS_KEPT_DAYS",
            KEPT,
            "400",
            "after so many days a sync is forgotten, unless it is its connection's last. 0: never",
        ),
        Setting("TRAIL_KEPT_DAYS", KEPT, "730", "the same for what Activity shows. 0: never"),
        Setting("GONE_ROWS_KEPT_DAYS", KEPT, "30", "the same for rows that are gone from their account. 0: never"),
        Setting(
            "CHANGES_KEPT_DAYS",
            KEPT,
            "1826",
            "the same for a change that was seen in pulled rows (a deal's stage, a contact's tag); the rows themselves "
            "stay. 0: never",
        ),
        Setting(
            "SESSIONS_KEPT_DAYS", whole(1, 365), "14", "after so many days without a visit somebody has to log in again"
        ),
    ),
    "Pulling data": (
        Setting(
            "CELERY_BROKER_URL",
            kinds.BROKER,
            "",
            "lets `celery -A blinkmetrics worker -B` do what `manage.py worker` does, for a site that runs Celery "
            "already; with `-c` of your own, give it at least nine threads: eight pull, one sees who waits",
            example="redis://localhost:6379/1",
        ),
        Setting(
            "SYNC_LEASE_SECONDS",
            number(1, 3600),
            "60",
            "after so long without a sign of life another worker takes a sync up",
        ),
        Setting(
            "OUTGOING_PROXY",
            outgoing.PROXY,
            "",
            "the proxy that all calls to sources go through (CONNECT). It looks names up and so decides which "
            "addresses are called; only a source's own hosts are asked of it. The environment's `HTTPS_PROXY` is never "
            "heeded",
            example="http://user:password@proxy.example.com:3128",
        ),
        Setting(
            "OUTGOING_CA_FILE",
            outgoing.AUTHORITIES,
            "",
            "a file of authorities to trust besides the bundled ones, where a proxy opens TLS",
            example="/etc/ssl/our-proxy.pem",
        ),
        Setting(
            "MOST_BYTES_PER_CONNECTION",
            whole(1, 10**15),
            f"{5 * 1024**3}",
            "how many bytes the rows of one connection may take, those that are gone from the account included",
            says="5368709120 (5 GB)",
        ),
        Setting(
            "MOST_ROWS_PER_CONNECTION",
            whole(1, 10**12),
            "20000000",
            "how many rows one connection may hold, counted in the same way",
        ),
        Setting(
            "MOST_BYTES_PER_WORKSPACE",
            whole(1, 10**15),
            f"{20 * 1024**3}",
            "how many bytes all connections of a workspace may take together",
            says="21474836480 (20 GB)",
        ),
        Setting(
            "ACTIVECAMPAIGN_HOST_SUFFIXES",
            kinds.DOMAINS,
            "api-us1.com,activehosted.com",
            "domains whose hosts are accepted as ActiveCampaign's",
        ),
        Setting(
            "ACTIVECAMPAIGN_RATE",
            number(0.01, 100_000),
            "5",
            "calls a second that one account bears from everybody together",
        ),
        Setting(
            "ACTIVECAMPAIGN_SANDBOX_ORIGINS",
            kinds.ORIGINS,
            "",
            "exact origins of sandboxes, accepted besides the real hosts, without https. With `DEBUG` off an error "
            "of `check --deploy`",
            example="http://127.0.0.1:8010",
        ),
        Setting("SOURCES_SWITCHED_OFF", kinds.NAMES, "", "keys of sources that nobody may connect for now"),
    ),
}
SETTINGS = {setting.name: setting for section in SECTIONS.values() for setting in section}


def read_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Every setting by its name.

    Raises ImproperlyConfigured with a sentence for each that cannot be meant, in which nothing of its value stands.
    """
    given: dict[str, Any] = {}
    wrong = []
    for name, setting in SETTINGS.items():
        try:
            given[name] = setting.read(environment.get(name, ""))
        except NotMeant as problem:
            wrong.append(f"{problem}")
    wrong = wrong or [*wrong_secrets(given), *wrong_together(given)]
    if wrong:
        raise ImproperlyConfigured("\n".join(wrong))
    return given


def wrong_together(given: Mapping[str, Any]) -> Iterator[str]:
    """What each by itself may be, but not beside the others."""
    hosts, debug = given["ALLOWED_HOSTS"], given["DEBUG"]
    if not hosts and not debug:
        yield "Set ALLOWED_HOSTS to the host names that this site answers to, separated by commas."
    if hosts and not given["SITE_URL"] and hosts[0].startswith((".", "*")) and not debug:
        yield "Set SITE_URL to where people find the site, since the first of ALLOWED_HOSTS is no host name by itself."
    if not given["RATE_LIMITS"] and not debug:
        yield "RATE_LIMITS=off is for development only: remove it, or set DEBUG=on."
    if given["SENTRY_DSN"] and find_spec("sentry_sdk") is None:
        yield "SENTRY_DSN needs the package sentry-sdk: install the pinned packages (docs/operating.md), or remove it."
    if given["HSTS_PRELOAD"] and not (given["HSTS_SUBDOMAINS"] and given["HSTS_SECONDS"] >= SHORTEST_PRELOAD):
        yield f"HSTS_PRELOAD needs HSTS_SUBDOMAINS=on and HSTS_SECONDS of {SHORTEST_PRELOAD}: set both, or remove it."
