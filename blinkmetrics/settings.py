"""Django's settings, closed by default. What an operator sets, in the environment or `.env`, is judged by the table."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from csp.constants import NONE, SELF
from django.contrib.messages import constants as message_levels

from blinkmetrics.env_file import PrivateDatabase, read_env_file
from blinkmetrics.logs import logging_config
from blinkmetrics.secrets import credential_keys
from blinkmetrics.setting_table import SETTINGS, read_settings

BASE_DIR = Path(__file__).resolve().parent.parent

ENV_FILE = BASE_DIR / ".env"
IN_ENV_FILE = read_env_file(ENV_FILE)  # The environment beats the file.
given = read_settings(os.environ)
SETTING_NAMES = [*SETTINGS]
UNKNOWN_SETTINGS = sorted({*IN_ENV_FILE} - SETTINGS.keys())

DEBUG: bool = given["DEBUG"]
SECRET_KEY: str = given["SECRET_KEY"]
SECRET_KEY_FALLBACKS: list[str] = given["SECRET_KEY_FALLBACKS"]
CREDENTIAL_KEYS = credential_keys(given)
CREDENTIAL_KEYS_FILE: str = given["CREDENTIAL_KEYS_FILE"]

ALLOWED_HOSTS: list[str] = given["ALLOWED_HOSTS"] or ["127.0.0.1", "localhost", "[::1]"]  # Empty with DEBUG on alone.
SITE_URL: str = given["SITE_URL"] or ("http://127.0.0.1:8000" if DEBUG else f"https://{ALLOWED_HOSTS[0]}")
TRUSTED_PROXY_COUNT: int = given["TRUSTED_PROXY_COUNT"]

# The other side --------------------------------------------------------------------------------------------------

SOURCE_PACKAGES = ["sources"]
SOURCES_SWITCHED_OFF: list[str] = given["SOURCES_SWITCHED_OFF"]
ACTIVECAMPAIGN_HOST_SUFFIXES: list[str] = given["ACTIVECAMPAIGN_HOST_SUFFIXES"]
ACTIVECAMPAIGN_RATE: float = given["ACTIVECAMPAIGN_RATE"]
ACTIVECAMPAIGN_SANDBOX_ORIGINS: list[str] = given["ACTIVECAMPAIGN_SANDBOX_ORIGINS"]
# Never those of the environment (HTTPS_PROXY, SSL_CERT_FILE): the key goes where this file says, and nowhere else.
OUTGOING_PROXY: str = given["OUTGOING_PROXY"]
OUTGOING_CA_FILE: str = given["OUTGOING_CA_FILE"]
SYNC_LEASE_SECONDS: float = given["SYNC_LEASE_SECONDS"]
SYNCS_KEPT_DAYS: int = given["SYNCS_KEPT_DAYS"]
TRAIL_KEPT_DAYS: int = given["TRAIL_KEPT_DAYS"]
GONE_ROWS_KEPT_DAYS: int = given["GONE_ROWS_KEPT_DAYS"]
CHANGES_KEPT_DAYS: int = given["CHANGES_KEPT_DAYS"]
SESSIONS_KEPT_DAYS: int = given["SESSIONS_KEPT_DAYS"]
# What is stored of an account: its owner, or whoever has broken into it, decides how much it sends.
MOST_BYTES_PER_CONNECTION: int = given["MOST_BYTES_PER_CONNECTION"]
MOST_ROWS_PER_CONNECTION: int = given["MOST_ROWS_PER_CONNECTION"]
MOST_BYTES_PER_WORKSPACE: int = given["MOST_BYTES_PER_WORKSPACE"]

# The application -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",  # First: our page for groups takes the place of its own.
    "connections",
    "sources",
    "connections.apps.StaffAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
]
MIDDLEWARE = [
    "connections.operating.views.ProbesFirst",
    "connections.operating.request_times.RequestTimes",
    "connections.access.proxies.NoCircles",
    "django.middleware.security.SecurityMiddleware",
    "blinkmetrics.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "connections.access.away.TryAgainPages",
    "connections.access.away.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "connections.access.error_pages.OwnErrorPages",
]
ROOT_URLCONF = "blinkmetrics.urls"
WSGI_APPLICATION = "blinkmetrics.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # A source's guide and logo stand in its own folder.
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "sources"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "connections.frame.header.header",
            ],
            "builtins": [
                "connections.templatetags.addresses",
                "connections.templatetags.moments",
                "connections.templatetags.icons",
                "connections.templatetags.drawn",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
MESSAGE_TAGS = {message_levels.ERROR: "danger"}
# A cookie would outlive the logout, and tell the next person what the one before has done.
MESSAGE_STORAGE = "connections.access.few_messages.FewMessages"

LONGEST_SILENCE = 10  # Seconds that a page waits for a database or Redis that takes calls and says nothing.
DATABASES: dict[str, dict[str, Any]] = {"default": given["DATABASE_URL"]}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if DATABASES["default"]["NAME"] != ":memory:":
        DATABASES["default"]["NAME"] = f"{BASE_DIR / DATABASES['default']['NAME']}"  # Wherever a process is started.
    DATABASES["default"]["OPTIONS"] = {
        "factory": PrivateDatabase,
        # A write begins by taking the lock, so that two writers wait for each other instead of failing half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # Of a file that is made anew: of pages of 8 kB a row of 2 kB wastes less than of those of 4 kB.
        "init_command": "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", LONGEST_SILENCE)
    DATABASES["default"] |= {
        # Kept from one request to the next: to open one takes longer than most pages.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # They would cost two statements more for each list of choices, and no PgBouncer between two transactions knows
        # them. Long lists are read in bites instead.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = given["REDIS_URL"]
CACHES = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": LONGEST_SILENCE, "socket_timeout": LONGEST_SILENCE},
        }
        if REDIS_URL
        else {
            "BACKEND": "connections.access.away.Cache",
            "LOCATION": "cache",
            # By default 300, of which a few hundred wrong logins would push out what the limits have counted.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    )
}
CELERY_BROKER_URL: str = given["CELERY_BROKER_URL"]
OPERATOR_TOKEN: str = given["OPERATOR_TOKEN"]
COUNTED_IN = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")  # A folder of `blinkmetrics.serving`.
SECURITY_CONTACT: str = given["SECURITY_CONTACT"]
HELP_CONTACT: str = given["HELP_CONTACT"]
SENTRY_DSN: str = given["SENTRY_DSN"]

vars().update(given["EMAIL_URL"])
EMAIL_TIMEOUT = 20  # Seconds.
DEFAULT_FROM_EMAIL: str = given["DEFAULT_FROM_EMAIL"]
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Who runs the site: told of faults, and when no worker is there.
ADMINS = [(address, address) for address in given["ADMINS"]]

# People ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "connections.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "connections.login.spellings.ExactSpelling",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "connections.login.adapters.NotPublished"})
SESSION_COOKIE_AGE = SESSIONS_KEPT_DAYS * 24 * 60 * 60
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "connections.login.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_NOTIFICATIONS = True  # Of another password, and of what becomes of the second step.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# A login, or a confirmation, that is older than this does not do for another key or address.
REAUTHENTICATION_SECONDS: int = given["REAUTHENTICATION_SECONDS"]
ACCOUNT_REAUTHENTICATION_TIMEOUT = REAUTHENTICATION_SECONDS
ACCOUNT_FORMS = {
    "login": "connections.login.forms.LogInForm",
    "change_password": "connections.login.forms.AnotherPasswordForm",
    "reset_password": "connections.login.forms.LinkForm",
    "reset_password_from_key": "connections.login.forms.NewPasswordForm",
}
MFA_ADAPTER = "connections.login.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "connections.login.forms.SecondStepForm",
    "reauthenticate": "connections.login.forms.ConfirmByCodeForm",
    "activate_totp": "connections.login.forms.ActivateForm",
}
MFA_TOTP_ISSUER = "BlinkMetrics"
STAFF_NEED_SECOND_FACTOR = not DEBUG  # The demo's staff has none.
# Of the demo's people, one of whom is site staff.
PUBLISHED_PASSWORD = "demo-password-1"  # noqa: S105
PUBLISHED_PASSWORD_OPENS = DEBUG
SIGNUP_OPEN: bool = given["SIGNUP_OPEN"]
# Live checks that failed: of a person in ten minutes, a workspace in an hour, an account in ten minutes.
CHECKS_PER_PERSON: int = given["CHECKS_PER_PERSON"]
CHECKS_PER_WORKSPACE: int = given["CHECKS_PER_WORKSPACE"]
CHECKS_PER_ACCOUNT: int = given["CHECKS_PER_ACCOUNT"]
# All of a person in ten minutes, those that succeeded too: more than anybody presses, less than a loop wants.
CHECKS_PER_PERSON_IN_ALL: int = given["CHECKS_PER_PERSON_IN_ALL"]
# Under way at the same moment, in one web process: fewer than it has threads, so that pages are served meanwhile.
CHECKS_AT_ONCE: int = given["CHECKS_AT_ONCE"]
# Of one web process. `blinkmetrics.serving` has a thread for each, beside those for pages.
DOWNLOADS_AT_ONCE: int = given["DOWNLOADS_AT_ONCE"]
RATE_LIMITS: bool = given["RATE_LIMITS"]
ACCOUNT_RATE_LIMITS: bool | dict[str, str | None] = {
    # Only what failed counts: of one address from one client, which locks nobody out elsewhere, and of one client over
    # all addresses, with room for an office behind one address of the net.
    "login_failed": "5/5m/key",
    "login_failed_of_client": "50/10m/ip",
    "login": None,
    "reauthenticate": None,
    # The page asks for the old password, which whoever has stolen a session would guess there.
    "change_password": "5/5m/user",
    # Whoever is kept from asking has three mails with a link that works.
    "reset_password": "20/h/ip,3/h/key",
    # Mails that say "there is no account with this address": to one address, and to all of them together.
    "mail_to_stranger": "1/d/key",
    "mail_to_strangers": "60/h/key",
}
if not RATE_LIMITS:
    ACCOUNT_RATE_LIMITS = False

# The browser -----------------------------------------------------------------------------------------------------

IS_HTTPS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
# A proxy may pass the host on without the port that people use.
SECURE_SSL_HOST = urlsplit(SITE_URL).netloc if urlsplit(SITE_URL).port else None
CSRF_TRUSTED_ORIGINS: list[str] = [SITE_URL, *given["CSRF_TRUSTED_ORIGINS"]]
SECURE_HSTS_SECONDS: int = given["HSTS_SECONDS"] if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = given["HSTS_SUBDOMAINS"]
SECURE_HSTS_PRELOAD: bool = given["HSTS_PRELOAD"]
# Both are for whoever is sure to have https everywhere for years. Nobody is on the first day.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "connections.access.error_pages.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144  # Bytes of a whole request. The largest form has five short fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000  # A box for each member of a large workspace.
DATA_UPLOAD_MAX_NUMBER_FILES = 0  # No form takes one.
DEFAULT_EXCEPTION_REPORTER = "connections.access.fault_reports.OwnReport"
DEFAULT_EXCEPTION_REPORTER_FILTER = "connections.access.fault_reports.NoValues"

# Words, time and files -------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

LOG_FORMAT: str = given["LOG_FORMAT"] or ("plain" if DEBUG else "json")
LOGGING = logging_config(debug=DEBUG, as_json=LOG_FORMAT == "json", sentry_dsn=SENTRY_DSN)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
